#include "tests/differential/template.h"

// The integer instructions that need no preparation (SDM vol. 1, 5.1). The others are in unit_*.cpp.
namespace ringdown::differential {
namespace {

void add_arithmetic_groups(std::vector<Template>& table) {
  constexpr const char* kPlain[] = {"/r lock", "size /r lock", "/r",
                                    "size /r", "ib",           "size iz"};  // opcode low bits
  constexpr const char* kImmediate[] = {"80 /0 lock ib", "81 size /0 lock iz", "82 /0 ib",
                                        "83 size /0 lock ib"};
  constexpr uint8_t kCmp = 7;  // writes nothing, so LOCK is #UD
  for (uint8_t operation = 0; operation < 8; ++operation) {
    for (uint8_t form = 0; form < 6; ++form) {
      Template t(kPlain[form]);
      t.add_byte(static_cast<uint8_t>(operation << 3 | form));
      t.lockable &= operation != kCmp;
      table.push_back(t);
    }
    for (const char* form : kImmediate) {
      Template t(form);
      t.extension = static_cast<int8_t>(operation);
      t.lockable &= operation != kCmp;
      table.push_back(t);
    }
  }
}

void add_shifts(std::vector<Template>& table) {
  for (int8_t operation = 0; operation < 8; ++operation)
    for (const char* form : {"C0 /0 ib", "C1 size /0 ib", "D0 /0", "D1 size /0"}) {
      Template t(form);
      t.extension = operation;
      table.push_back(t);
    }
}

void add_conditions(std::vector<Template>& table) {
  for (uint8_t condition = 0; condition < 16; ++condition)
    for (const char* form : {"0F 40 size /r", "0F 90 /0"}) {
      Template t(form);
      t.opcode[1] += condition;
      table.push_back(t);
    }
}

constexpr const char* kOthers[] = {
    // data transfer
    "88 /r", "89 size /r", "8A /r", "8B size /r", "C6 /0 ib", "C7 size /0 iz", "B0 +r ib", "B8 size +r iz",
    "86 /r lock", "87 size /r lock", "90", "90 size +r", "8D size /r:m", "0F C8 +r", "0F B6 size /r",
    "0F B7 size /r", "0F BE size /r", "0F BF size /r", "0F C3 /r:m", "0F 38 F0 size /r:m",
    "0F 38 F1 size /r:m",
    // arithmetic
    "FE /0 lock", "FE /1 lock", "FF size /0 lock", "FF size /1 lock", "40 size +r", "48 size +r",
    "F6 /2 lock", "F6 /3 lock", "F7 size /2 lock", "F7 size /3 lock", "F6 /4", "F6 /5", "F7 size /4",
    "F7 size /5", "69 size /r iz", "6B size /r ib", "0F AF size /r", "98 size", "99 size", "0F B0 /r lock",
    "0F B1 size /r lock", "0F C0 /r lock", "0F C1 size /r lock", "0F C7 /1:m lock", "27", "2F", "37", "3F",
    "D4 ib", "D5 ib", "66 0F 38 F6 /r", "F3 0F 38 F6 /r",
    // logic
    "84 /r", "85 size /r", "A8 ib", "A9 size iz", "F6 /0 ib", "F7 size /0 iz", "F6 /1 ib", "F7 size /1 iz",
    "0F A4 /r ib", "0F AC /r ib", "0F BA size /4 ib", "0F BA size /5 ib lock", "0F BA size /6 ib lock",
    "0F BA size /7 ib lock", "0F A3 size /r:r", "0F AB size /r:r", "0F B3 size /r:r", "0F BB size /r:r",
    "0F BC size /r", "0F BD size /r", "F3 0F B8 /r", "66 F3 0F B8 /r", "F3 0F BC /r", "F3 0F BD /r",
    "66 F3 0F BC /r", "66 F3 0F BD /r", "F2 0F 38 F0 /r", "F2 0F 38 F1 /r", "66 F2 0F 38 F1 /r",
    // flags and others
    "F5", "F8", "F9", "FC", "9E", "9F", "D6", "CE", "0F 0B", "0F 1F size /0", "0F 18 /1:m", "F3 90",
    "62 size /r:m", "63 /r:r",
    // strings, with whatever the registers hold
    "A4", "A5 size", "A6", "A7 size", "AA", "AB size", "AC", "AD size", "AE", "AF size", "D7"};

constexpr const char* kStack[] = {"50 size +r", "58 size +r", "68 size iz", "6A size ib",
                                  "FF size /6", "8F size /0", "60 size",    "61 size",
                                  "9C size",    "83 /0:r ib", "50 +r",      "58 +r"};

}  // namespace

std::span<const Template> integer_templates() {
  static const std::vector<Template> table = [] {
    std::vector<Template> all;
    add_arithmetic_groups(all);
    add_shifts(all);
    add_conditions(all);
    for (const char* text : kOthers) all.emplace_back(text);
    return all;
  }();
  return table;
}

std::span<const Template> stack_templates() {
  static const std::vector<Template> table(std::begin(kStack), std::end(kStack));
  return table;
}

}  // namespace ringdown::differential

#include <initializer_list>

#include "tests/differential/template.h"

// MMX to SSE4.2, AES, PCLMULQDQ and SHA, by opcode and the mandatory prefixes with which it exists (SDM
// vol. 2, appendix A, tables ).
namespace ringdown::differential {
namespace {

enum Prefixes : unsigned { kNo = 1, k66 = 2, kF3 = 4, kF2 = 8 };

struct Row {
  const char* text;
  unsigned prefixes;
};

constexpr Row kMmx[] = {
    {"0F 60 /r", kNo},       {"0F 61 /r", kNo},       {"0F 62 /r", kNo},      {"0F 63 /r", kNo},
    {"0F 64 /r", kNo},       {"0F 65 /r", kNo},       {"0F 66 /r", kNo},      {"0F 67 /r", kNo},
    {"0F 68 /r", kNo},       {"0F 69 /r", kNo},       {"0F 6A /r", kNo},      {"0F 6B /r", kNo},
    {"0F 6E /r", kNo},       {"0F 6F /r", kNo},       {"0F 7E /r", kNo},      {"0F 7F /r", kNo},
    {"0F 70 /r ib", kNo},    {"0F 71 /2:r ib", kNo},  {"0F 71 /4:r ib", kNo}, {"0F 71 /6:r ib", kNo},
    {"0F 72 /2:r ib", kNo},  {"0F 72 /4:r ib", kNo},  {"0F 72 /6:r ib", kNo}, {"0F 73 /2:r ib", kNo},
    {"0F 73 /6:r ib", kNo},  {"0F 74 /r", kNo},       {"0F 75 /r", kNo},      {"0F 76 /r", kNo},
    {"0F 77", kNo},          {"0F C4 /r:r ib", kNo},  {"0F C4 /r:m ib", kNo}, {"0F C5 /r:r ib", kNo},
    {"0F D7 /r:r", kNo},     {"0F E7 /r:m", kNo},     {"0F 2A /r:r", kNo},    {"0F 2A /r", k66},
    {"0F 2C /r", kNo | k66}, {"0F 2D /r", kNo | k66}, {"0F 38 00 /r", kNo},   {"0F 38 01 /r", kNo},
    {"0F 38 02 /r", kNo},    {"0F 38 03 /r", kNo},    {"0F 38 04 /r", kNo},   {"0F 38 05 /r", kNo},
    {"0F 38 06 /r", kNo},    {"0F 38 07 /r", kNo},    {"0F 38 08 /r", kNo},   {"0F 38 09 /r", kNo},
    {"0F 38 0A /r", kNo},    {"0F 38 0B /r", kNo},    {"0F 38 1C /r", kNo},   {"0F 38 1D /r", kNo},
    {"0F 38 1E /r", kNo},    {"0F 3A 0F /r ib", kNo}};

// Opcodes of 0F D0 .. 0F FF that are plain MMX and SSE2 integer operations at once.
constexpr uint8_t kPacked[] = {0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD8, 0xD9, 0xDA, 0xDB, 0xDC,
                               0xDD, 0xDE, 0xDF, 0xE0, 0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0xE8,
                               0xE9, 0xEA, 0xEB, 0xEC, 0xED, 0xEE, 0xEF, 0xF1, 0xF2, 0xF3,
                               0xF4, 0xF5, 0xF6, 0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE};

constexpr unsigned kAll = kNo | k66 | kF3 | kF2, kPair = kNo | k66;
constexpr Row kSse[] = {{"0F 10 /r", kAll},
                        {"0F 11 /r", kAll},
                        {"0F 12 /r:m", kPair},
                        {"0F 12 /r", kF2 | kF3},
                        {"0F 12 /r:r", kNo},
                        {"0F 13 /r:m", kPair},
                        {"0F 14 /r", kPair},
                        {"0F 15 /r", kPair},
                        {"0F 16 /r:m", kPair},
                        {"0F 16 /r", kF3},
                        {"0F 16 /r:r", kNo},
                        {"0F 17 /r:m", kPair},
                        {"0F 28 /r", kPair},
                        {"0F 29 /r", kPair},
                        {"0F 2A /r", kF3 | kF2},
                        {"0F 2B /r:m", kPair},
                        {"0F 2C /r", kF3 | kF2},
                        {"0F 2D /r", kF3 | kF2},
                        {"0F 2E /r", kPair},
                        {"0F 2F /r", kPair},
                        {"0F 50 /r:r", kPair},
                        {"0F 51 /r", kAll},
                        {"0F 52 /r", kNo | kF3},
                        {"0F 53 /r", kNo | kF3},
                        {"0F 54 /r", kPair},
                        {"0F 55 /r", kPair},
                        {"0F 56 /r", kPair},
                        {"0F 57 /r", kPair},
                        {"0F 58 /r", kAll},
                        {"0F 59 /r", kAll},
                        {"0F 5A /r", kAll},
                        {"0F 5B /r", kPair | kF3},
                        {"0F 5C /r", kAll},
                        {"0F 5D /r", kAll},
                        {"0F 5E /r", kAll},
                        {"0F 5F /r", kAll},
                        {"0F 60 /r", k66},
                        {"0F 61 /r", k66},
                        {"0F 62 /r", k66},
                        {"0F 63 /r", k66},
                        {"0F 64 /r", k66},
                        {"0F 65 /r", k66},
                        {"0F 66 /r", k66},
                        {"0F 67 /r", k66},
                        {"0F 68 /r", k66},
                        {"0F 69 /r", k66},
                        {"0F 6A /r", k66},
                        {"0F 6B /r", k66},
                        {"0F 6C /r", k66},
                        {"0F 6D /r", k66},
                        {"0F 6E /r", k66},
                        {"0F 6F /r", k66 | kF3},
                        {"0F 70 /r ib", k66 | kF3 | kF2},
                        {"0F 71 /2:r ib", k66},
                        {"0F 71 /4:r ib", k66},
                        {"0F 71 /6:r ib", k66},
                        {"0F 72 /2:r ib", k66},
                        {"0F 72 /4:r ib", k66},
                        {"0F 72 /6:r ib", k66},
                        {"0F 73 /2:r ib", k66},
                        {"0F 73 /3:r ib", k66},
                        {"0F 73 /6:r ib", k66},
                        {"0F 73 /7:r ib", k66},
                        {"0F 74 /r", k66},
                        {"0F 75 /r", k66},
                        {"0F 76 /r", k66},
                        {"0F 7C /r", k66 | kF2},
                        {"0F 7D /r", k66 | kF2},
                        {"0F 7E /r", k66 | kF3},
                        {"0F 7F /r", k66 | kF3},

                        {"0F AE /3:m", kNo},
                        {"0F AE E8", kNo},
                        {"0F AE F0", kNo},
                        {"0F AE F8", kNo},
                        {"0F C2 /r ib", kAll},
                        {"0F C4 /r:r ib", k66},
                        {"0F C4 /r:m ib", k66},
                        {"0F C5 /r:r ib", k66},
                        {"0F C6 /r ib", kPair},
                        {"0F D0 /r", k66 | kF2},
                        {"0F D6 /r", k66},
                        {"0F D6 /r:r", kF3 | kF2},
                        {"0F D7 /r:r", k66},
                        {"0F E6 /r", k66 | kF3 | kF2},
                        {"0F E7 /r:m", k66},
                        {"0F F0 /r:m", kF2},
                        {"0F 38 10 /r", k66},
                        {"0F 38 14 /r", k66},
                        {"0F 38 15 /r", k66},
                        {"0F 38 17 /r", k66},
                        {"0F 38 2A /r:m", k66},
                        {"0F 38 C8 /r:r", kNo},
                        {"0F 38 C9 /r:r", kNo},
                        {"0F 38 CA /r:r", kNo},
                        {"0F 38 CB /r:r", kNo},
                        {"0F 38 CC /r:r", kNo},
                        {"0F 38 CD /r:r", kNo},
                        {"0F 3A CC /r:r ib", kNo},
                        {"0F 38 DB /r", k66},
                        {"0F 38 DC /r", k66},
                        {"0F 38 DD /r", k66},
                        {"0F 38 DE /r", k66},
                        {"0F 38 DF /r", k66},
                        {"0F 3A DF /r ib", k66},
                        {"0F 3A 44 /r ib", k66},
                        {"0F 3A 08 /r ib", k66},
                        {"0F 3A 09 /r ib", k66},
                        {"0F 3A 0A /r ib", k66},
                        {"0F 3A 0B /r ib", k66},
                        {"0F 3A 0C /r ib", k66},
                        {"0F 3A 0D /r ib", k66},
                        {"0F 3A 0E /r ib", k66},
                        {"0F 3A 0F /r ib", k66},
                        {"0F 3A 14 /r ib", k66},
                        {"0F 3A 15 /r ib", k66},
                        {"0F 3A 16 /r ib", k66},
                        {"0F 3A 17 /r ib", k66},
                        {"0F 3A 20 /r ib", k66},
                        {"0F 3A 21 /r ib", k66},
                        {"0F 3A 22 /r ib", k66},
                        {"0F 3A 40 /r ib", k66},
                        {"0F 3A 41 /r ib", k66},
                        {"0F 3A 42 /r ib", k66},
                        {"0F 3A 60 /r ib", k66},
                        {"0F 3A 61 /r ib", k66},
                        {"0F 3A 62 /r ib", k66},
                        {"0F 3A 63 /r ib", k66}};

void add_row(std::vector<Template>& table, const Row& row) {
  constexpr uint8_t kBytes[] = {0, 0x66, 0xF3, 0xF2};
  for (unsigned p = 0; p < 4; ++p) {
    if (!(row.prefixes & 1u << p)) continue;
    const Template plain(row.text);
    Template t = plain;
    t.opcode_length = 0;
    if (kBytes[p]) t.add_byte(kBytes[p]);
    for (unsigned i = 0; i < plain.opcode_length; ++i) t.add_byte(plain.opcode[i]);
    table.push_back(t);
  }
}

void add_packed(std::vector<Template>& table, unsigned prefix) {
  for (const uint8_t opcode : kPacked) {
    Template t("/r");
    if (prefix) t.add_byte(static_cast<uint8_t>(prefix));
    t.add_byte(0x0F);
    t.add_byte(opcode);
    table.push_back(t);
  }
}

// 66 0F 38: the SSSE3 and SSE4.1 operations that lie together.
void add_0f38_ranges(std::vector<Template>& table) {
  constexpr std::pair<uint8_t, uint8_t> kRanges[] = {{0x00, 0x0B}, {0x1C, 0x1E}, {0x20, 0x25}, {0x28, 0x29},
                                                     {0x2B, 0x2B}, {0x30, 0x35}, {0x37, 0x41}};
  for (const auto& [first, last] : kRanges)
    for (unsigned opcode = first; opcode <= last; ++opcode) {
      Template t("66 0F 38 /r");
      t.add_byte(static_cast<uint8_t>(opcode));
      table.push_back(t);
    }
}

}  // namespace

std::span<const Template> mmx_templates() {
  static const std::vector<Template> table = [] {
    std::vector<Template> all;
    for (const Row& row : kMmx) add_row(all, row);
    add_packed(all, 0);
    return all;
  }();
  return table;
}

std::span<const Template> sse_templates() {
  static const std::vector<Template> table = [] {
    std::vector<Template> all;
    for (const Row& row : kSse) add_row(all, row);
    add_packed(all, 0x66);
    add_0f38_ranges(all);
    return all;
  }();
  return table;
}

}  // namespace ringdown::differential

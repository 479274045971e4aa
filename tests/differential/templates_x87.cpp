#include "tests/differential/template.h"

// x87 (SDM vol. 2, appendix B.17; vol. 1, chapter 8). Left out is what stores the instruction and operand
// pointers, which processors keep differently: FNSTENV and FNSAVE.
namespace ringdown::differential {
namespace {

constexpr const char* kSingles[] = {
    "D9 D0", "D9 E0", "D9 E1", "D9 E4", "D9 E5", "D9 E8", "D9 E9", "D9 EA", "D9 EB", "D9 EC", "D9 ED",
    "D9 EE", "D9 F0", "D9 F1", "D9 F2", "D9 F3", "D9 F4", "D9 F5", "D9 F6", "D9 F7", "D9 F8", "D9 F9",
    "D9 FA", "D9 FB", "D9 FC", "D9 FD", "D9 FE", "D9 FF", "DA E9", "DB E2", "DB E3", "DE D9", "DF E0", "9B",
    // memory operands that are neither arithmetic nor loads of the usual sizes
    "D9 /5:m", "D9 /7:m", "DD /7:m", "DF /4:m", "DF /6:m", "DB /5:m", "DB /7:m", "DF /5:m", "DF /7:m",
    "D9 /4:m", "DD /4:m"};

bool stores_pointers(uint8_t opcode, unsigned extension) {
  return (opcode == 0xD9 || opcode == 0xDD) && extension == 6;
}
bool loads_environment(uint8_t opcode, unsigned extension) {
  return (opcode == 0xD9 || opcode == 0xDD) && extension == 4;
}
// DB /4 and DF /4 with a register hold FNCLEX, FNINIT, FNSTSW and codes that differ by vendor.
bool register_form_is_special(uint8_t opcode, unsigned extension) {
  if (opcode == 0xD9) return extension >= 2;
  if (opcode == 0xDB) return extension == 4 || extension == 7;
  if (opcode == 0xDA || opcode == 0xDD) return extension >= 6 || (opcode == 0xDA && extension >= 4);
  return opcode == 0xDF && (extension == 4 || extension == 7 || extension < 4);
}

void add_group(std::vector<Template>& table, uint8_t opcode, unsigned extension) {
  Template t("/0:m");
  t.add_byte(opcode);
  t.extension = static_cast<int8_t>(extension);
  if (!stores_pointers(opcode, extension) && !loads_environment(opcode, extension)) table.push_back(t);
  t.rm = Template::Rm::kRegister;
  if (!register_form_is_special(opcode, extension)) table.push_back(t);
}

}  // namespace

std::span<const Template> x87_templates() {
  static const std::vector<Template> table = [] {
    std::vector<Template> all(std::begin(kSingles), std::end(kSingles));
    for (unsigned opcode = 0xD8; opcode <= 0xDF; ++opcode)
      for (unsigned extension = 0; extension < 8; ++extension)
        add_group(all, static_cast<uint8_t>(opcode), extension);
    return all;
  }();
  return table;
}

}  // namespace ringdown::differential

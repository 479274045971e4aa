#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ringdown::differential {

// One encoding of one instruction, written as the manuals write it (SDM vol. 2, 3.1.1.1):
//   "0F A4 /r ib"  opcode bytes, then ModRM (/r: any register; /0../7: opcode extension), then an immediate
//   "/r:m" "/r:r"  the r/m operand is in memory only, in a register only
//   "+r"           the register is in the opcode's low bits
//   "ib iw id iz"  immediate of 1, 2, 4 bytes, or 4 (2 under the operand-size prefix)
//   "size"         the operand-size prefix makes it a 16-bit instruction
//   "lock"         LOCK is allowed with a memory operand
struct Template {
  enum class Rm : uint8_t { kNone, kAny, kMemory, kRegister };
  std::array<uint8_t, 6> opcode{};
  uint8_t opcode_length = 0;
  Rm rm = Rm::kNone;
  int8_t extension = -1;
  bool register_in_opcode = false, sized = false, lockable = false;
  uint8_t immediate_bytes = 0;
  bool immediate_sized = false;

  explicit Template(std::string_view text);
  Template() = default;
  void add_byte(uint8_t byte) { opcode[opcode_length++] = byte; }
};

// The tables, parsed once.
std::span<const Template> integer_templates();
std::span<const Template> stack_templates();
std::span<const Template> x87_templates();
std::span<const Template> mmx_templates();
std::span<const Template> sse_templates();

}  // namespace ringdown::differential

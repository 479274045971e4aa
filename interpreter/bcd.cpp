#include "interpreter/alu.h"
#include "interpreter/dispatch.h"

// Decimal adjustment (SDM vol. 2: DAA DAS AAA AAS AAM AAD).
namespace ringdown {
namespace {

constexpr unsigned kAl = 0, kAh = 4;

bool low_digit_needs_adjustment(const Interpreter& cpu) {
  return (cpu.reg<uint8_t>(kAl) & 0xF) > 9 || (cpu.state.flags & eflags::kAf);
}

// 27, 2F: DAA, DAS
void adjust_packed(Interpreter& cpu, const Instruction& i) {
  const bool subtracting = i.opcode == 0x2F;
  const uint8_t old = cpu.reg<uint8_t>(kAl);
  const bool old_carry = cpu.state.flags & eflags::kCf;
  const bool low = low_digit_needs_adjustment(cpu);
  const bool high = old > 0x99 || old_carry;
  const uint8_t correction = (low ? 0x06 : 0) + (high ? 0x60 : 0);
  const auto result =
      subtracting ? alu::subtract<uint8_t>(old, correction) : alu::add<uint8_t>(old, correction);
  // DAS also carries out of the low digit's borrow.
  const bool carry = high || (subtracting && low && old < 6);
  const uint32_t both = eflags::kAf | eflags::kCf;  // OF is undefined
  cpu.set_reg<uint8_t>(kAl, result.value);
  set_flags(cpu.state, (result.flags & ~both) | (low ? eflags::kAf : 0) | (carry ? eflags::kCf : 0));
}

// 37, 3F: AAA, AAS
void adjust_unpacked(Interpreter& cpu, const Instruction& i) {
  const bool subtracting = i.opcode == 0x3F;
  const bool adjust = low_digit_needs_adjustment(cpu);
  const uint16_t ax = cpu.reg<uint16_t>(kEax), correction = adjust ? 0x106 : 0;
  const auto result =
      subtracting ? alu::subtract<uint16_t>(ax, correction) : alu::add<uint16_t>(ax, correction);
  cpu.set_reg<uint16_t>(kEax, result.value & 0xFF0F);
  // OF, SF, ZF and PF are undefined: those of AX before its high digits go.
  const uint32_t both = eflags::kAf | eflags::kCf;
  set_flags(cpu.state, (result.flags & ~both) | (adjust ? both : 0));
}

void aam(Interpreter& cpu, const Instruction& i) {
  const uint8_t base = static_cast<uint8_t>(i.immediate[0].value);
  if (base == 0) raise(Vector::kDivideError);
  const uint8_t value = cpu.reg<uint8_t>(kAl);
  cpu.set_reg<uint8_t>(kAh, value / base);
  cpu.set_reg<uint8_t>(kAl, value % base);
  set_flags(cpu.state, alu::result_flags<uint8_t>(value % base));
}

void aad(Interpreter& cpu, const Instruction& i) {
  const uint8_t base = static_cast<uint8_t>(i.immediate[0].value);
  const auto sum =
      alu::add<uint8_t>(cpu.reg<uint8_t>(kAl), static_cast<uint8_t>(cpu.reg<uint8_t>(kAh) * base));
  cpu.set_reg<uint16_t>(kEax, sum.value);
  set_flags(cpu.state, sum.flags);
}

}  // namespace

void add_bcd(DispatchTable& table) {
  table.one_byte[0x27] = table.one_byte[0x2F] = adjust_packed;
  table.one_byte[0x37] = table.one_byte[0x3F] = adjust_unpacked;
  table.one_byte[0xD4] = aam;
  table.one_byte[0xD5] = aad;
}

}  // namespace ringdown

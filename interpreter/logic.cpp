#include <bit>
#include <type_traits>

#include "interpreter/alu.h"
#include "interpreter/dispatch.h"
#include "interpreter/shift.h"

namespace ringdown {
namespace {

// ---- TEST -----------------------------------------------------------------------------------------------

// 84, 85: r/m, reg; A8, A9: accumulator, immediate
void test(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    const bool immediate = i.opcode >= 0xA8;
    const T a = immediate ? cpu.reg<T>(kEax) : cpu.read_rm<T>(i);
    const T b = immediate ? static_cast<T>(i.immediate[0].value) : cpu.reg<T>(i.reg);
    set_flags(cpu.state, alu::logic<T>(a & b).flags);
  });
}

// ---- Shifts and rotates ---------------------------------------------------------------------------------

enum Shift : unsigned { kRol, kRor, kRcl, kRcr, kShl, kShr, kSal /* SHL again */, kSar };

template <class T>
alu::Result<T> compute(Shift shift, T value, unsigned count, bool carry) {
  switch (shift) {
    case kRol:
      return alu::rotate_left(value, count);
    case kRor:
      return alu::rotate_right(value, count);
    case kRcl:
      return alu::rotate_left_through_carry(value, count, carry);
    case kRcr:
      return alu::rotate_right_through_carry(value, count, carry);
    case kShl:
    case kSal:
      return alu::shift_left(value, count);
    case kShr:
      return alu::shift_right(value, count);
    case kSar:
      return alu::shift_arithmetic_right(value, count);
  }
  __builtin_unreachable();
}

// C0 C1: immediate count; D0 D1: by one; D2 D3: by CL
unsigned shift_count(const Interpreter& cpu, const Instruction& i) {
  if (i.opcode < 0xD0) return i.immediate[0].value & 31;
  return i.opcode & 2 ? cpu.reg<uint8_t>(kEcx) & 31 : 1;
}

// A count of 0 changes nothing, yet the operand is read and written.
void shift(Interpreter& cpu, const Instruction& i) {
  const auto kind = static_cast<Shift>(i.reg);
  const unsigned count = shift_count(cpu, i);
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T old = cpu.read_rm_for_update<T>(i);
    if (count == 0) return cpu.write_rm<T>(i, old);
    const auto result = compute<T>(kind, old, count, cpu.state.flags & eflags::kCf);
    cpu.write_rm<T>(i, result.value);
    set_flags(cpu.state, result.flags, kind < kShl ? alu::kRotateFlags : eflags::kStatus);
  });
}

// 0F A4 A5: SHLD; AC AD: SHRD
void double_shift(Interpreter& cpu, const Instruction& i) {
  const bool right = i.opcode & 8;
  const unsigned count = (i.opcode & 1 ? cpu.reg<uint8_t>(kEcx) : i.immediate[0].value) & 31;
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T old = cpu.read_rm_for_update<T>(i), filler = cpu.reg<T>(i.reg);
    if (count == 0) return cpu.write_rm<T>(i, old);
    const auto result = right ? alu::double_shift_right<T>(old, filler, count)
                              : alu::double_shift_left<T>(old, filler, count);
    cpu.write_rm<T>(i, result.value);
    set_flags(cpu.state, result.flags);
  });
}

// ---- BT BTS BTR BTC -------------------------------------------------------------------------------------

enum BitOperation : unsigned { kBt, kBts, kBtr, kBtc };

template <class T>
T changed(BitOperation operation, T value, T bit) {
  switch (operation) {
    case kBt:
      return value;
    case kBts:
      return value | bit;
    case kBtr:
      return value & ~bit;
    case kBtc:
      return value ^ bit;
  }
  __builtin_unreachable();
}

template <class T>
void bit_in_register(Interpreter& cpu, unsigned n, BitOperation operation, unsigned index) {
  const T value = cpu.reg<T>(n), bit = static_cast<T>(T{1} << (index % alu::kBits<T>));
  if (operation != kBt) cpu.set_reg<T>(n, changed<T>(operation, value, bit));
  set_flag(cpu.state, eflags::kCf, value & bit);
}

template <class T>
void bit_in_memory(Interpreter& cpu, const Instruction& i, uint32_t offset, BitOperation operation,
                   unsigned index) {
  const AccessKind kind = operation == kBt ? AccessKind::kRead : AccessKind::kWrite;
  const uint32_t address = cpu.linear(operand_segment(i), offset, sizeof(T), kind);
  if (operation != kBt) cpu.mmu.check_write(address, sizeof(T), cpu.user());
  const T value = cpu.mmu.read<T>(address, cpu.user());
  const T bit = static_cast<T>(T{1} << (index % alu::kBits<T>));
  if (operation != kBt) cpu.mmu.write<T>(address, changed<T>(operation, value, bit), cpu.user());
  set_flag(cpu.state, eflags::kCf, value & bit);
}

// 0F BA /4../7: the index is taken modulo the operand's size.
void bit_immediate(Interpreter& cpu, const Instruction& i) {
  if (i.reg < 4) raise(Vector::kInvalidOpcode);
  const auto operation = static_cast<BitOperation>(i.reg & 3);
  const unsigned index = i.immediate[0].value & 31;
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    if (i.mod == 3) return bit_in_register<T>(cpu, i.rm, operation, index);
    bit_in_memory<T>(cpu, i, operand_offset(i, cpu.state.gpr), operation, index);
  });
}

// 0F A3 AB B3 BB: in memory the index is signed and reaches words before and behind the operand.
void bit_indexed(Interpreter& cpu, const Instruction& i) {
  const auto operation = static_cast<BitOperation>(i.opcode >> 3 & 3);
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T index = cpu.reg<T>(i.reg);
    if (i.mod == 3) return bit_in_register<T>(cpu, i.rm, operation, index);
    const int32_t words = static_cast<std::make_signed_t<T>>(index) >> std::countr_zero(alu::kBits<T>);
    const uint32_t offset = operand_offset(i, cpu.state.gpr) + static_cast<uint32_t>(words) * sizeof(T);
    bit_in_memory<T>(cpu, i, i.address_size == 2 ? offset & 0xFFFF : offset, operation, index);
  });
}

// ---- Counting bits --------------------------------------------------------------------------------------

// BSF 0F BC, BSR 0F BD: with a source of 0 the destination stays. Only ZF is defined; PF is the index's. With
// F3 these are TZCNT and LZCNT on processors that have them, which no model is: there F3 means nothing.
void bit_scan(Interpreter& cpu, const Instruction& i) {
  const bool reverse = i.opcode & 1;
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T source = cpu.read_rm<T>(i);
    if (source == 0) return set_flags(cpu.state, eflags::kZf | eflags::kPf);
    const int top = static_cast<int>(alu::kBits<T>) - 1;
    const T index = static_cast<T>(reverse ? top - std::countl_zero(source) : std::countr_zero(source));
    cpu.set_reg<T>(i.reg, index);
    set_flags(cpu.state, alu::result_flags(index) & eflags::kPf);
  });
}

void popcnt(Interpreter& cpu, const Instruction& i) {
  if (i.repeat != RepeatPrefix::kRep) raise(Vector::kInvalidOpcode);
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T source = cpu.read_rm<T>(i);
    cpu.set_reg<T>(i.reg, static_cast<T>(std::popcount(source)));
    set_flags(cpu.state, source == 0 ? eflags::kZf : 0);
  });
}

}  // namespace

void add_logic(DispatchTable& table) {
  for (int opcode : {0x84, 0x85, 0xA8, 0xA9}) table.one_byte[opcode] = test;
  for (int opcode : {0xC0, 0xC1, 0xD0, 0xD1, 0xD2, 0xD3}) table.one_byte[opcode] = shift;
  for (int opcode : {0xA4, 0xA5, 0xAC, 0xAD}) table.two_byte[opcode] = double_shift;
  for (int opcode : {0xA3, 0xAB, 0xB3, 0xBB}) table.two_byte[opcode] = bit_indexed;
  table.two_byte[0xBA] = bit_immediate;
  table.two_byte[0xBC] = table.two_byte[0xBD] = bit_scan;
  table.two_byte[0xB8] = popcnt;
}

}  // namespace ringdown

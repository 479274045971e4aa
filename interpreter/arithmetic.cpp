#include "interpreter/alu.h"
#include "interpreter/dispatch.h"

namespace ringdown {
namespace {

// ---- ADD OR ADC SBB AND SUB XOR CMP ---------------------------------------------------------------------

enum Operation : unsigned { kAdd, kOr, kAdc, kSbb, kAnd, kSub, kXor, kCmp };

template <class T>
alu::Result<T> compute(Operation operation, T a, T b, bool carry) {
  switch (operation) {
    case kAdd:
      return alu::add<T>(a, b);
    case kOr:
      return alu::logic<T>(a | b);
    case kAdc:
      return alu::add<T>(a, b, carry);
    case kSbb:
      return alu::subtract<T>(a, b, carry);
    case kAnd:
      return alu::logic<T>(a & b);
    case kXor:
      return alu::logic<T>(a ^ b);
    case kSub:
    case kCmp:
      return alu::subtract<T>(a, b);
  }
  __builtin_unreachable();
}

bool carry_flag(const Interpreter& cpu) { return cpu.state.flags & eflags::kCf; }

template <class T>
void operate_on_rm(Interpreter& cpu, const Instruction& i, Operation operation, T source) {
  const T old = operation == kCmp ? cpu.read_rm<T>(i) : cpu.read_rm_for_update<T>(i);
  const auto result = compute<T>(operation, old, source, carry_flag(cpu));
  if (operation != kCmp) cpu.write_rm<T>(i, result.value);
  set_flags(cpu.state, result.flags);
}

template <class T>
void operate_on_reg(Interpreter& cpu, unsigned reg, Operation operation, T source) {
  const auto result = compute<T>(operation, cpu.reg<T>(reg), source, carry_flag(cpu));
  if (operation != kCmp) cpu.set_reg<T>(reg, result.value);
  set_flags(cpu.state, result.flags);
}

// 00..3D: the operation is bits 5:3, the form bits 2:0.
void binary(Interpreter& cpu, const Instruction& i) {
  const auto operation = static_cast<Operation>(i.opcode >> 3);
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    switch (i.opcode >> 1 & 3) {
      case 0:
        return operate_on_rm<T>(cpu, i, operation, cpu.reg<T>(i.reg));
      case 1:
        return operate_on_reg<T>(cpu, i.reg, operation, cpu.read_rm<T>(i));
      case 2:
        return operate_on_reg<T>(cpu, kEax, operation, static_cast<T>(i.immediate[0].value));
    }
  });
}

// 80..83: the operation is ModRM.reg; 83 has a sign-extended byte.
void binary_immediate(Interpreter& cpu, const Instruction& i) {
  const uint32_t value = i.immediate[0].value;
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T source = static_cast<T>(i.opcode == 0x83 ? static_cast<int8_t>(value) : value);
    operate_on_rm<T>(cpu, i, static_cast<Operation>(i.reg), source);
  });
}

// ---- One operand ----------------------------------------------------------------------------------------

constexpr uint32_t kAllButCarry = eflags::kStatus & ~eflags::kCf;

template <class T>
alu::Result<T> step_by_one(T value, bool down) {
  return down ? alu::subtract<T>(value, 1) : alu::add<T>(value, 1);
}

// 40..4F
void inc_dec_reg(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    const unsigned n = i.opcode & 7;
    const auto result = step_by_one<T>(cpu.reg<T>(n), i.opcode & 8);
    cpu.set_reg<T>(n, result.value);
    set_flags(cpu.state, result.flags, kAllButCarry);
  });
}

// FE, FF: INC /0, DEC /1
void inc_dec_rm(Interpreter& cpu, const Instruction& i) {
  if (i.reg > 1) raise(Vector::kInvalidOpcode);
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    const auto result = step_by_one<T>(cpu.read_rm_for_update<T>(i), i.reg);
    cpu.write_rm<T>(i, result.value);
    set_flags(cpu.state, result.flags, kAllButCarry);
  });
}

template <class T>
void test_immediate(Interpreter& cpu, const Instruction& i) {
  const T value = cpu.read_rm<T>(i) & static_cast<T>(i.immediate[0].value);
  set_flags(cpu.state, alu::logic<T>(value).flags);
}

template <class T>
void not_rm(Interpreter& cpu, const Instruction& i) {
  cpu.write_rm<T>(i, static_cast<T>(~cpu.read_rm_for_update<T>(i)));
}

template <class T>
void neg_rm(Interpreter& cpu, const Instruction& i) {
  const auto result = alu::subtract<T>(0, cpu.read_rm_for_update<T>(i));
  cpu.write_rm<T>(i, result.value);
  set_flags(cpu.state, result.flags);
}

// ---- MUL IMUL DIV IDIV ----------------------------------------------------------------------------------

template <class T>
struct Wide;
template <>
struct Wide<uint8_t> {
  using Unsigned = uint16_t;
  using Narrow = int8_t;
};
template <>
struct Wide<uint16_t> {
  using Unsigned = uint32_t;
  using Narrow = int16_t;
};
template <>
struct Wide<uint32_t> {
  using Unsigned = uint64_t;
  using Narrow = int32_t;
};

// The double-width accumulator: AX, DX:AX or EDX:EAX.
template <class T>
uint64_t wide_accumulator(const Interpreter& cpu) {
  if constexpr (sizeof(T) == 1) return cpu.reg<uint16_t>(kEax);
  return uint64_t{cpu.reg<T>(kEdx)} << alu::kBits<T> | cpu.reg<T>(kEax);
}

// High half: AH, DX or EDX. Low half: AL, AX or EAX.
template <class T>
void set_accumulator_halves(Interpreter& cpu, T high, T low) {
  constexpr unsigned kAh = 4;
  cpu.set_reg<T>(kEax, low);
  cpu.set_reg<T>(sizeof(T) == 1 ? kAh : unsigned{kEdx}, high);
}

// CF and OF tell whether the product needs its high half; the other flags are undefined: left as they are.
void set_multiply_flags(CpuState& state, bool significant_high_half) {
  set_flags(state, significant_high_half ? eflags::kCf | eflags::kOf : 0, eflags::kCf | eflags::kOf);
}

template <class T>
void mul(Interpreter& cpu, const Instruction& i) {
  const uint64_t product = uint64_t{cpu.reg<T>(kEax)} * cpu.read_rm<T>(i);
  const T high = static_cast<T>(product >> alu::kBits<T>);
  set_accumulator_halves<T>(cpu, high, static_cast<T>(product));
  set_multiply_flags(cpu.state, high != 0);
}

template <class T>
int64_t signed_value(T value) {
  return static_cast<typename Wide<T>::Narrow>(value);
}

template <class T>
void imul(Interpreter& cpu, const Instruction& i) {
  const int64_t product = signed_value(cpu.reg<T>(kEax)) * signed_value(cpu.read_rm<T>(i));
  const T low = static_cast<T>(product);
  set_accumulator_halves<T>(cpu, static_cast<T>(product >> alu::kBits<T>), low);
  set_multiply_flags(cpu.state, product != signed_value(low));
}

// Division leaves all status flags undefined.
void set_divide_flags(CpuState& state) {
  set_flags(state, eflags::kAf, eflags::kStatus & ~(eflags::kCf | eflags::kOf));
}

template <class T>
void div(Interpreter& cpu, const Instruction& i) {
  const uint64_t dividend = wide_accumulator<T>(cpu);
  const T divisor = cpu.read_rm<T>(i);
  if (divisor == 0 || dividend / divisor >> alu::kBits<T>) raise(Vector::kDivideError);
  set_accumulator_halves<T>(cpu, static_cast<T>(dividend % divisor), static_cast<T>(dividend / divisor));
  set_divide_flags(cpu.state);
}

template <class T>
void idiv(Interpreter& cpu, const Instruction& i) {
  using Unsigned = typename Wide<T>::Unsigned;
  const int64_t dividend = static_cast<std::make_signed_t<Unsigned>>(wide_accumulator<T>(cpu));
  const int64_t divisor = signed_value(cpu.read_rm<T>(i));
  // -2^63 / -1 would trap on the host too.
  if (divisor == 0 || (divisor == -1 && dividend == INT64_MIN)) raise(Vector::kDivideError);
  const int64_t quotient = dividend / divisor;
  if (quotient != signed_value(static_cast<T>(quotient))) raise(Vector::kDivideError);
  set_accumulator_halves<T>(cpu, static_cast<T>(dividend % divisor), static_cast<T>(quotient));
  set_divide_flags(cpu.state);
}

// F6, F7
template <class T>
void group3_of(Interpreter& cpu, const Instruction& i) {
  switch (i.reg) {
    case 0:
    case 1:
      return test_immediate<T>(cpu, i);
    case 2:
      return not_rm<T>(cpu, i);
    case 3:
      return neg_rm<T>(cpu, i);
    case 4:
      return mul<T>(cpu, i);
    case 5:
      return imul<T>(cpu, i);
    case 6:
      return div<T>(cpu, i);
    case 7:
      return idiv<T>(cpu, i);
  }
}

void group3(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) { group3_of<decltype(zero)>(cpu, i); });
}

template <class T>
void multiply_into_reg(Interpreter& cpu, const Instruction& i, T a, T b) {
  const int64_t product = signed_value(a) * signed_value(b);
  const T low = static_cast<T>(product);
  cpu.set_reg<T>(i.reg, low);
  set_multiply_flags(cpu.state, product != signed_value(low));
}

void imul_reg_rm(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    multiply_into_reg<T>(cpu, i, cpu.reg<T>(i.reg), cpu.read_rm<T>(i));
  });
}

// 69, 6B
void imul_reg_rm_immediate(Interpreter& cpu, const Instruction& i) {
  const uint32_t value = i.immediate[0].value;
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T immediate = static_cast<T>(i.opcode == 0x6B ? static_cast<int8_t>(value) : value);
    multiply_into_reg<T>(cpu, i, cpu.read_rm<T>(i), immediate);
  });
}

// ---- Sign extension of the accumulator ------------------------------------------------------------------

// 98: CBW, CWDE
void cbw(Interpreter& cpu, const Instruction& i) {
  if (i.operand_size == 2)
    cpu.set_reg<uint16_t>(kEax, static_cast<uint16_t>(signed_value(cpu.reg<uint8_t>(kEax))));
  else
    cpu.set_reg<uint32_t>(kEax, static_cast<uint32_t>(signed_value(cpu.reg<uint16_t>(kEax))));
}

// 99: CWD, CDQ
void cwd(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.set_reg<T>(kEdx, alu::sign(cpu.reg<T>(kEax)) ? static_cast<T>(~T{0}) : T{0});
  });
}

void add_binary(DispatchTable& table) {
  for (unsigned operation = kAdd; operation <= kCmp; operation++)
    for (unsigned form = 0; form <= 5; form++) table.one_byte[operation << 3 | form] = binary;
  for (unsigned n = 0x80; n <= 0x83; n++) table.one_byte[n] = binary_immediate;
}

}  // namespace

void add_bcd(DispatchTable&);
void add_exchange_and_add(DispatchTable&);

void add_arithmetic(DispatchTable& table) {
  add_binary(table);
  for (unsigned n = 0x40; n <= 0x4F; n++) table.one_byte[n] = inc_dec_reg;
  table.one_byte[0xFE] = table.group_ff[0] = table.group_ff[1] = inc_dec_rm;
  table.one_byte[0xF6] = table.one_byte[0xF7] = group3;
  table.one_byte[0x69] = table.one_byte[0x6B] = imul_reg_rm_immediate;
  table.two_byte[0xAF] = imul_reg_rm;
  table.one_byte[0x98] = cbw;
  table.one_byte[0x99] = cwd;
  add_bcd(table);
  add_exchange_and_add(table);
}

}  // namespace ringdown

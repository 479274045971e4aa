#include <bit>

#include "interpreter/alu.h"
#include "interpreter/dispatch.h"

// Read-modify-write with a second result (XADD, CMPXCHG, CMPXCHG8B), the carry chains of ADCX and ADOX, and
// the random numbers that share CMPXCHG8B's opcode.
namespace ringdown {
namespace {

// With one register for both operands the sum is what stays.
void xadd(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T old = cpu.read_rm_for_update<T>(i);
    const auto result = alu::add<T>(old, cpu.reg<T>(i.reg));
    if (i.mod == 3) cpu.set_reg<T>(i.reg, old);
    cpu.write_rm<T>(i, result.value);
    if (i.mod != 3) cpu.set_reg<T>(i.reg, old);
    set_flags(cpu.state, result.flags);
  });
}

// Memory is written even when the comparison fails, with its old value.
void cmpxchg(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T old = cpu.read_rm_for_update<T>(i);
    const auto comparison = alu::subtract<T>(cpu.reg<T>(kEax), old);
    const bool equal = comparison.value == 0;
    cpu.write_rm<T>(i, equal ? cpu.reg<T>(i.reg) : old);
    if (!equal) cpu.set_reg<T>(kEax, old);
    set_flags(cpu.state, comparison.flags);
  });
}

uint64_t pair(const CpuState& state, Gpr high, Gpr low) {
  return uint64_t{state.gpr[high]} << 32 | state.gpr[low];
}

void cmpxchg8b(Interpreter& cpu, const Instruction& i) {
  CpuState& s = cpu.state;
  const uint64_t old = cpu.read_rm_for_update<uint64_t>(i);
  const bool equal = old == pair(s, kEdx, kEax);
  cpu.write_rm<uint64_t>(i, equal ? pair(s, kEcx, kEbx) : old);
  if (!equal) {
    s.gpr[kEax] = static_cast<uint32_t>(old);
    s.gpr[kEdx] = static_cast<uint32_t>(old >> 32);
  }
  set_flag(s, eflags::kZf, equal);
}

bool host_rdrand(uint32_t& value) {
  bool valid;
  asm volatile("rdrand %0" : "=r"(value), "=@ccc"(valid));
  return valid;
}

bool host_rdseed(uint32_t& value) {
  bool valid;
  asm volatile("rdseed %0" : "=r"(value), "=@ccc"(valid));
  return valid;
}

// The host's own; CF tells whether there was a number, 0 is what is there if not.
void random_number(Interpreter& cpu, const Instruction& i) {
  uint32_t value = 0;
  const bool valid = i.reg == 6 ? host_rdrand(value) : host_rdseed(value);
  if (!valid) value = 0;
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.set_reg<T>(i.rm, static_cast<T>(value));
  });
  set_flags(cpu.state, valid ? eflags::kCf : 0);
}

// 0F C7: CMPXCHG8B m64 /1, RDRAND r /6, RDSEED r /7
void group9(Interpreter& cpu, const Instruction& i) {
  if (i.reg == 1 && i.memory_operand()) return cmpxchg8b(cpu, i);
  if (i.reg >= 6 && i.mod == 3 && i.repeat == RepeatPrefix::kNone) return random_number(cpu, i);
  raise(Vector::kInvalidOpcode);
}

// 0F 38 F6: ADCX with 66, ADOX with F3: each adds with, and changes, one flag only.
void add_with_one_flag(Interpreter& cpu, const Instruction& i) {
  const uint32_t flag = i.repeat == RepeatPrefix::kRep ? eflags::kOf : eflags::kCf;
  const uint64_t sum =
      uint64_t{cpu.reg<uint32_t>(i.reg)} + cpu.read_rm<uint32_t>(i) + ((cpu.state.flags & flag) != 0);
  cpu.set_reg<uint32_t>(i.reg, static_cast<uint32_t>(sum));
  set_flag(cpu.state, flag, sum >> 32);
}

}  // namespace

void add_exchange_and_add(DispatchTable& table) {
  table.two_byte[0xB0] = table.two_byte[0xB1] = cmpxchg;
  table.two_byte[0xC0] = table.two_byte[0xC1] = xadd;
  table.two_byte[0xC7] = group9;
  table.three_byte_38[0xF6] = add_with_one_flag;
}

}  // namespace ringdown

#include <type_traits>

#include "interpreter/alu.h"
#include "interpreter/dispatch.h"

namespace ringdown {
namespace {

// ---- MOV ------------------------------------------------------------------------------------------------

// 88 89: r/m, reg; 8A 8B: reg, r/m.
void mov(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    if (i.opcode & 2)
      cpu.set_reg<T>(i.reg, cpu.read_rm<T>(i));
    else
      cpu.write_rm<T>(i, cpu.reg<T>(i.reg));
  });
}

void mov_rm_immediate(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.write_rm<T>(i, static_cast<T>(i.immediate[0].value));
  });
}

void mov_reg_immediate(Interpreter& cpu, const Instruction& i) {
  const unsigned n = i.opcode & 7;
  if (i.opcode < 0xB8) return cpu.set_reg<uint8_t>(n, static_cast<uint8_t>(i.immediate[0].value));
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.set_reg<T>(n, static_cast<T>(i.immediate[0].value));
  });
}

SegmentIndex data_segment(const Instruction& i) {
  return i.segment_override == kNoRegister ? kDs : static_cast<SegmentIndex>(i.segment_override);
}

uint32_t address_mask(const Instruction& i) { return i.address_size == 2 ? 0xFFFF : 0xFFFFFFFF; }

// A0 A1: accumulator, moffs; A2 A3: moffs, accumulator.
void mov_offset(Interpreter& cpu, const Instruction& i) {
  const uint32_t offset = static_cast<uint32_t>(i.displacement) & address_mask(i);
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    if (i.opcode & 2)
      cpu.write<T>(data_segment(i), offset, cpu.reg<T>(kEax));
    else
      cpu.set_reg<T>(kEax, cpu.read<T>(data_segment(i), offset));
  });
}

// ---- Moves that extend, swap or depend on a condition ---------------------------------------------------

template <class From>
void extend(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.set_reg<T>(i.reg, static_cast<T>(static_cast<From>(cpu.read_rm<std::make_unsigned_t<From>>(i))));
  });
}

// The source is read, and may fault, whatever the condition.
void cmov(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T value = cpu.read_rm<T>(i);
    if (condition(cpu.state, i.opcode)) cpu.set_reg<T>(i.reg, value);
  });
}

void setcc(Interpreter& cpu, const Instruction& i) {
  cpu.write_rm<uint8_t>(i, condition(cpu.state, i.opcode));
}

void xchg(Interpreter& cpu, const Instruction& i) {
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T old = cpu.read_rm_for_update<T>(i);
    cpu.write_rm<T>(i, cpu.reg<T>(i.reg));
    cpu.set_reg<T>(i.reg, old);
  });
}

// 90 is NOP, or PAUSE with F3: exchanging EAX with itself does as little.
void xchg_accumulator(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    const T old = cpu.reg<T>(kEax);
    cpu.set_reg<T>(kEax, cpu.reg<T>(i.opcode & 7));
    cpu.set_reg<T>(i.opcode & 7, old);
  });
}

// The 16-bit form is undefined; processors clear the register.
void bswap(Interpreter& cpu, const Instruction& i) {
  const unsigned n = i.opcode & 7;
  if (i.operand_size == 2) return cpu.set_reg<uint16_t>(n, 0);
  cpu.set_reg<uint32_t>(n, __builtin_bswap32(cpu.reg<uint32_t>(n)));
}

uint16_t swap_bytes(uint16_t value) { return __builtin_bswap16(value); }
uint32_t swap_bytes(uint32_t value) { return __builtin_bswap32(value); }

void movbe(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    if (i.opcode & 1)
      cpu.write_rm<T>(i, swap_bytes(cpu.reg<T>(i.reg)));
    else
      cpu.set_reg<T>(i.reg, swap_bytes(cpu.read_rm<T>(i)));
  });
}

// CRC32 of the polynomial 11EDC6F41h, bits reflected (SDM vol. 2, CRC32).
uint32_t crc32c(uint32_t crc, uint32_t data, unsigned bits) {
  constexpr uint32_t kReflectedPolynomial = 0x82F63B78;
  crc ^= data;
  for (unsigned n = 0; n < bits; n++) crc = crc >> 1 ^ (crc & 1 ? kReflectedPolynomial : 0);
  return crc;
}

// 0F 38 F0 and F1: MOVBE, or CRC32 with F2.
void movbe_or_crc32(Interpreter& cpu, const Instruction& i) {
  if (i.repeat != RepeatPrefix::kRepne) return movbe(cpu, i);
  with_operand_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.set_reg<uint32_t>(i.reg, crc32c(cpu.reg<uint32_t>(i.reg), cpu.read_rm<T>(i), alu::kBits<T>));
  });
}

void movnti(Interpreter& cpu, const Instruction& i) { cpu.write_rm<uint32_t>(i, cpu.reg<uint32_t>(i.reg)); }

void lea(Interpreter& cpu, const Instruction& i) {
  const uint32_t offset = operand_offset(i, cpu.state.gpr);
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.set_reg<T>(i.reg, static_cast<T>(offset));
  });
}

void xlat(Interpreter& cpu, const Instruction& i) {
  const uint32_t offset = (cpu.state.gpr[kEbx] + cpu.reg<uint8_t>(kEax)) & address_mask(i);
  cpu.set_reg<uint8_t>(kEax, cpu.read<uint8_t>(data_segment(i), offset));
}

// ---- The stack ------------------------------------------------------------------------------------------

void push_reg(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.push<T>(cpu.reg<T>(i.opcode & 7));
  });
}

void pop_reg(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.set_reg<T>(i.opcode & 7, cpu.pop<T>());
  });
}

void push_rm(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.push<T>(cpu.read_rm<T>(i));
  });
}

// The address of the destination is computed with ESP already incremented.
void pop_rm(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.write_rm<T>(i, cpu.pop<T>());
  });
}

void push_immediate(Interpreter& cpu, const Instruction& i) {
  const uint32_t value = i.immediate[0].value;
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    cpu.push<T>(static_cast<T>(i.opcode == 0x6A ? static_cast<int8_t>(value) : value));
  });
}

// All eight places are checked before the first is written.
template <class T>
void push_all_of(Interpreter& cpu) {
  for (unsigned n = 1; n <= 8; n++) {
    const uint32_t offset = (cpu.stack_pointer() - n * sizeof(T)) & cpu.state.stack_mask();
    cpu.mmu.check_write(cpu.linear(kSs, offset, sizeof(T), AccessKind::kWrite), sizeof(T), cpu.user());
  }
  const T old_stack_pointer = cpu.reg<T>(kEsp);
  for (unsigned n = 0; n < 8; n++) cpu.push<T>(n == kEsp ? old_stack_pointer : cpu.reg<T>(n));
}

void pusha(Interpreter& cpu, const Instruction& i) {
  i.operand_size == 2 ? push_all_of<uint16_t>(cpu) : push_all_of<uint32_t>(cpu);
}

void popa(Interpreter& cpu, const Instruction& i) {
  with_word_type(i, [&](auto zero) {
    using T = decltype(zero);
    for (int n = kEdi; n >= kEax; n--) {
      const T value = cpu.pop<T>();
      if (n != kEsp) cpu.set_reg<T>(n, value);
    }
  });
}

// PREFETCHh, PREFETCHW, and the reserved NOPs with a ModRM byte: the operand is not accessed.
void no_operation(Interpreter&, const Instruction&) {}

void add_moves(DispatchTable& table) {
  for (unsigned n = 0x88; n <= 0x8B; n++) table.one_byte[n] = mov;
  for (unsigned n = 0xA0; n <= 0xA3; n++) table.one_byte[n] = mov_offset;
  for (unsigned n = 0xB0; n <= 0xBF; n++) table.one_byte[n] = mov_reg_immediate;
  table.one_byte[0xC6] = table.one_byte[0xC7] = mov_rm_immediate;
  table.one_byte[0x86] = table.one_byte[0x87] = xchg;
  for (unsigned n = 0x90; n <= 0x97; n++) table.one_byte[n] = xchg_accumulator;
  table.one_byte[0x8D] = lea;
  table.one_byte[0xD7] = xlat;
  for (unsigned n = 0x40; n <= 0x4F; n++) table.two_byte[n] = cmov;
  for (unsigned n = 0x90; n <= 0x9F; n++) table.two_byte[n] = setcc;
  for (unsigned n = 0xC8; n <= 0xCF; n++) table.two_byte[n] = bswap;
  table.two_byte[0xB6] = extend<uint8_t>;
  table.two_byte[0xB7] = extend<uint16_t>;
  table.two_byte[0xBE] = extend<int8_t>;
  table.two_byte[0xBF] = extend<int16_t>;
  table.two_byte[0xC3] = movnti;
  table.three_byte_38[0xF0] = table.three_byte_38[0xF1] = movbe_or_crc32;
}

void add_stack(DispatchTable& table) {
  for (unsigned n = 0x50; n <= 0x57; n++) table.one_byte[n] = push_reg;
  for (unsigned n = 0x58; n <= 0x5F; n++) table.one_byte[n] = pop_reg;
  table.one_byte[0x60] = pusha;
  table.one_byte[0x61] = popa;
  table.one_byte[0x68] = table.one_byte[0x6A] = push_immediate;
  table.one_byte[0x8F] = pop_rm;
  table.group_ff[6] = push_rm;
}

}  // namespace

void add_data_transfer(DispatchTable& table) {
  add_moves(table);
  add_stack(table);
  table.two_byte[0x0D] = no_operation;
  for (unsigned n = 0x18; n <= 0x1F; n++) table.two_byte[n] = no_operation;
}

}  // namespace ringdown

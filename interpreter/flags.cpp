#include "interpreter/alu.h"
#include "interpreter/dispatch.h"
#include "interpreter/virtual_interrupts.h"

// EFLAGS as a whole and bit by bit: SDM vol. 2.
namespace ringdown {
namespace {

constexpr unsigned kAh = 4;
constexpr uint32_t kIoplMask = eflags::kIopl;

// ---- CLI, STI -------------------------------------------------------------------------------------------

void cli(Interpreter& cpu, const Instruction&) {
  CpuState& s = cpu.state;
  if (owns_interrupt_flag(s)) {
    s.interrupt_flag = 0;
  } else {
    if (!has_virtual_interrupt_flag(s)) raise_general_protection();
    s.system_flags &= ~eflags::kVif;
  }
}

void sti(Interpreter& cpu, const Instruction&) {
  CpuState& s = cpu.state;
  if (owns_interrupt_flag(s)) {
    s.interrupts_shadowed = s.interrupt_flag == 0;
    s.interrupt_flag = eflags::kIf;
  } else {
    if (!has_virtual_interrupt_flag(s) || (s.system_flags & eflags::kVip)) raise_general_protection();
    s.system_flags |= eflags::kVif;
  }
}

// ---- PUSHF, POPF ----------------------------------------------------------------------------------------

// Virtual-8086 code below IOPL 3: everything that touches IF traps, or, with VME, uses VIF (16-bit only).
bool interrupt_flag_is_virtual(const Interpreter& cpu, const Instruction& i) {
  const CpuState& s = cpu.state;
  if (!s.virtual_8086() || s.iopl() == 3) return false;
  if (!(s.cr4 & cr4::kVme) || i.operand_size != 2) raise_general_protection();
  return true;
}

void pushf(Interpreter& cpu, const Instruction& i) {
  uint32_t image = cpu.state.eflags_image();
  if (interrupt_flag_is_virtual(cpu, i)) {
    image = (image & ~eflags::kIf) | kIoplMask | (image & eflags::kVif ? eflags::kIf : 0);
  }
  if (i.operand_size == 2) return cpu.push<uint16_t>(static_cast<uint16_t>(image));
  cpu.push<uint32_t>(image & ~(eflags::kVm | eflags::kRf));
}

// Replaces the flags of `mask` by those of `value`.
void load_flags(CpuState& s, uint32_t value, uint32_t mask) {
  s.set_eflags_image((s.eflags_image() & ~mask) | (value & mask));
}

void pop_virtual_flags(Interpreter& cpu) {
  CpuState& s = cpu.state;
  const uint32_t value = cpu.pop<uint16_t>();
  const bool wants_interrupts = value & eflags::kIf;
  if ((wants_interrupts && (s.system_flags & eflags::kVip)) || (value & eflags::kTf))
    raise_general_protection();
  load_flags(s, value, eflags::kStatus | eflags::kDf | eflags::kNt);
  s.system_flags = (s.system_flags & ~eflags::kVif) | (wants_interrupts ? eflags::kVif : 0);
}

// What POPF may change here besides the flags that it always may; it ignores the rest without a fault.
uint32_t privileged_flags(const CpuState& s) {
  uint32_t mask = 0;
  if (owns_interrupt_flag(s)) mask |= eflags::kIf;
  if (s.cpl == 0) mask |= kIoplMask;
  return mask;
}

void popf(Interpreter& cpu, const Instruction& i) {
  if (interrupt_flag_is_virtual(cpu, i)) return pop_virtual_flags(cpu);
  constexpr uint32_t always16 = eflags::kStatus | eflags::kTf | eflags::kDf | eflags::kNt;
  constexpr uint32_t always32 = always16 | eflags::kAc | eflags::kId;
  const uint32_t privileged = privileged_flags(cpu.state);
  if (i.operand_size == 2)
    load_flags(cpu.state, cpu.pop<uint16_t>(), always16 | privileged);
  else
    load_flags(cpu.state, cpu.pop<uint32_t>(), always32 | privileged);
}

// ---- Single flags, AH -----------------------------------------------------------------------------------

constexpr uint32_t kInAh = eflags::kStatus & ~eflags::kOf;

void lahf(Interpreter& cpu, const Instruction&) {
  cpu.set_reg<uint8_t>(kAh, static_cast<uint8_t>((cpu.state.flags & kInAh) | eflags::kFixed));
}

void sahf(Interpreter& cpu, const Instruction&) { set_flags(cpu.state, cpu.reg<uint8_t>(kAh), kInAh); }

// F8 CLC, F9 STC, FC CLD, FD STD
void set_or_clear(Interpreter& cpu, const Instruction& i) {
  set_flag(cpu.state, i.opcode >= 0xFC ? eflags::kDf : eflags::kCf, i.opcode & 1);
}

void cmc(Interpreter& cpu, const Instruction&) { cpu.state.flags ^= eflags::kCf; }

void salc(Interpreter& cpu, const Instruction&) {
  cpu.set_reg<uint8_t>(kEax, cpu.state.flags & eflags::kCf ? 0xFF : 0);
}

}  // namespace

void add_flags(DispatchTable& table) {
  table.one_byte[0x9C] = pushf;
  table.one_byte[0x9D] = popf;
  table.one_byte[0x9E] = sahf;
  table.one_byte[0x9F] = lahf;
  table.one_byte[0xD6] = salc;
  table.one_byte[0xF5] = cmc;
  table.one_byte[0xFA] = cli;
  table.one_byte[0xFB] = sti;
  for (int opcode : {0xF8, 0xF9, 0xFC, 0xFD}) table.one_byte[opcode] = set_or_clear;
}

}  // namespace ringdown

#include "interpreter/segment.h"

#include "interpreter/descriptor.h"
#include "interpreter/dispatch.h"
#include "interpreter/privilege.h"

namespace ringdown {
namespace {

void load_data_segment(Interpreter& it, SegmentIndex index, uint16_t selector) {
  if (null_selector(selector)) {
    it.state.segment[index] = {.selector = selector};
    return;
  }
  Descriptor d = require_descriptor(it, selector, Vector::kGeneralProtection);
  const bool reachable = d.conforming() || (d.dpl() >= it.state.cpl && d.dpl() >= (selector & 3u));
  if (!d.readable() || !reachable) raise_general_protection(selector_error(selector));
  if (!d.present()) raise(Vector::kSegmentNotPresent, selector_error(selector));
  mark_accessed(it, selector, d);
  it.state.segment[index] = d.segment(selector);
}

// No interrupt and no debug trap between loading SS and the next instruction, which loads ESP.
void shadow_events(CpuState& state) { state.interrupts_shadowed = state.debug_trap_shadowed = true; }

void mov_from_segment(Interpreter& it, const Instruction& i) {
  if (i.reg > kGs) raise(Vector::kInvalidOpcode);
  const uint16_t selector = it.state.segment[i.reg].selector;
  if (i.mod == 3 && i.operand_size == 4) return it.set_reg<uint32_t>(i.rm, selector);
  it.write_rm<uint16_t>(i, selector);
}

void mov_to_segment(Interpreter& it, const Instruction& i) {
  if (i.reg > kGs || i.reg == kCs) raise(Vector::kInvalidOpcode);
  load_segment(it, static_cast<SegmentIndex>(i.reg), it.read_rm<uint16_t>(i));
  if (i.reg == kSs) shadow_events(it.state);
}

// The segment register of 06 0E 16 1E (and POP's 07 17 1F), or of 0F A0 A1 A8 A9.
SegmentIndex segment_of_stack_opcode(const Instruction& i) {
  return static_cast<SegmentIndex>(i.opcode >> 3 & (i.map == OpcodeMap::k0F ? 7 : 3));
}

void push_segment(Interpreter& it, const Instruction& i) {
  const uint16_t selector = it.state.segment[segment_of_stack_opcode(i)].selector;
  // Some processors leave the upper half of a 32-bit slot as it is; most clear it.
  i.operand_size == 2 ? it.push<uint16_t>(selector) : it.push<uint32_t>(selector);
}

void pop_segment(Interpreter& it, const Instruction& i) {
  const SegmentIndex index = segment_of_stack_opcode(i);
  const uint32_t value = i.operand_size == 2 ? it.pop<uint16_t>() : it.pop<uint32_t>();
  load_segment(it, index, static_cast<uint16_t>(value));
  if (index == kSs) shadow_events(it.state);
}

void load_far_pointer(Interpreter& it, const Instruction& i, SegmentIndex index) {
  if (i.mod == 3) raise(Vector::kInvalidOpcode);
  const SegmentIndex from = operand_segment(i);
  const uint32_t at = operand_offset(i, it.state.gpr);
  const uint32_t address_mask = i.address_size == 2 ? 0xFFFF : 0xFFFFFFFF;
  const uint32_t offset = i.operand_size == 4 ? it.read<uint32_t>(from, at) : it.read<uint16_t>(from, at);
  const uint16_t selector = it.read<uint16_t>(from, (at + i.operand_size) & address_mask);
  load_segment(it, index, selector);
  if (i.operand_size == 4)
    it.set_reg<uint32_t>(i.reg, offset);
  else
    it.set_reg<uint16_t>(i.reg, static_cast<uint16_t>(offset));
}

template <SegmentIndex index>
void load_far_pointer_into(Interpreter& it, const Instruction& i) {
  load_far_pointer(it, i, index);
}

}  // namespace

void load_segment(Interpreter& it, SegmentIndex index, uint16_t selector) {
  CpuState& s = it.state;
  if (s.real_mode()) return load_real_mode_segment(s.segment[index], selector);
  if (s.virtual_8086()) {
    s.segment[index] = virtual_8086_segment(selector);
    return;
  }
  if (index == kSs)
    s.segment[kSs] = checked_stack_segment(it, selector, s.cpl);
  else
    load_data_segment(it, index, selector);
}

void add_segment(DispatchTable& table) {
  table.one_byte[0x8C] = mov_from_segment;
  table.one_byte[0x8E] = mov_to_segment;
  for (int opcode : {0x06, 0x0E, 0x16, 0x1E}) table.one_byte[opcode] = push_segment;
  for (int opcode : {0x07, 0x17, 0x1F}) table.one_byte[opcode] = pop_segment;
  for (int opcode : {0xA0, 0xA8}) table.two_byte[opcode] = push_segment;
  for (int opcode : {0xA1, 0xA9}) table.two_byte[opcode] = pop_segment;
  table.one_byte[0xC4] = load_far_pointer_into<kEs>;
  table.one_byte[0xC5] = load_far_pointer_into<kDs>;
  table.two_byte[0xB2] = load_far_pointer_into<kSs>;
  table.two_byte[0xB4] = load_far_pointer_into<kFs>;
  table.two_byte[0xB5] = load_far_pointer_into<kGs>;
  add_far_transfers(table);
  add_protection_checks(table);
}

}  // namespace ringdown

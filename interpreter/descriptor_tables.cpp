#include "interpreter/control_registers.h"
#include "interpreter/descriptor.h"
#include "interpreter/dispatch.h"
#include "interpreter/segment.h"
#include "interpreter/system.h"

// Groups 0F 00 and 0F 01: the descriptor table registers, TR and LDTR, the machine status word and INVLPG.
namespace ringdown {
namespace {

void require_memory(const Instruction& i) {
  if (i.mod == 3) raise(Vector::kInvalidOpcode);
}

uint32_t second_field(const Instruction& i, uint32_t offset) {
  return (offset + 2) & (i.address_size == 2 ? 0xFFFF : 0xFFFFFFFF);
}

// The manual has the 16-bit form store 24 bits of the base; processors since the 386 store all of it.
void store_table(Interpreter& it, const Instruction& i, const DescriptorTable& table) {
  require_memory(i);
  const SegmentIndex to = operand_segment(i);
  const uint32_t at = operand_offset(i, it.state.gpr);
  const uint32_t base_at = second_field(i, at);
  it.mmu.check_write(it.linear(to, base_at, 4, AccessKind::kWrite), 4, it.user());
  it.write<uint16_t>(to, at, table.limit);
  it.write<uint32_t>(to, base_at, table.base);
}

void load_table(Interpreter& it, const Instruction& i, DescriptorTable& table) {
  require_memory(i);
  require_ring_0(it);
  const SegmentIndex from = operand_segment(i);
  const uint32_t at = operand_offset(i, it.state.gpr);
  const uint16_t limit = it.read<uint16_t>(from, at);
  const uint32_t base = it.read<uint32_t>(from, second_field(i, at));
  table = {.base = i.operand_size == 4 ? base : base & 0xFFFFFF, .limit = limit};
}

// INVLPG checks no limit and reads no memory.
void invlpg(Interpreter& it, const Instruction& i) {
  require_memory(i);
  require_ring_0(it);
  invalidate_page(it, it.state.segment[operand_segment(i)].base + operand_offset(i, it.state.gpr));
}

void group_0f01(Interpreter& it, const Instruction& i) {
  switch (i.reg) {
    case 0:
      return store_table(it, i, it.state.gdtr);
    case 1:
      return store_table(it, i, it.state.idtr);
    case 2:
      return load_table(it, i, it.state.gdtr);
    case 3:
      return load_table(it, i, it.state.idtr);
    case 4:
      return store_machine_status_word(it, i);
    case 6:
      return load_machine_status_word(it, i);
    case 7:
      return invlpg(it, i);
  }
  raise(Vector::kInvalidOpcode);
}

void store_selector(Interpreter& it, const Instruction& i, const Segment& segment) {
  if (i.mod == 3 && i.operand_size == 4) return it.set_reg<uint32_t>(i.rm, segment.selector);
  it.write_rm<uint16_t>(i, segment.selector);
}

void lldt(Interpreter& it, const Instruction& i) {
  require_ring_0(it);
  const uint16_t selector = it.read_rm<uint16_t>(i);
  if (null_selector(selector)) {
    it.state.ldtr = {.selector = selector};
    return;
  }
  if (in_ldt(selector)) raise_general_protection(selector_error(selector));
  const Descriptor d = require_descriptor(it, selector, Vector::kGeneralProtection);
  if (!d.is(SystemType::kLdt)) raise_general_protection(selector_error(selector));
  if (!d.present()) raise(Vector::kSegmentNotPresent, selector_error(selector));
  it.state.ldtr = d.segment(selector);
}

void ltr(Interpreter& it, const Instruction& i) {
  require_ring_0(it);
  const uint16_t selector = it.read_rm<uint16_t>(i);
  const Descriptor d = require_descriptor(it, selector, Vector::kGeneralProtection);
  if (in_ldt(selector) || !d.available_tss()) raise_general_protection(selector_error(selector));
  if (!d.present()) raise(Vector::kSegmentNotPresent, selector_error(selector));
  set_busy(it, selector, true);
  it.state.tr = d.segment(selector);
  it.state.tr.attributes |= 2;  // busy
}

void group_0f00(Interpreter& it, const Instruction& i) {
  if (it.state.without_descriptors()) raise(Vector::kInvalidOpcode);
  switch (i.reg) {
    case 0:
      return store_selector(it, i, it.state.ldtr);
    case 1:
      return store_selector(it, i, it.state.tr);
    case 2:
      return lldt(it, i);
    case 3:
      return ltr(it, i);
    case 4:
      return verify_segment(it, i, false);
    case 5:
      return verify_segment(it, i, true);
  }
  raise(Vector::kInvalidOpcode);
}

}  // namespace

void add_descriptor_tables(DispatchTable& table) {
  table.two_byte[0x00] = group_0f00;
  table.two_byte[0x01] = group_0f01;
}

}  // namespace ringdown

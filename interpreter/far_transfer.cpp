#include "interpreter/far_transfer.h"

#include "interpreter/descriptor.h"
#include "interpreter/dispatch.h"
#include "interpreter/privilege.h"
#include "interpreter/segment.h"
#include "interpreter/task_switch.h"

// Far JMP, CALL and RET (SDM vol. 2; vol. 3, 5.8 and 7.3).
namespace ringdown {
namespace {

enum class Kind : uint8_t { kJump, kCall };

struct Target {
  uint16_t selector;
  uint32_t offset;
};

Segment code_segment_without_descriptor(const CpuState& s, uint16_t selector) {
  if (s.virtual_8086()) return virtual_8086_segment(selector);
  Segment cs = s.segment[kCs];
  load_real_mode_segment(cs, selector);
  return cs;
}

void enter_without_descriptor(CpuState& s, const Segment& cs, uint32_t eip) {
  s.segment[kCs] = cs;  // the selector's low bits are not an RPL here
  s.eip = eip;
}

// Pushes the return address on the current stack.
void push_return_address(Interpreter& it, bool is_32_bit) {
  StackFrame frame(is_32_bit);
  frame.push(it.state.segment[kCs].selector);
  frame.push(it.state.eip);
  Stack stack = current_stack(it.state);
  frame.write(it, stack, it.state.cpl, 0);
  set_stack(it.state, stack);
}

void check_offset(const Segment& cs, uint32_t offset) {
  if (offset > cs.limit) raise_general_protection();
}

void transfer_without_descriptor(Interpreter& it, Kind kind, Target to, unsigned operand_size) {
  const Segment cs = code_segment_without_descriptor(it.state, to.selector);
  check_offset(cs, to.offset);
  if (kind == Kind::kCall) push_return_address(it, operand_size == 4);
  enter_without_descriptor(it.state, cs, to.offset);
}

void transfer_to_code(Interpreter& it, Kind kind, Target to, Descriptor d, unsigned operand_size) {
  const unsigned cpl = it.state.cpl, rpl = to.selector & 3;
  const bool allowed = d.conforming() ? d.dpl() <= cpl : rpl <= cpl && d.dpl() == cpl;
  if (!allowed) raise_general_protection(selector_error(to.selector));
  if (!d.present()) raise(Vector::kSegmentNotPresent, selector_error(to.selector));
  check_offset(d.segment(to.selector), to.offset);
  mark_accessed(it, to.selector, d);
  if (kind == Kind::kCall) push_return_address(it, operand_size == 4);
  enter_code_segment(it.state, d.segment(to.selector), cpl, to.offset);
}

// ---- Gates ----------------------------------------------------------------------------------------------

// Gates and TSS descriptors may be used if both CPL and RPL are low enough.
void check_gate_privilege(const Interpreter& it, const Descriptor& d, uint16_t selector) {
  if (d.dpl() < it.state.cpl || d.dpl() < (selector & 3u)) raise_general_protection(selector_error(selector));
  if (!d.present()) raise(Vector::kSegmentNotPresent, selector_error(selector));
}

// Copies what the caller pushed for the gate's procedure; the last pushed word last.
void copy_parameters(Interpreter& it, StackFrame& frame, unsigned count, bool is_32_bit) {
  const unsigned width = is_32_bit ? 4 : 2;
  for (unsigned n = count; n-- > 0;) {
    const uint32_t at = (it.stack_pointer() + n * width) & it.state.stack_mask();
    frame.push(is_32_bit ? it.read<uint32_t>(kSs, at) : it.read<uint16_t>(kSs, at));
  }
}

void call_inner_level(Interpreter& it, const Descriptor& gate, Descriptor code, uint16_t selector) {
  CpuState& s = it.state;
  const bool is_32_bit = gate.gate_is_32_bit();
  Stack stack = stack_from_tss(it, code.dpl(), 0);
  check_offset(code.segment(selector), gate.gate_offset());
  StackFrame frame(is_32_bit);
  frame.push(s.segment[kSs].selector);
  frame.push(s.gpr[kEsp]);
  copy_parameters(it, frame, gate.gate_parameters(), is_32_bit);
  frame.push(s.segment[kCs].selector);
  frame.push(s.eip);
  mark_accessed(it, selector, code);
  frame.write(it, stack, code.dpl(), selector_error(stack.segment.selector));
  set_stack(s, stack);
  enter_code_segment(s, code.segment(selector), code.dpl(), gate.gate_offset());
}

void through_call_gate(Interpreter& it, Kind kind, const Descriptor& gate) {
  const uint16_t selector = gate.gate_selector();
  Descriptor code = require_descriptor(it, selector, Vector::kGeneralProtection);
  const unsigned cpl = it.state.cpl;
  const bool may_go_inward = kind == Kind::kCall || code.conforming();
  const bool allowed = code.code() && (may_go_inward ? code.dpl() <= cpl : code.dpl() == cpl);
  if (!allowed) raise_general_protection(selector_error(selector));
  if (!code.present()) raise(Vector::kSegmentNotPresent, selector_error(selector));
  if (kind == Kind::kCall && !code.conforming() && code.dpl() < cpl)
    return call_inner_level(it, gate, code, selector);
  check_offset(code.segment(selector), gate.gate_offset());
  mark_accessed(it, selector, code);
  if (kind == Kind::kCall) push_return_address(it, gate.gate_is_32_bit());
  enter_code_segment(it.state, code.segment(selector), cpl, gate.gate_offset());
}

void to_task(Interpreter& it, Kind kind, uint16_t selector) {
  switch_task(it, {.selector = selector,
                   .cause = kind == Kind::kCall ? TaskSwitchCause::kCall : TaskSwitchCause::kJump,
                   .saved_eflags = it.state.eflags_image()});
}

void through_task_gate(Interpreter& it, Kind kind, const Descriptor& gate) {
  const uint16_t selector = gate.gate_selector();
  if (in_ldt(selector)) raise_general_protection(selector_error(selector));
  const Descriptor tss = require_descriptor(it, selector, Vector::kGeneralProtection);
  if (!tss.available_tss()) raise_general_protection(selector_error(selector));
  if (!tss.present()) raise(Vector::kSegmentNotPresent, selector_error(selector));
  to_task(it, kind, selector);
}

void transfer_to_system_descriptor(Interpreter& it, Kind kind, uint16_t selector, const Descriptor& d) {
  const bool tss = d.available_tss() && !in_ldt(selector);
  if (!tss && !d.call_gate() && !d.is(SystemType::kTaskGate))
    raise_general_protection(selector_error(selector));
  check_gate_privilege(it, d, selector);
  if (d.call_gate()) return through_call_gate(it, kind, d);
  if (d.is(SystemType::kTaskGate)) return through_task_gate(it, kind, d);
  to_task(it, kind, selector);
}

void transfer(Interpreter& it, Kind kind, Target to, unsigned operand_size) {
  if (operand_size == 2) to.offset &= 0xFFFF;
  if (it.state.without_descriptors()) return transfer_without_descriptor(it, kind, to, operand_size);
  const Descriptor d = require_descriptor(it, to.selector, Vector::kGeneralProtection);
  if (d.code()) return transfer_to_code(it, kind, to, d, operand_size);
  if (d.data()) raise_general_protection(selector_error(to.selector));
  transfer_to_system_descriptor(it, kind, to.selector, d);
}

// ---- RET ------------------------------------------------------------------------------------------------

uint32_t peek_stack(Interpreter& it, uint32_t byte_offset, unsigned width) {
  const uint32_t at = (it.stack_pointer() + byte_offset) & it.state.stack_mask();
  return width == 4 ? it.read<uint32_t>(kSs, at) : it.read<uint16_t>(kSs, at);
}

void return_without_descriptor(Interpreter& it, uint32_t eip, uint16_t selector, uint32_t released) {
  const Segment cs = code_segment_without_descriptor(it.state, selector);
  check_offset(cs, eip);
  it.set_stack_pointer(it.stack_pointer() + released);
  enter_without_descriptor(it.state, cs, eip);
}

void return_to_outer_level(Interpreter& it, Target to, Descriptor code, unsigned width, uint16_t release) {
  const unsigned cpl = to.selector & 3;
  const uint32_t pointer = peek_stack(it, 2 * width + release, width);
  const uint16_t selector = static_cast<uint16_t>(peek_stack(it, 3 * width + release, width));
  const Segment ss = checked_stack_segment(it, selector, cpl);
  check_offset(code.segment(to.selector), to.offset);
  mark_accessed(it, to.selector, code);
  enter_code_segment(it.state, code.segment(to.selector), cpl, to.offset);
  it.state.segment[kSs] = ss;
  it.set_stack_pointer(pointer + release);
  drop_inaccessible_segments(it.state);
}

}  // namespace

void far_jump(Interpreter& it, uint16_t selector, uint32_t offset, unsigned operand_size) {
  transfer(it, Kind::kJump, {selector, offset}, operand_size);
}

void far_call(Interpreter& it, uint16_t selector, uint32_t offset, unsigned operand_size) {
  transfer(it, Kind::kCall, {selector, offset}, operand_size);
}

void far_return(Interpreter& it, unsigned operand_size, uint16_t release) {
  const unsigned width = operand_size;
  const uint32_t eip = peek_stack(it, 0, width);
  const uint16_t selector = static_cast<uint16_t>(peek_stack(it, width, width));
  if (it.state.without_descriptors()) return return_without_descriptor(it, eip, selector, 2 * width + release);
  Descriptor code = return_code_descriptor(it, selector);
  if ((selector & 3u) > it.state.cpl) return return_to_outer_level(it, {selector, eip}, code, width, release);
  check_offset(code.segment(selector), eip);
  mark_accessed(it, selector, code);
  it.set_stack_pointer(it.stack_pointer() + 2 * width + release);
  enter_code_segment(it.state, code.segment(selector), it.state.cpl, eip);
}

namespace {

Target immediate_target(const Instruction& i) {
  return {static_cast<uint16_t>(i.immediate[1].value), i.immediate[0].value};
}

Target memory_target(Interpreter& it, const Instruction& i) {
  if (i.mod == 3) raise(Vector::kInvalidOpcode);
  const SegmentIndex from = operand_segment(i);
  const uint32_t at = operand_offset(i, it.state.gpr);
  const uint32_t mask = i.address_size == 2 ? 0xFFFF : 0xFFFFFFFF;
  const uint32_t offset = i.operand_size == 4 ? it.read<uint32_t>(from, at) : it.read<uint16_t>(from, at);
  return {it.read<uint16_t>(from, (at + i.operand_size) & mask), offset};
}

void jump_far_direct(Interpreter& it, const Instruction& i) {
  transfer(it, Kind::kJump, immediate_target(i), i.operand_size);
}
void call_far_direct(Interpreter& it, const Instruction& i) {
  transfer(it, Kind::kCall, immediate_target(i), i.operand_size);
}
void return_far(Interpreter& it, const Instruction& i) {
  const bool releases = i.opcode == 0xCA;
  far_return(it, i.operand_size, releases ? static_cast<uint16_t>(i.immediate[0].value) : 0);
}

void call_far_indirect(Interpreter& it, const Instruction& i) {
  transfer(it, Kind::kCall, memory_target(it, i), i.operand_size);
}
void jump_far_indirect(Interpreter& it, const Instruction& i) {
  transfer(it, Kind::kJump, memory_target(it, i), i.operand_size);
}

}  // namespace

void add_far_transfers(DispatchTable& table) {
  table.one_byte[0x9A] = call_far_direct;
  table.one_byte[0xEA] = jump_far_direct;
  table.one_byte[0xCA] = table.one_byte[0xCB] = return_far;
  table.group_ff[3] = call_far_indirect;
  table.group_ff[5] = jump_far_indirect;
}

}  // namespace ringdown

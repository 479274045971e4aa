#include "interpreter/interrupt_return.h"

#include "interpreter/privilege.h"
#include "interpreter/task_switch.h"

namespace ringdown {
namespace {

using namespace eflags;

constexpr uint32_t kAlwaysWritable = kStatus | kTf | kDf | kNt;
constexpr uint32_t kWritableBy32Bit = kRf | kAc | kId;

uint32_t peek_stack(Interpreter& it, unsigned index, unsigned width) {
  const uint32_t at = (it.stack_pointer() + index * width) & it.state.stack_mask();
  return width == 4 ? it.read<uint32_t>(kSs, at) : it.read<uint16_t>(kSs, at);
}

struct ReturnFrame {
  uint32_t eip;
  uint16_t cs;
  uint32_t eflags;
};

ReturnFrame read_frame(Interpreter& it, unsigned width) {
  return {peek_stack(it, 0, width), static_cast<uint16_t>(peek_stack(it, 1, width)),
          peek_stack(it, 2, width)};
}

void write_flags(CpuState& s, uint32_t image, uint32_t mask) {
  s.set_eflags_image((s.eflags_image() & ~mask) | (image & mask));
}

// What IRET in protected mode may change at the current (not yet the new) privilege level.
uint32_t writable_flags(const CpuState& s, unsigned width) {
  uint32_t mask = kAlwaysWritable;
  if (width == 4) mask |= kWritableBy32Bit;
  if (s.cpl <= s.iopl()) mask |= kIf;
  if (s.cpl == 0) mask |= kIopl | (width == 4 ? kVif | kVip : 0);
  return mask;
}

void return_in_real_mode(Interpreter& it, unsigned width) {
  CpuState& s = it.state;
  const ReturnFrame frame = read_frame(it, width);
  if (frame.eip > s.segment[kCs].limit) raise_general_protection();
  it.set_stack_pointer(it.stack_pointer() + 3 * width);
  load_real_mode_segment(s.segment[kCs], frame.cs);
  s.eip = frame.eip;
  write_flags(s, frame.eflags, kAlwaysWritable | kIf | kIopl | (width == 4 ? kWritableBy32Bit : 0));
}

// Virtual interrupts (CR4.VME, IOPL below 3): the image's IF is VIF.
uint32_t virtual_interrupt_image(const CpuState& s, uint32_t image) {
  if ((image & kTf) || ((image & kIf) && (s.system_flags & kVip))) raise_general_protection();
  return image & kIf ? image | kVif : image & ~kVif;
}

void return_in_virtual_8086(Interpreter& it, unsigned width) {
  CpuState& s = it.state;
  const bool owns_interrupts = s.iopl() == 3;
  if (!owns_interrupts && !((s.cr4 & cr4::kVme) && width == 2)) raise_general_protection();
  ReturnFrame frame = read_frame(it, width);
  if (frame.eip > 0xFFFF) raise_general_protection();
  uint32_t mask = kAlwaysWritable | (width == 4 ? kWritableBy32Bit : 0);
  if (owns_interrupts) {
    mask |= kIf;
  } else {
    frame.eflags = virtual_interrupt_image(s, frame.eflags);
    mask |= kVif;
  }
  it.set_stack_pointer(it.stack_pointer() + 3 * width);
  s.segment[kCs] = virtual_8086_segment(frame.cs);
  s.eip = frame.eip;
  write_flags(s, frame.eflags, mask);
}

void return_to_previous_task(Interpreter& it) {
  const uint16_t selector = it.mmu.read<uint16_t>(it.state.tr.base, false);
  if (null_selector(selector) || in_ldt(selector)) raise(Vector::kInvalidTss, selector_error(selector));
  const Descriptor tss = require_descriptor(it, selector, Vector::kInvalidTss);
  if (!tss.busy_tss()) raise(Vector::kInvalidTss, selector_error(selector));
  if (!tss.present()) raise(Vector::kSegmentNotPresent, selector_error(selector));
  switch_task(
      it, {.selector = selector, .cause = TaskSwitchCause::kReturn, .saved_eflags = it.state.eflags_image()});
}

// The frame holds, after EFLAGS: ESP, SS, ES, DS, FS, GS.
void return_to_virtual_8086(Interpreter& it, const ReturnFrame& frame) {
  CpuState& s = it.state;
  constexpr SegmentIndex kOrder[] = {kSs, kEs, kDs, kFs, kGs};
  std::array<uint16_t, 6> selectors;
  const uint32_t esp = peek_stack(it, 3, 4);
  for (unsigned n = 0; n < 5; n++) selectors[kOrder[n]] = static_cast<uint16_t>(peek_stack(it, 4 + n, 4));
  selectors[kCs] = frame.cs;
  if (frame.eip > 0xFFFF) raise_general_protection();
  for (unsigned n = 0; n < 6; n++) s.segment[n] = virtual_8086_segment(selectors[n]);
  s.set_eflags_image(frame.eflags);
  s.gpr[kEsp] = esp;
  s.eip = frame.eip;
  s.cpl = 3;
}

void return_to_outer_level(Interpreter& it, const ReturnFrame& frame, Descriptor code, unsigned width) {
  CpuState& s = it.state;
  const unsigned cpl = frame.cs & 3;
  const uint32_t pointer = peek_stack(it, 3, width);
  const Segment ss = checked_stack_segment(it, static_cast<uint16_t>(peek_stack(it, 4, width)), cpl);
  if (frame.eip > code.limit()) raise_general_protection();
  mark_accessed(it, frame.cs, code);
  write_flags(s, frame.eflags, writable_flags(s, width));
  enter_code_segment(s, code.segment(frame.cs), cpl, frame.eip);
  s.segment[kSs] = ss;
  it.set_stack_pointer(pointer);
  drop_inaccessible_segments(s);
}

void return_to_same_level(Interpreter& it, const ReturnFrame& frame, Descriptor code, unsigned width) {
  CpuState& s = it.state;
  if (frame.eip > code.limit()) raise_general_protection();
  mark_accessed(it, frame.cs, code);
  it.set_stack_pointer(it.stack_pointer() + 3 * width);
  write_flags(s, frame.eflags, writable_flags(s, width));
  enter_code_segment(s, code.segment(frame.cs), s.cpl, frame.eip);
}

void return_in_protected_mode(Interpreter& it, unsigned width) {
  CpuState& s = it.state;
  if (s.system_flags & kNt) return return_to_previous_task(it);
  const ReturnFrame frame = read_frame(it, width);
  if (width == 4 && (frame.eflags & kVm) && s.cpl == 0) return return_to_virtual_8086(it, frame);
  const Descriptor code = return_code_descriptor(it, frame.cs);
  if ((frame.cs & 3u) > s.cpl)
    return_to_outer_level(it, frame, code, width);
  else
    return_to_same_level(it, frame, code, width);
}

}  // namespace

void interrupt_return(Interpreter& it, const Instruction& i) {
  const CpuState& s = it.state;
  const bool forbidden_to_virtual_8086 = s.virtual_8086() && s.iopl() < 3 && !(s.cr4 & cr4::kVme);
  if (forbidden_to_virtual_8086) raise_general_protection();
  // Even an IRET that faults ends the blocking of NMIs.
  it.state.nmi_blocked = false;
  if (s.real_mode()) return return_in_real_mode(it, i.operand_size);
  if (s.virtual_8086()) return return_in_virtual_8086(it, i.operand_size);
  return_in_protected_mode(it, i.operand_size);
}

}  // namespace ringdown

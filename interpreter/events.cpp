#include "interpreter/events.h"

#include "interpreter/privilege.h"
#include "interpreter/task_switch.h"

namespace ringdown {
namespace {

using namespace eflags;

constexpr uint32_t kIdtBit = 2;  // of an error code that names an IDT entry

// Delivery of one event through a gate of the protected-mode IDT.
class GateDelivery {
 public:
  GateDelivery(Interpreter& it, const Event& event)
      : it_(it), state_(it.state), event_(event), ext_(event.is_software() ? 0 : 1) {}

  void run();

 private:
  uint32_t idt_error() const { return event_.vector * 8u | kIdtBit | ext_; }

  Descriptor read_gate() const;
  void through_task_gate(const Descriptor& gate);
  void through_gate(const Descriptor& gate);
  unsigned target_level(const Descriptor& code, uint16_t selector) const;
  void push_return_frame(Stack& stack, unsigned cpl, bool is_32_bit, bool switched);
  uint32_t saved_eflags() const { return state_.eflags_image() | (event_.sets_resume_flag ? kRf : 0); }

  Interpreter& it_;
  CpuState& state_;
  const Event& event_;
  const uint32_t ext_;
};

void GateDelivery::run() {
  const Descriptor gate = read_gate();
  if (gate.is(SystemType::kTaskGate)) return through_task_gate(gate);
  through_gate(gate);
}

bool is_idt_gate(const Descriptor& d) {
  using enum SystemType;
  return d.is(kTaskGate) || d.is(kInterruptGate16) || d.is(kTrapGate16) || d.is(kInterruptGate32) ||
         d.is(kTrapGate32);
}

Descriptor GateDelivery::read_gate() const {
  if (event_.vector * 8u + 7 > state_.idtr.limit) raise_general_protection(idt_error());
  const Descriptor gate{it_.mmu.read<uint64_t>(state_.idtr.base + event_.vector * 8u, false)};
  if (!is_idt_gate(gate)) raise_general_protection(idt_error());
  if (event_.is_software() && gate.dpl() < state_.cpl) raise_general_protection(idt_error());
  if (!gate.present()) raise(Vector::kSegmentNotPresent, idt_error());
  return gate;
}

void GateDelivery::through_task_gate(const Descriptor& gate) {
  const uint16_t selector = gate.gate_selector();
  if (in_ldt(selector)) raise_general_protection(selector_error(selector, ext_));
  const Descriptor tss = require_descriptor(it_, selector, Vector::kGeneralProtection, ext_);
  if (!tss.available_tss()) raise_general_protection(selector_error(selector, ext_));
  if (!tss.present()) raise(Vector::kSegmentNotPresent, selector_error(selector, ext_));
  switch_task(it_, {.selector = selector,
                    .cause = TaskSwitchCause::kInterrupt,
                    .saved_eflags = saved_eflags(),
                    .ext = ext_,
                    .error_code = event_.error_code});
}

// The privilege level at which the handler runs.
unsigned GateDelivery::target_level(const Descriptor& code, uint16_t selector) const {
  if (!code.code() || code.dpl() > state_.cpl) raise_general_protection(selector_error(selector, ext_));
  if (!code.present()) raise(Vector::kSegmentNotPresent, selector_error(selector, ext_));
  const unsigned level = code.conforming() ? state_.cpl : code.dpl();
  if (state_.virtual_8086() && level != 0) raise_general_protection(selector_error(selector, ext_));
  return level;
}

void GateDelivery::through_gate(const Descriptor& gate) {
  const uint16_t selector = gate.gate_selector();
  Descriptor code = require_descriptor(it_, selector, Vector::kGeneralProtection, ext_);
  const unsigned cpl = target_level(code, selector);
  const bool switched = cpl != state_.cpl;
  Stack stack = switched ? stack_from_tss(it_, cpl, ext_) : current_stack(state_);
  if (gate.gate_offset() > code.limit()) raise_general_protection(ext_);
  mark_accessed(it_, selector, code);
  push_return_frame(stack, cpl, gate.gate_is_32_bit(), switched);

  // Nothing can fault from here on.
  if (state_.virtual_8086())
    for (const SegmentIndex s : {kEs, kDs, kFs, kGs}) state_.segment[s] = Segment{};
  set_stack(state_, stack);
  enter_code_segment(state_, code.segment(selector), cpl, gate.gate_offset());
  state_.system_flags &= ~(kTf | kNt | kRf | kVm);
  const bool trap_gate = gate.type() & 1;
  if (!trap_gate) state_.interrupt_flag = 0;
}

void GateDelivery::push_return_frame(Stack& stack, unsigned cpl, bool is_32_bit, bool switched) {
  StackFrame frame(is_32_bit);
  if (state_.virtual_8086())
    for (const SegmentIndex s : {kGs, kFs, kDs, kEs}) frame.push(state_.segment[s].selector);
  if (switched) {
    frame.push(state_.segment[kSs].selector);
    frame.push(state_.gpr[kEsp]);
  }
  frame.push(saved_eflags());
  frame.push(state_.segment[kCs].selector);
  frame.push(state_.eip);
  if (event_.error_code) frame.push(*event_.error_code);
  frame.write(it_, stack, cpl, switched ? selector_error(stack.segment.selector, ext_) : ext_);
}

// Pushes FLAGS, CS and IP and enters the handler that a table of far pointers at `table` names.
void enter_real_mode_handler(Interpreter& it, uint32_t table, uint8_t vector, uint32_t flags) {
  CpuState& s = it.state;
  const uint32_t entry = it.mmu.read<uint32_t>(table + vector * 4u, it.user());
  StackFrame frame(false);
  frame.push(flags);
  frame.push(s.segment[kCs].selector);
  frame.push(s.eip);
  Stack stack = current_stack(s);
  frame.write(it, stack, s.cpl, 0);
  set_stack(s, stack);
  load_real_mode_segment(s.segment[kCs], static_cast<uint16_t>(entry >> 16));
  s.eip = entry & 0xFFFF;
}

void deliver_in_real_mode(Interpreter& it, const Event& event) {
  CpuState& s = it.state;
  if (event.vector * 4u + 3 > s.idtr.limit) raise_general_protection();
  enter_real_mode_handler(it, s.idtr.base, event.vector, s.eflags_image());
  s.system_flags &= ~(kTf | kRf | kAc);
  s.interrupt_flag = 0;
}

// Kinds of exceptions for the double-fault rules (SDM vol. 3, table 6-4).
enum class Severity : uint8_t { kBenign, kContributory, kPageFault, kDoubleFault };

Severity severity(Vector vector) {
  switch (vector) {
    case Vector::kDivideError:
    case Vector::kInvalidTss:
    case Vector::kSegmentNotPresent:
    case Vector::kStackFault:
    case Vector::kGeneralProtection:
      return Severity::kContributory;
    case Vector::kPageFault:
      return Severity::kPageFault;
    case Vector::kDoubleFault:
      return Severity::kDoubleFault;
    case Vector::kDebug:
    case Vector::kNmi:
    case Vector::kBreakpoint:
    case Vector::kOverflow:
    case Vector::kBoundRange:
    case Vector::kInvalidOpcode:
    case Vector::kDeviceNotAvailable:
    case Vector::kX87Error:
    case Vector::kAlignmentCheck:
    case Vector::kMachineCheck:
    case Vector::kSimdError:
      return Severity::kBenign;
  }
  return Severity::kBenign;
}

// What a fault during the delivery of another one becomes (SDM vol. 3, table 6-5); nullopt: shutdown.
std::optional<Fault> combine(const Fault& first, const Fault& second) {
  const Severity a = severity(first.vector), b = severity(second.vector);
  const bool serial = a == Severity::kBenign || b == Severity::kBenign ||
                      (a == Severity::kContributory && b == Severity::kPageFault);
  if (serial) return second;
  if (a == Severity::kDoubleFault) return std::nullopt;
  return Fault{.vector = Vector::kDoubleFault, .has_error_code = true, .error_code = 0};
}

// Is the saved EIP that of the instruction itself? #DB: only general detect. Machine checks are aborts.
bool fault_class(const Fault& fault) {
  switch (fault.vector) {
    case Vector::kDebug:
      return fault.error_code & dr6::kGeneralDetect;
    case Vector::kNmi:
    case Vector::kBreakpoint:
    case Vector::kOverflow:
    case Vector::kDoubleFault:
    case Vector::kMachineCheck:
      return false;
    case Vector::kDivideError:
    case Vector::kBoundRange:
    case Vector::kInvalidOpcode:
    case Vector::kDeviceNotAvailable:
    case Vector::kInvalidTss:
    case Vector::kSegmentNotPresent:
    case Vector::kStackFault:
    case Vector::kGeneralProtection:
    case Vector::kPageFault:
    case Vector::kX87Error:
    case Vector::kAlignmentCheck:
    case Vector::kSimdError:
      return true;
  }
  return true;
}

// The registers that tell a handler what happened; they change even if the delivery then fails.
void report(CpuState& state, const Fault& fault) {
  if (fault.vector == Vector::kPageFault) state.cr2 = fault.linear_address;
  if (fault.vector != Vector::kDebug) return;
  state.dr[6] |= fault.error_code;
  state.dr[7] &= ~dr7::kGeneralDetect;
}

Event event_of(const Fault& fault) {
  Event event{.vector = static_cast<uint8_t>(fault.vector),
              .source = EventSource::kException,
              .sets_resume_flag = fault_class(fault)};
  if (fault.has_error_code) event.error_code = fault.error_code;
  return event;
}

void wake(CpuState& state) {
  state.halted = false;
  state.interrupts_shadowed = state.debug_trap_shadowed = false;
}

}  // namespace

void deliver_event(Interpreter& it, const Event& event) {
  if (it.bus.deliver(event)) return;
  if (it.state.real_mode())
    deliver_in_real_mode(it, event);
  else
    GateDelivery(it, event).run();
}

void deliver_to_virtual_8086_handler(Interpreter& it, uint8_t vector) {
  CpuState& s = it.state;
  const bool owns_interrupts = s.iopl() == 3;
  uint32_t flags = s.eflags_image();
  if (!owns_interrupts) flags = (flags & ~kIf) | kIopl | (s.system_flags & kVif ? kIf : 0);
  enter_real_mode_handler(it, 0, vector, flags);
  s.segment[kCs] = virtual_8086_segment(s.segment[kCs].selector);
  s.system_flags &= ~(kTf | kRf);
  if (owns_interrupts)
    s.interrupt_flag = 0;
  else
    s.system_flags &= ~kVif;
}

void Interpreter::deliver_interrupt(uint8_t vector) {
  wake(state);
  if (vector == static_cast<uint8_t>(Vector::kNmi)) state.nmi_blocked = true;
  try {
    deliver_event(*this, {.vector = vector, .source = EventSource::kExternalInterrupt});
  } catch (const Fault& fault) {
    return deliver_exception(fault);
  }
  if (const auto trap = take_task_switch_trap()) deliver_exception(*trap);
}

std::optional<Fault> Interpreter::take_task_switch_trap() {
  if (!(debug_hits_ & dr6::kTaskSwitch)) return std::nullopt;
  debug_hits_ &= ~dr6::kTaskSwitch;
  return Fault{.vector = Vector::kDebug, .error_code = dr6::kTaskSwitch};
}

void Interpreter::deliver_exception(const Fault& fault) {
  wake(state);
  std::optional<Fault> current = fault;
  while (current) {
    report(state, *current);
    bus.exception_raised(*current);
    try {
      deliver_event(*this, event_of(*current));
      current = take_task_switch_trap();
      if (!current) return;
    } catch (const Fault& next) {
      if (next.vector == Vector::kPageFault) state.cr2 = next.linear_address;
      current = combine(*current, next);
    }
  }
  state.shutdown = true;
}

}  // namespace ringdown

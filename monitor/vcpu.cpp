#include "monitor/vcpu.h"

#include <x86intrin.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "host-driver/counters.h"
#include "host-driver/log.h"
#include "host-driver/restartable_sequences.h"
#include "host-driver/terminal.h"
#include "interpreter/debug_breakpoints.h"
#include "interpreter/fast_call.h"
#include "interpreter/segment.h"
#include "monitor/guest_log.h"
#include "translator/sensitive.h"

namespace ringdown {
namespace {

// A kick may come between the monitor's last look and translated code, where it is not seen: it is repeated.
constexpr uint64_t kKickAgainNanoseconds = 200'000;
// Nor by a wait for a sandbox that begins right then; and one that does not come has to be looked at again.
constexpr uint64_t kLookAgainNanoseconds = 10'000'000;

void report_bug(int signal, const siginfo_t& info, const ucontext_t& host) {
  restore_terminal();
  std::fprintf(stderr, "ringdown: internal error: signal %d at %llx, address %p\n", signal,
               static_cast<unsigned long long>(host.uc_mcontext.gregs[REG_RIP]), info.si_addr);
}

}  // namespace

Vcpu::Vcpu(GuestRam& ram, PhysicalMemory& memory, const CpuModel& model, const Clock& clock)
    : clock_(clock),
      context_(std::make_unique<TranslatorContext>()),
      mmu_(context_->state, memory),
      shadow_(ram.file(), memory, context_->state),
      interpreter_(context_->state, mmu_, *this, model),
      translator_(*context_, mmu_, shadow_, model),
      native_(ram.file(), memory, *context_, shadow_, translator_, model, clock),
      signals_(*this, report_bug),
      signature_(model.signature()) {
  context_->bus = this;
  memory.set_device_bus(this);
  give_up_restartable_sequences();
}

void Vcpu::reset() {
  log_reset(state());
  state().reset(signature_);
  context_->time_stamp_offset = 0;
  if (interpreter_.model.has(Feature::kApic)) state().msr.apic_base |= ModelSpecificRegisters::kApicEnable;
  board_->set_apic_base(state().msr.apic_base);
  if (paused_time_stamp_) paused_time_stamp_ = time_stamp_counter();
  context_->interrupt_pending = 0;
  nmi_pending_ = false;
  stop_ = false;
  state_changed();
}

void Vcpu::init() {
  log_reset(state());
  state().init(signature_);
  stop_ = false;
  state_changed();
}

void Vcpu::state_changed() {
  forget_mappings();
  translator_.reset();
  native_.reset();
  attention_ = 1;
}

void Vcpu::forget_mappings() {
  mmu_.flush();
  shadow_.clear();
  shadow_.flush(TlbFlush::kAll);
}

// As after a halt with interrupts disabled.
void Vcpu::switch_off() {
  state().halted = true;
  state().interrupt_flag = false;
  attention_ = 1;
}

void Vcpu::request_attention() {
  requested_.store(true, std::memory_order_release);
  timer_.kick();
}

// ---- The loop ---------------------------------------------------------------------------------------------

void Vcpu::run() {
  while (!stop_ && !state().shutdown) {
    if (attention_) attend();
    // Translated code that nothing interrupts does not come back for a stop.
    if (stop_ || (!paused() && take_interrupt())) continue;
    if (paused())
      rest();
    else if (state().halted)
      idle();
    else
      execute();
  }
}

void Vcpu::attend() {
  attention_ = 0;
  context_->attention = 0;
  if (kick_came_) {
    kick_came_ = 0;
    kicks_.lost();
  }
  if (requested_.exchange(false, std::memory_order_acquire) && on_attention) on_attention();
  if (std::exchange(memory_map_changed_, false)) state_changed();
  if (std::exchange(apertures_changed_, false)) {
    forget_mappings();
    translator_.tlb_flushed(TlbFlush::kAll);
    native_.reset();
  }
  if (paused()) return;
  const Nanoseconds now = clock_.now();
  board_->advance(now);
  native_.look(now);
  arm(next_deadline());
}

void Vcpu::pause() {
  if (paused()) return;
  paused_time_stamp_ = time_stamp_counter();
  timer_.disarm();
}

void Vcpu::resume() {
  if (!paused()) return;
  set_time_stamp_counter(*std::exchange(paused_time_stamp_, std::nullopt));
  kicks_.lost();
  attention_ = 1;
}

// Until somebody requests attention.
void Vcpu::rest() {
  timer_.sleep();
  attention_ = 1;
}

void Vcpu::arm(Nanoseconds deadline) {
  if (kicks_.covers(deadline)) return;
  const auto [first, period] = kicks_.set_for(deadline, clock_.now());
  if (first == kNever)
    timer_.disarm();
  else
    timer_.arm(first, period);
}

Nanoseconds Vcpu::next_deadline() const { return std::min(board_->next_event(), native_.next_look()); }

void Vcpu::arm_look() {
  if (native_.next_look() != kNever) arm(next_deadline());
}

bool Vcpu::take_interrupt() {
  if (nmi_pending_ && take_nmi()) return true;
  if (!context_->interrupt_pending || !state().interrupt_flag || state().interrupts_shadowed) return false;
  take(board_->acknowledge_interrupt());
  return true;
}

// One that is blocked waits for the IRET that ends that, which is the interpreter's.
bool Vcpu::take_nmi() {
  if (state().nmi_blocked || state().interrupts_shadowed) return false;
  nmi_pending_ = false;
  take(static_cast<uint8_t>(Vector::kNmi));
  return true;
}

void Vcpu::take(uint8_t vector) {
  counters().guest_interrupts++;
  native_.interrupted();
  arm_look();
  if (log_enabled(LogClass::kInt))
    log_printf(LogClass::kInt, "interrupt %02x at %08x\n", vector, state().eip);
  interpreter_.deliver_interrupt(vector);
}

// The timer is armed for whatever is next: its kick ends the sleep, as another thread's does. One that comes
// between the look at `attention_` and the sleep is repeated (on_kick()).
void Vcpu::idle() {
  counters().guest_halts++;
  if (on_idle) on_idle();
  if (stop_) return;
  wake_lines_.wait();
  if (translator_.halted()) wake_lines_.learn();
  if (!attention_) {
    native_.idle();
    timer_.sleep();
    wake_lines_.prefetch(shadow_.supervisor().base());
    kicks_.slept(clock_.now(), board_->next_event());
  }
  attention_ = 1;
}

void Vcpu::execute() {
  if (wake_lines_.learning()) wake_lines_.note_instruction();
  if (wake_lines_.learning() || state().interrupts_shadowed || !CodeMode::translatable(state()))
    return interpret();
  if (native_.leaves_kernel_entry()) return interpret();
  if (native_.takes()) return execute_natively();
  try {
    switch (translator_.run()) {
      case RunEnd::kInterpret:
        interpret();
        break;
      case RunEnd::kGuestFault:
        deliver(translator_.pending_fault());
        break;
      case RunEnd::kKicked:
        attention_ = 1;
        break;
      case RunEnd::kUser:
        native_.returned();
        break;
    }
  } catch (const Fault& fault) {
    deliver(fault);
  }
}

void Vcpu::execute_natively() {
  switch (native_.run(attention_)) {
    case NativeUser::End::kKicked:
      attention_ = 1;
      break;
    case NativeUser::End::kTranslate:
      break;
    case NativeUser::End::kFault:
      deliver(native_.pending_fault());
      break;
    case NativeUser::End::kSingleStep:
      interpreter_.deliver_exception(
          {.vector = Vector::kDebug, .has_error_code = false, .error_code = dr6::kSingleStep});
      break;
    case NativeUser::End::kSysenter:
      sensitive_counts()[static_cast<size_t>(Sensitive::kSysenter)]++;
      sysenter(state());
      break;
    case NativeUser::End::kSegments:
      load_segments();
      break;
  }
}

// As the instructions would have that loaded them.
void Vcpu::load_segments() {
  try {
    for (unsigned index = 0; index < native_.loaded_segments().size(); index++) {
      if (const auto selector = native_.loaded_segments()[index])
        load_segment(interpreter_, static_cast<SegmentIndex>(index), *selector);
    }
  } catch (const Fault& fault) {
    deliver(fault);
  }
}

void Vcpu::interpret() {
  counters().instructions_interpreted++;
  const uint32_t eip = state().eip;
  const unsigned ring = state().cpl;
  interpreter_.step();
  if (const Instruction* i = interpreter_.executed()) note_if_sensitive(*i, eip, ring);
}

// A fault's image of EFLAGS has RF set, as the interpreter does for the faults that it finds itself.
void Vcpu::deliver(const Fault& fault) {
  state().system_flags |= eflags::kRf;
  interpreter_.deliver_exception(fault);
}

// ---- What the processor reaches ---------------------------------------------------------------------------

uint32_t Vcpu::read_port(uint16_t port, unsigned size) {
  counters().guest_port_reads++;
  if (log_enabled(LogClass::kGuestErrors) && board_->ports().is_free(port, 1))
    log_unclaimed_port("read", port, size, state().eip);
  const uint32_t value = board_->ports().read(port, size);
  note_device_access();
  return value;
}

void Vcpu::write_port(uint16_t port, unsigned size, uint32_t value) {
  counters().guest_port_writes++;
  if (log_enabled(LogClass::kGuestErrors) && board_->ports().is_free(port, 1))
    log_unclaimed_port("write", port, size, state().eip);
  board_->ports().write(port, size, value);
  note_device_access();
}

uint32_t Vcpu::read_device(uint32_t physical, unsigned size) {
  if (!board_) return ~0u;
  counters().guest_memory_reads++;
  const uint32_t value = board_->memory().read(physical, size);
  note_device_access();
  return value;
}

void Vcpu::write_device(uint32_t physical, unsigned size, uint32_t value) {
  if (!board_) return;
  counters().guest_memory_writes++;
  board_->memory().write(physical, size, value);
  note_device_access();
}

// A device may now need the processor earlier than the timer is armed for. (Later is no harm: the timer comes
// early.)
void Vcpu::note_device_access() {
  const Nanoseconds next = next_deadline();
  if (!kicks_.covers(next)) {
    if (next > clock_.now())
      arm(next);
    else
      attention_ = 1;
  }
  if (stop_) attention_ = 1;
  context_->attention = attention_;
}

uint64_t Vcpu::time_stamp_counter() { return __rdtsc() + context_->time_stamp_offset; }

void Vcpu::set_time_stamp_counter(uint64_t value) { context_->time_stamp_offset = value - __rdtsc(); }

void Vcpu::tlb_flushed(TlbFlush kind) {
  counters().guest_tlb_flushes++;
  shadow_.flush(kind);
  translator_.tlb_flushed(kind);
  native_.tlb_flushed();
  arm_look();
}

void Vcpu::page_invalidated(uint32_t linear) {
  counters().guest_invlpgs++;
  shadow_.invalidate_page(linear);
  translator_.page_invalidated(linear);
  native_.page_invalidated(linear);
}

void Vcpu::exception_raised(const Fault& fault) {
  counters().guest_exceptions++;
  counters().guest_page_faults += fault.vector == Vector::kPageFault;
  if (log_enabled(LogClass::kInt))
    log_printf(LogClass::kInt, "exception %02x error %x at %08x address %08x\n",
               static_cast<unsigned>(fault.vector), fault.error_code, state().eip, fault.linear_address);
  if (const Instruction* i = interpreter_.executed())
    log_if_unimplemented(*i, fault, state(), interpreter_.model);
}

void Vcpu::cpuid_answered(uint32_t leaf, uint32_t subleaf) { translator_.remember_cpuid(leaf, subleaf); }

void Vcpu::apic_base_written() {
  translator_.forget_cpuid();
  board_->set_apic_base(state().msr.apic_base);
  note_device_access();
}

bool Vcpu::deliver(const Event& event) { return translator_.deliver(event); }

bool Vcpu::on_fault(int signal, siginfo_t& info, ucontext_t& host) {
  return translator_.handle_host_fault(signal, info, host);
}

void Vcpu::on_kick(ucontext_t& host) {
  attention_ = 1;
  kick_came_ = 1;
  if (translator_.kick(host)) return;
  if (!native_.preempt())
    timer_.arm(kKickAgainNanoseconds);
  else if (!native_.looks())
    timer_.arm(kLookAgainNanoseconds);
}

}  // namespace ringdown

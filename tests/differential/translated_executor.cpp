#include "tests/differential/translated_executor.h"

#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>

#include "host-driver/fault_signals.h"
#include "host-driver/guest_ram.h"
#include "host-driver/host_clock.h"
#include "host-driver/kick_timer.h"
#include "interpreter/debug_breakpoints.h"
#include "interpreter/fast_call.h"
#include "interpreter/interpreter.h"
#include "interpreter/segment.h"
#include "native/native_user.h"
#include "tests/differential/guest_tables.h"
#include "tests/differential/host_stepper.h"
#include "tests/differential/machine_setting.h"
#include "translator/translator.h"

namespace ringdown::differential {
namespace {

// Cases that loop for ever are not run, if the reference knows them. One that loops only here is stopped
// after so much of the processor's time, which is looked at this often. That a case which translates every
// instruction anew, on a host with much else to do, must be far below the limit: reaching it is a failure.
constexpr uint64_t kTimeLimitNanoseconds = 60'000'000'000, kTickNanoseconds = 20'000'000;

uint64_t thread_time() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

void report_bug(int signal, const siginfo_t& info, const ucontext_t& host) {
  std::fprintf(stderr, "translated code: signal %d at %llx, address %p\n", signal,
               static_cast<unsigned long long>(host.uc_mcontext.gregs[REG_RIP]), info.si_addr);
}

}  // namespace

// What a Vcpu is, without a board.
class TranslatedExecutor::Machine final : public CpuBus, public HostFaultHandler {
 public:
  explicit Machine(UserCode user_code) {
    build_guest_tables(memory_);
    if (const auto refusal = native_.set_policy(user_code)) throw std::runtime_error(*refusal);
  }

  void run(const TestCase& test_case, Outcome& outcome) {
    if (test_case.endless) {
      outcome.status = Status::kTimedOut;
      return;
    }
    load(test_case);
    started_ = thread_time();
    timer_.arm(kTickNanoseconds);
    while (!is_over(test_case, state()) && !timed_out_) execute();
    timer_.disarm();
    read_end(test_case, state(), memory_, outcome);
    read_memory(memory_, outcome);
    if (!escaped_) return;
    outcome.status = Status::kCrashed;
    outcome.vector = kEscaped;
  }

  HostStepper& stepper() { return stepper_; }

 private:
  CpuState& state() { return context_->state; }

  void load(const TestCase& test_case) {
    load_initial_state(test_case, state());
    load_setting(test_case, state(), memory_);
    context_->interrupt_pending = test_case.setting.interrupt_pending;
    for (unsigned page = 0; page < kPageCount; ++page) load_page(page, test_case.memory[page]);
    mmu_.flush();
    tlb_flushed(TlbFlush::kAll);
    native_.returned();
    timed_out_ = false;
    escaped_ = false;
  }

  // Translated code is discarded when a page is written, but kept if the page is as it was.
  void load_page(unsigned page, const Page& contents) {
    const uint32_t physical = kFirstFrameAddress + page * kPageBytes;
    if (std::memcmp(memory_.ram() + physical, contents.data(), kPageBytes) != 0)
      memory_.write_bytes(physical, contents.data(), kPageBytes);
  }

  RunEnd run_translated() {
    struct Stepping {
      HostStepper& stepper;
      explicit Stepping(HostStepper& s) : stepper(s) { stepper.before_run(); }
      ~Stepping() { stepper.after_run(); }
    } stepping(stepper_);
    return translator_.run();
  }

  void execute() {
    if (state().interrupts_shadowed || !CodeMode::translatable(state())) return interpreter_.step();
    try {
      if (native_.takes()) return execute_natively();
      switch (run_translated()) {
        case RunEnd::kInterpret:
          return interpreter_.step();
        case RunEnd::kGuestFault:
          return deliver(translator_.pending_fault());
        case RunEnd::kKicked:
          return;
        case RunEnd::kUser:
          return native_.returned();
      }
    } catch (const Fault& fault) {
      deliver(fault);
    }
  }

  void execute_natively() {
    switch (native_.run(timed_out_)) {
      case NativeUser::End::kKicked:
      case NativeUser::End::kTranslate:
        return;
      case NativeUser::End::kFault:
        return deliver(native_.pending_fault());
      case NativeUser::End::kSingleStep:
        return interpreter_.deliver_exception(
            {.vector = Vector::kDebug, .has_error_code = false, .error_code = dr6::kSingleStep});
      case NativeUser::End::kSysenter:
        return sysenter(state());
      case NativeUser::End::kSegments:
        for (unsigned index = 0; index < native_.loaded_segments().size(); index++) {
          if (const auto selector = native_.loaded_segments()[index])
            load_segment(interpreter_, static_cast<SegmentIndex>(index), *selector);
        }
    }
  }

  void deliver(const Fault& fault) {
    state().system_flags |= eflags::kRf;
    interpreter_.deliver_exception(fault);
  }

  // CpuBus. User code without I/O privilege reaches no port.
  uint32_t read_port(uint16_t, unsigned) override { return 0xFFFFFFFF; }
  void write_port(uint16_t, unsigned, uint32_t) override {}
  uint64_t time_stamp_counter() override { return 0; }
  void set_time_stamp_counter(uint64_t) override {}
  void tlb_flushed(TlbFlush kind) override {
    shadow_.flush(kind);
    translator_.tlb_flushed(kind);
    native_.tlb_flushed();
  }
  void page_invalidated(uint32_t linear) override {
    shadow_.invalidate_page(linear);
    translator_.page_invalidated(linear);
    native_.page_invalidated(linear);
  }
  // HostFaultHandler
  bool on_fault(int signal, siginfo_t& info, ucontext_t& host) override {
    if (signal == SIGTRAP && stepper_.active()) {
      if (stepper_.on_trap(host)) translator_.kick(host);
      return true;
    }
    constexpr int64_t kPageFaultTrap = 14;
    const bool page_fault = signal == SIGSEGV && host.uc_mcontext.gregs[REG_TRAPNO] == kPageFaultTrap;
    const auto address = reinterpret_cast<uint64_t>(info.si_addr);
    if (page_fault && !shadow_.space_at(address) && !translator_.is_limit_probe(address)) escaped_ = true;
    return translator_.handle_host_fault(signal, info, host);
  }
  void on_kick(ucontext_t& host) override {
    timer_.arm(kTickNanoseconds);
    if (thread_time() - started_ < kTimeLimitNanoseconds) return;
    timed_out_ = true;
    translator_.kick(host);
    native_.preempt();
  }

  GuestRam ram_{kGuestRamBytes};
  PhysicalMemory memory_{ram_.bytes()};
  std::unique_ptr<TranslatorContext> context_ = std::make_unique<TranslatorContext>();
  CpuModel model_ = CpuModel::default_model();
  Mmu mmu_{state(), memory_};
  ShadowMmu shadow_{ram_.file(), memory_, state()};
  Interpreter interpreter_{state(), mmu_, *this, model_};
  Translator translator_{*context_, mmu_, shadow_, model_};
  HostClock clock_;
  NativeUser native_{ram_.file(), memory_, *context_, shadow_, translator_, model_, clock_};
  HostStepper stepper_{*context_};
  FaultSignals signals_{*this, report_bug};
  KickTimer timer_;
  uint64_t started_ = 0;
  volatile sig_atomic_t timed_out_ = false;
  volatile bool escaped_ = false;  // translated code reached for memory outside of the guest's spaces
};

TranslatedExecutor::TranslatedExecutor(UserCode user_code) : user_code_(user_code) {}
TranslatedExecutor::~TranslatedExecutor() = default;

void TranslatedExecutor::run_batch(std::span<const TestCase> cases, std::span<Outcome> outcomes) {
  kept_.reset();
  Machine machine(user_code_);
  for (size_t n = 0; n < cases.size(); ++n) machine.run(cases[n], outcomes[n]);
}

bool TranslatedExecutor::run_kicked(const TestCase& test_case, uint64_t step, Outcome& outcome) {
  if (!kept_) kept_ = std::make_unique<Machine>(user_code_);
  HostStepper& stepper = kept_->stepper();
  if (step != kNoKick) stepper.begin(step);
  kept_->run(test_case, outcome);
  const bool kicked = step != kNoKick && !stepper.active();
  stepper.end();
  return kicked;
}

uint64_t TranslatedExecutor::steps() const { return kept_->stepper().steps(); }

}  // namespace ringdown::differential

#include "tests/differential/host_stepper.h"

#include <cstring>
#include <utility>

#include "translator/callouts.h"

// Where a callout returns to instead: sets TF and returns to where it would have.
extern "C" {
void ringdown_resume_stepping();
uint64_t ringdown_callout_return;
}
asm(R"(
.text
ringdown_resume_stepping:
  push ringdown_callout_return(%rip)
  pushfq
  orq $0x100, (%rsp)
  popfq
  ret
)");

namespace ringdown::differential {
namespace {

// PUSHFQ would show TF to the guest: it is done here, as if TF were 0.
bool skip_push_flags(ucontext_t& host) {
  constexpr uint8_t kPushFlags = 0x9C;
  auto& gregs = host.uc_mcontext.gregs;
  if (*reinterpret_cast<const uint8_t*>(gregs[REG_RIP]) != kPushFlags) return false;
  constexpr int64_t kNotPushed = eflags::kTf | eflags::kRf | eflags::kVm;
  const int64_t image = gregs[REG_EFL] & ~kNotPushed;
  gregs[REG_RSP] -= sizeof(image);
  std::memcpy(reinterpret_cast<void*>(gregs[REG_RSP]), &image, sizeof(image));
  gregs[REG_RIP]++;
  return true;
}

bool is_callout(uint64_t rip) {
  for (size_t n = 0; n < kCallouts; n++)
    if (rip == reinterpret_cast<uint64_t>(callout_function(static_cast<Callout>(n)))) return true;
  return false;
}

// At the first instruction of a callout: C++ is not of interest, and long.
void run_callout_freely(ucontext_t& host) {
  auto& gregs = host.uc_mcontext.gregs;
  auto& return_address = *reinterpret_cast<uint64_t*>(gregs[REG_RSP]);
  ringdown_callout_return =
      std::exchange(return_address, reinterpret_cast<uint64_t>(ringdown_resume_stepping));
  gregs[REG_EFL] &= ~int64_t{eflags::kTf};
}

}  // namespace

void HostStepper::begin(uint64_t last_step) {
  last_step_ = last_step;
  steps_ = 0;
  active_ = true;
}

void HostStepper::end() { active_ = false; }

// The entry thunk loads the host's flags from there.
void HostStepper::before_run() {
  if (active_) context_.state.flags |= eflags::kTf;
}

bool HostStepper::on_trap(ucontext_t& host) {
  auto& gregs = host.uc_mcontext.gregs;
  // The guest's ESP and the stack of callouts are both below; the exit thunk has saved the flags by now.
  const bool in_monitor = static_cast<uint64_t>(gregs[REG_RSP]) > context_.host_stack;
  if (in_monitor) {
    gregs[REG_EFL] &= ~int64_t{eflags::kTf};
    before_run();  // it may enter again without coming back
    return false;
  }
  gregs[REG_EFL] |= eflags::kTf;  // POPFQ has cleared it
  do {
    if (steps_ == last_step_) return stop(host);
    steps_ = steps_ + 1;
  } while (skip_push_flags(host));
  if (is_callout(static_cast<uint64_t>(gregs[REG_RIP]))) run_callout_freely(host);
  return false;
}

bool HostStepper::stop(ucontext_t& host) {
  active_ = false;
  host.uc_mcontext.gregs[REG_EFL] &= ~int64_t{eflags::kTf};
  return true;
}

}  // namespace ringdown::differential

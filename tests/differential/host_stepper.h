#pragma once
#include <ucontext.h>

#include <cstdint>

#include "translator/context.h"

namespace ringdown::differential {

// Single-steps the host through translated code, its thunks and callouts (SDM vol. 3, 17.3.1.4), from entry
// to exit; the monitor's own code runs freely. What the guest sees of its flags is as without.
class HostStepper {
 public:
  explicit HostStepper(TranslatorContext& context) : context_(context) {}

  // Counts steps from 0 until the one at which on_trap() shall say so.
  void begin(uint64_t last_step);
  void end();
  bool active() const { return active_; }
  uint64_t steps() const { return steps_; }

  // Before and after Translator::run(), also if that throws.
  void before_run();
  void after_run() { context_.state.flags &= ~eflags::kTf; }
  // To be called on SIGTRAP while active(). True, once: the step asked for, where stepping ends.
  bool on_trap(ucontext_t& host);

 private:
  bool stop(ucontext_t& host);

  TranslatorContext& context_;
  bool volatile active_ = false;
  uint64_t volatile steps_ = 0;
  uint64_t last_step_ = 0;
};

}  // namespace ringdown::differential

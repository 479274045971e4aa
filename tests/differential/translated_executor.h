#pragma once
#include <cstdint>
#include <memory>

#include "native/user_code.h"
#include "tests/differential/executor.h"

namespace ringdown::differential {

// Runs cases as a virtual processor does: translated, and what translation declines on the interpreter. Of
// these there may be one at a time, because the host's signals go to it. A batch begins on a new machine,
// whose caches then live as long as the batch; a case alone has a new machine as well.
class TranslatedExecutor : public Executor {
 public:
  // kNative: user code runs in a sandbox.
  explicit TranslatedExecutor(UserCode user_code = UserCode::kTranslated);
  ~TranslatedExecutor() override;
  const char* name() const override {
    return user_code_ == UserCode::kTranslated ? "translated" : "sandboxed";
  }
  void run(const TestCase& test_case, Outcome& outcome) override {
    run_batch({&test_case, 1}, {&outcome, 1});
  }
  void run_batch(std::span<const TestCase> cases, std::span<Outcome> outcomes) override;

  // As run(), but the host is single-stepped through translated code, and at this step (from 0) the
  // translator is kicked. False: the case ended before. The machine is kept for the next call, and what it
  // has translated.
  bool run_kicked(const TestCase& test_case, uint64_t step, Outcome& outcome);
  static constexpr uint64_t kNoKick = ~uint64_t{0};  // no stepping either
  // How many steps the last run_kicked() made.
  uint64_t steps() const;

 private:
  class Machine;
  const UserCode user_code_;
  std::unique_ptr<Machine> kept_;
};

}  // namespace ringdown::differential

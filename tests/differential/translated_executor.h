#pragma once
#include <memory>

#include "tests/differential/executor.h"

namespace ringdown::differential {

// Runs cases as a virtual processor does: translated, and what translation declines on the interpreter. Of
// these there may be one at a time, because the host's signals go to it. A batch begins on a new machine,
// whose caches then live as long as the batch; a case alone has a new machine as well.
class TranslatedExecutor : public Executor {
 public:
  TranslatedExecutor();
  ~TranslatedExecutor() override;
  const char* name() const override { return "translated"; }
  void run(const TestCase& test_case, Outcome& outcome) override {
    run_batch({&test_case, 1}, {&outcome, 1});
  }
  void run_batch(std::span<const TestCase> cases, std::span<Outcome> outcomes) override;

 private:
  class Machine;
};

}  // namespace ringdown::differential

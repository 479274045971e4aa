#pragma once
#include <memory>

#include "tests/differential/executor.h"

namespace ringdown::differential {

// Runs cases on the interpreter, under 32-bit paging with tables of its own.
class InterpreterExecutor : public Executor {
 public:
  InterpreterExecutor();
  ~InterpreterExecutor() override;
  const char* name() const override { return "interpreter"; }
  void run(const TestCase& test_case, Outcome& outcome) override;

 private:
  struct Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace ringdown::differential

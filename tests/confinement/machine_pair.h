#pragma once
#include <initializer_list>
#include <memory>
#include <vector>

#include "tests/differential/interpreter_executor.h"
#include "tests/differential/program.h"
#include "tests/differential/translated_executor.h"

namespace ringdown {

// Runs small programs on the interpreter and translated, and compares all that they leave. A program that
// reaches for host memory outside of its guest's spaces differs by that alone.
class MachinePair {
 public:
  // A program of these bytes at `eip`; the state is plain but for what the caller then sets in `initial`.
  static differential::Program program(std::span<const uint8_t> code);

  // Adds a failure to the running test if the two differ. Programs that follow each other run on one machine.
  void compare(const differential::Program& program);
  // Compares what has been gathered since; to be called at the end.
  void finish();

  size_t compared() const { return compared_; }

 private:
  differential::InterpreterExecutor interpreter_;
  differential::TranslatedExecutor translated_;
  std::vector<differential::Program> programs_;
  size_t compared_ = 0;
};

}  // namespace ringdown

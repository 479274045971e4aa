#include "tests/differential/executors.h"

#include "tests/differential/interpreter_executor.h"
#include "tests/differential/translated_executor.h"

namespace ringdown::differential {

std::vector<std::unique_ptr<Executor>> our_executors() {
  std::vector<std::unique_ptr<Executor>> all;
  all.push_back(std::make_unique<InterpreterExecutor>());
  all.push_back(std::make_unique<TranslatedExecutor>());
  all.push_back(std::make_unique<TranslatedExecutor>(UserCode::kNative));
  return all;
}

}  // namespace ringdown::differential

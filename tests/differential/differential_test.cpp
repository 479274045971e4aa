#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "host-driver/counters.h"
#include "tests/differential/case_text.h"
#include "tests/differential/executors.h"
#include "tests/differential/interpreter_executor.h"
#include "tests/differential/native_executor.h"
#include "tests/differential/runner.h"
#include "tests/differential/translated_executor.h"

// Random sequences of user-level instructions, natively and by each of our executors, and those that once
// failed. RINGDOWN_SEED, RINGDOWN_FIRST, RINGDOWN_CASES and RINGDOWN_FAILURES (how many to show) steer it.
namespace ringdown::differential {
namespace {

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 0) : otherwise;
}

constexpr uint64_t kCases = 100'000;

RunOptions options_from_environment() {
  RunOptions options;
  options.seed = setting("RINGDOWN_SEED", 20260101);
  options.first = setting("RINGDOWN_FIRST", 0);
  options.count = setting("RINGDOWN_CASES", kCases);
  options.most_failures = static_cast<unsigned>(setting("RINGDOWN_FAILURES", 3));
  return options;
}

void compare_random(Executor& reference, std::span<const std::unique_ptr<Executor>> others,
                    const RunOptions& options) {
  std::printf("RINGDOWN_SEED=%llu\n", static_cast<unsigned long long>(options.seed));
  Statistics statistics;
  for (const Failure& failure : run_random(reference, others, options, statistics))
    ADD_FAILURE() << describe(failure, options);
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "%llu compared, %llu of them ended early, "
      "%llu inconclusive (%llu timed out, %llu unrepeated), %llu differ as allowed\n",
      number(statistics.compared), number(statistics.ended_early), number(statistics.inconclusive),
      number(statistics.timed_out), number(statistics.unrepeated),
      number(statistics.implementation_specific));
  // If many were given up, the comparison would mean little.
  EXPECT_LE(statistics.inconclusive + statistics.implementation_specific, statistics.compared / 100 + 1);
}

TEST(Differential, RandomSequences) {
  NativeExecutor native;
  const uint64_t entries_before = counters().native_entries;
  compare_random(native, our_executors(), options_from_environment());
  EXPECT_GE(counters().native_entries - entries_before, setting("RINGDOWN_CASES", kCases))
      << "the sandbox's executor has to run its cases there";
}

// What no host program can do is compared among ourselves.
TEST(Differential, Machines) {
  InterpreterExecutor interpreter;
  std::vector<std::unique_ptr<Executor>> others;
  others.push_back(std::make_unique<TranslatedExecutor>());
  others.push_back(std::make_unique<TranslatedExecutor>(UserCode::kNative));
  RunOptions options = options_from_environment();
  options.generate = generate_for_machines;
  options.test = "Differential.Machines";
  compare_random(interpreter, others, options);
}

TEST(Differential, Regressions) {
  std::ifstream file(RINGDOWN_REGRESSIONS);
  ASSERT_TRUE(file) << RINGDOWN_REGRESSIONS;
  const auto cases = parse_cases(file);
  ASSERT_FALSE(cases.empty());
  NativeExecutor native;
  InterpreterExecutor interpreter;
  const auto others = our_executors();
  for (const NamedCase& regression : cases)
    for (const auto& other : others) {
      const bool natively = regression.program.initial.setting.kind == Setting::kUserProgram;
      Executor& reference = natively ? static_cast<Executor&>(native) : interpreter;
      const Failure failure{0, other->name(), regression.program,
                            compare_once(reference, *other, regression.program)};
      EXPECT_TRUE(failure.differences.empty()) << regression.name << "\n" << describe(failure, {});
    }
}

}  // namespace
}  // namespace ringdown::differential

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>

#include "tests/differential/case_text.h"
#include "tests/differential/comparison.h"
#include "tests/differential/generator.h"
#include "tests/differential/interpreter_executor.h"
#include "tests/differential/random.h"
#include "tests/differential/translated_executor.h"

// A kick may come at any host instruction of translated code, and the guest must not notice. The same
// executor runs a case without a kick and with one; both must leave the same. RINGDOWN_SEED and
// RINGDOWN_CASES steer it.
namespace ringdown::differential {
namespace {

// Of long cases the beginning is enough: a step costs a host signal.
constexpr uint64_t kMostSteps = 2000;

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 0) : otherwise;
}

class Kicks : public testing::Test {
 protected:
  // False: the case says nothing.
  bool begin(const Program& program) {
    program.build(*case_);
    interpreter_.run(*case_, *interpreted_);
    if (is_inconclusive(*interpreted_, program)) return false;
    executor_.run_kicked(*case_, TranslatedExecutor::kNoKick, *expected_);
    return true;
  }

  void expect_as_interpreted(const std::string& name) {
    for (const std::string& difference : differences(*interpreted_, *expected_, 0))
      ADD_FAILURE() << name << ", without a kick: " << difference;
  }

  // False: the case ended before that step.
  bool kick_at(uint64_t step, const std::string& name) {
    const bool kicked = executor_.run_kicked(*case_, step, *actual_);
    for (const std::string& difference : differences(*expected_, *actual_, 0))
      ADD_FAILURE() << name << ", kicked at step " << step << ": " << difference;
    return kicked;
  }

  uint64_t count_steps() {
    executor_.run_kicked(*case_, kMostSteps, *actual_);
    return executor_.steps();
  }

 private:
  InterpreterExecutor interpreter_;
  TranslatedExecutor executor_;
  std::unique_ptr<TestCase> case_ = std::make_unique<TestCase>();
  std::unique_ptr<Outcome> interpreted_ = std::make_unique<Outcome>(),
                           expected_ = std::make_unique<Outcome>(), actual_ = std::make_unique<Outcome>();
};

TEST_F(Kicks, AtEveryHostInstruction) {
  std::ifstream file(RINGDOWN_KICK_CASES);
  ASSERT_TRUE(file) << RINGDOWN_KICK_CASES;
  const auto cases = parse_cases(file);
  ASSERT_FALSE(cases.empty());
  for (const NamedCase& c : cases) {
    ASSERT_TRUE(begin(c.program)) << c.name;
    expect_as_interpreted(c.name);
    uint64_t step = 0;
    while (kick_at(step, c.name) && !HasFailure()) ++step;
    EXPECT_GT(step, 10u) << c.name;
    EXPECT_LT(step, kMostSteps) << c.name;
    if (HasFailure()) return;
  }
}

TEST_F(Kicks, AtRandomInRandomSequences) {
  constexpr unsigned kKicksPerCase = 8;
  const uint64_t seed = setting("RINGDOWN_SEED", 20260101), count = setting("RINGDOWN_KICKED_CASES", 100);
  uint64_t kicked = 0;
  for (uint64_t n = 0; n < count && !HasFailure(); ++n) {
    if (!begin((n % 2 ? generate_for_machines : generate)(seed, n))) continue;
    Random random(~seed, n);
    const auto steps = static_cast<uint32_t>(count_steps());
    for (unsigned k = 0; k < kKicksPerCase && steps; ++k)
      kicked += kick_at(random.below(steps), "case " + std::to_string(n));
  }
  EXPECT_GT(kicked, count * kKicksPerCase / 4);
}

}  // namespace
}  // namespace ringdown::differential

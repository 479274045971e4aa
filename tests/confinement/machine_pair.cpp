#include "tests/confinement/machine_pair.h"

#include <gtest/gtest.h>

#include "tests/differential/initial_state.h"
#include "tests/differential/runner.h"

namespace ringdown {

using namespace differential;

namespace {

constexpr size_t kBatch = 256;

}  // namespace

Program MachinePair::program(std::span<const uint8_t> code) {
  Program program;
  plain_state(program.initial);
  program.initial.setting.kind = Setting::kUser;
  program.initial.eip = kPages[kCode0].address;
  program.units.resize(1);
  program.units[0].bytes.assign(code.begin(), code.end());
  return program;
}

void MachinePair::compare(const Program& program) {
  programs_.push_back(program);
  if (programs_.size() == kBatch) finish();
}

void MachinePair::finish() {
  const size_t count = programs_.size();
  std::vector<TestCase> cases(count);
  std::vector<Outcome> expected(count), actual(count);
  for (size_t n = 0; n < count; ++n) programs_[n].build(cases[n]);
  interpreter_.run_batch(cases, expected);
  for (size_t n = 0; n < count; ++n) cases[n].endless = expected[n].status == Status::kTimedOut;
  translated_.run_batch(cases, actual);
  for (size_t n = 0; n < count && !::testing::Test::HasFailure(); ++n) {
    if (agree(expected[n], actual[n], programs_[n]) ||
        is_implementation_specific(expected[n], actual[n], programs_[n]))
      continue;
    const Failure failure{compared_ + n, "translated", programs_[n], differences(expected[n], actual[n], 0)};
    ADD_FAILURE() << describe(failure, {});
  }
  compared_ += count;
  programs_.clear();
}

}  // namespace ringdown

// Every sensitive instruction, in ring 0 and ring 3: translated, interpreted, and interpreted as 16-bit code.
#include "tests/sensitive/cases.h"
#include "tests/sensitive/sensitive_fixture.h"

namespace ringdown::sensitive {
namespace {

using Parameters = std::tuple<Case, unsigned, Way>;

class SensitiveTest : public SensitiveFixture, public ::testing::WithParamInterface<Parameters> {};

TEST_P(SensitiveTest, DoesWhatTheManualSays) {
  const auto& [c, ring, way] = GetParam();
  run_case(c, ring, way);
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for_each_case([&](const Case& c) { all.push_back(c); });
  return all;
}

std::vector<Parameters> callouts() {
  std::vector<Parameters> all;
  for (const unsigned ring : {0u, 3u}) {
    for_each_case([&](const Case& c) {
      if (SensitiveTest::called_out(c, ring)) all.emplace_back(c, ring, Way::kCalledOut);
    });
  }
  return all;
}

std::string name_of(const ::testing::TestParamInfo<Parameters>& info) {
  const auto& [c, ring, way] = info.param;
  return std::string(c.name) + (ring ? "_ring3" : "_ring0") + (way == Way::kInterpreted16 ? "_16bit" : "");
}

// Translated code does not run under the sanitizers.
#ifndef __SANITIZE_ADDRESS__
INSTANTIATE_TEST_SUITE_P(Translated, SensitiveTest,
                         ::testing::Combine(::testing::ValuesIn(all_cases()), ::testing::Values(0u, 3u),
                                            ::testing::Values(Way::kTranslated)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(CalledOut, SensitiveTest, ::testing::ValuesIn(callouts()), name_of);
#endif
INSTANTIATE_TEST_SUITE_P(Interpreted, SensitiveTest,
                         ::testing::Combine(::testing::ValuesIn(all_cases()), ::testing::Values(0u, 3u),
                                            ::testing::Values(Way::kInterpreted, Way::kInterpreted16)),
                         name_of);

}  // namespace
}  // namespace ringdown::sensitive

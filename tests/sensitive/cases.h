#pragma once
#include "tests/sensitive/cases_events.h"
#include "tests/sensitive/cases_privileged.h"
#include "tests/sensitive/cases_silent.h"

namespace ringdown::sensitive {

template <class F>
constexpr void for_each_case(F f) {
  for (const Case& c : kSilentCases) f(c);
  for (const Case& c : kEventCases) f(c);
  for (const Case& c : kPrivilegedCases) f(c);
}

// The first line of sensitive.inc that has no case, or kSensitiveCount.
constexpr size_t first_without_case() {
  std::array<bool, kSensitiveCount> tested{};
  for_each_case([&](const Case& c) { tested[static_cast<size_t>(c.id)] = true; });
  size_t n = 0;
  while (n < kSensitiveCount && tested[n]) n++;
  return n;
}

// Says which in the compiler's error message.
template <size_t Row>
constexpr bool every_row_has_a_case() {
  static_assert(Row == kSensitiveCount,
                "the line `Row` of translator/sensitive.inc has no case in tests/sensitive");
  return true;
}
static_assert(every_row_has_a_case<first_without_case()>());

}  // namespace ringdown::sensitive

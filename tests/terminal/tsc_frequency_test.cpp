#include "host-driver/tsc_frequency.h"

#include <gtest/gtest.h>

namespace ringdown {
namespace {

TEST(TscFrequency, TwoMeasurementsAgree) {
  const TscFrequency first, second;
  const double a = first.measure_khz(), b = second.measure_khz();
  EXPECT_GT(a, 100'000);
  EXPECT_NEAR(a / b, 1, 0.001);
}

}  // namespace
}  // namespace ringdown

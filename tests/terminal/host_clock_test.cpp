#include "host-driver/host_clock.h"

#include <gtest/gtest.h>

#include "host-driver/tsc_timeline.h"

namespace ringdown {
namespace {

constexpr Nanoseconds kMillisecond = 1'000'000;

// A counter of 2.5 GHz.
TscReading at_2500_mhz(Nanoseconds time) { return {.tsc = 1000 + time * 5 / 2, .time = time}; }

TscTimeline calibrated() {
  TscTimeline timeline(at_2500_mhz(0));
  timeline.add(at_2500_mhz(20 * kMillisecond));
  return timeline;
}

TEST(TscTimeline, KnowsNothingBeforeTheSecondReading) {
  TscTimeline timeline(at_2500_mhz(0));
  EXPECT_FALSE(timeline.at(at_2500_mhz(kMillisecond).tsc));
  timeline.add(at_2500_mhz(TscTimeline::kLeastApart - 1));  // too early to tell the rate
  EXPECT_FALSE(timeline.at(at_2500_mhz(TscTimeline::kLeastApart).tsc));
}

TEST(TscTimeline, GoesByTheRateOfTheLastTwoReadings) {
  TscTimeline timeline = calibrated();
  EXPECT_NEAR(timeline.at(at_2500_mhz(70 * kMillisecond).tsc).value(), 70 * kMillisecond, 2);
  // Slewed by 400 parts in a million: 40 us more in the next 100 ms.
  timeline.add({.tsc = at_2500_mhz(120 * kMillisecond).tsc, .time = 120'040'000});
  EXPECT_NEAR(timeline.at(at_2500_mhz(170 * kMillisecond).tsc).value(), 170'060'000, 20);
}

TEST(TscTimeline, ReachesNoFurtherThanItSays) {
  const TscTimeline timeline = calibrated();
  const Nanoseconds end = 20 * kMillisecond + TscTimeline::kReach;
  EXPECT_TRUE(timeline.at(at_2500_mhz(end - 10).tsc));
  EXPECT_FALSE(timeline.at(at_2500_mhz(end + 10).tsc));
  EXPECT_FALSE(timeline.at(at_2500_mhz(19 * kMillisecond).tsc)) << "a counter that goes back";
}

TEST(TscTimeline, GivesUpACounterThatChangesItsRate) {
  TscTimeline timeline = calibrated();
  timeline.add(
      {.tsc = at_2500_mhz(220 * kMillisecond).tsc, .time = 120 * kMillisecond});  // suspended meanwhile
  EXPECT_FALSE(timeline.at(at_2500_mhz(220 * kMillisecond).tsc + 1));
  EXPECT_FALSE(timeline.is_trusted());
  timeline.add({.tsc = at_2500_mhz(320 * kMillisecond).tsc, .time = 220 * kMillisecond});
  EXPECT_FALSE(timeline.at(at_2500_mhz(320 * kMillisecond).tsc + 1));
}

TEST(TscTimeline, GivesUpACounterThatStandsStill) {
  TscTimeline timeline(at_2500_mhz(0));
  timeline.add({.tsc = at_2500_mhz(0).tsc, .time = 20 * kMillisecond});
  EXPECT_FALSE(timeline.at(at_2500_mhz(0).tsc));
}

// Read between two readings of the host's clock it is between them, up to what the rate of 100 ms before
// tells of the next.
TEST(HostClock, AgreesWithTheHosts) {
  constexpr Nanoseconds kTolerance = 100'000;
  const Nanoseconds first = monotonic_time();
  const HostClock clock;
  const Nanoseconds second = monotonic_time();
  Nanoseconds latest = 0;
  while (latest < 250 * kMillisecond) {
    const Nanoseconds before = monotonic_time(), time = clock.now(), after = monotonic_time();
    ASSERT_GE(time + kTolerance, before - second);
    ASSERT_LE(time, after - first + kTolerance);
    ASSERT_GE(time, latest);
    latest = time;
  }
}

TEST(HostClock, StandsStillWhilePaused) {
  HostClock clock;
  clock.pause();
  const Nanoseconds then = clock.now();
  const HostClock other;
  const Nanoseconds start = other.now();
  while (other.now() < start + 1'000'000) EXPECT_EQ(clock.now(), then);
  clock.pause();
  clock.resume();
  EXPECT_LT(clock.now() - then, other.now() - start);
  clock.resume();
  const Nanoseconds later = clock.now();
  while (clock.now() == later) {
  }
}

}  // namespace
}  // namespace ringdown

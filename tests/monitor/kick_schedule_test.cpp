#include "monitor/kick_schedule.h"

#include <gtest/gtest.h>

namespace ringdown {
namespace {

constexpr Nanoseconds kMillisecond = 1'000'000, kStart = 1'000 * kMillisecond, kTick = 4 * kMillisecond;
constexpr Nanoseconds kSlack = KickSchedule::kSlack;

// A guest that programs one deadline after another and sleeps until a kick, as Vcpu's loop does.
class KickScheduleTest : public ::testing::Test {
 protected:
  // Whether the timer had to be set for this deadline.
  bool program(Nanoseconds deadline) {
    if (schedule_.covers(deadline)) return false;
    setting_ = schedule_.set_for(deadline, now_);
    kick_ = now_ + setting_.first;
    return true;
  }
  void sleep(Nanoseconds next_event) {
    now_ = kick_;
    kick_ += setting_.period;
    schedule_.slept(now_, next_event);
  }
  // The timer then goes on by itself.
  void make_even() {
    for (unsigned n = 1; n <= 3; n++) {
      program(kStart + n * kTick);
      if (setting_.period) return;
      sleep(kStart + n * kTick);
    }
  }

  KickSchedule schedule_;
  Nanoseconds now_ = kStart, kick_ = 0;
  KickSchedule::Setting setting_{};
};

TEST_F(KickScheduleTest, CoversNothingAtFirst) {
  EXPECT_FALSE(schedule_.covers(kStart));
  EXPECT_TRUE(schedule_.covers(kNever));
}

TEST_F(KickScheduleTest, KicksOnceAtADeadline) {
  ASSERT_TRUE(program(kStart + kTick));
  EXPECT_EQ(setting_.first, kTick);
  EXPECT_EQ(setting_.period, 0);
  EXPECT_TRUE(schedule_.covers(kStart + kTick));
  EXPECT_TRUE(schedule_.covers(kStart + 2 * kTick)) << "a kick that is too early does no harm";
  EXPECT_FALSE(schedule_.covers(kStart + kTick - 1));
}

TEST_F(KickScheduleTest, KicksAtOnceForADeadlineThatHasPassed) {
  ASSERT_TRUE(program(kStart - 1));
  EXPECT_EQ(setting_.first, 1);
}

TEST_F(KickScheduleTest, IsNotSetForNever) {
  program(kStart + kTick);
  const auto setting = schedule_.set_for(kNever, now_);
  EXPECT_EQ(setting.first, kNever);
}

TEST_F(KickScheduleTest, GoesOnByItselfForEvenTicks) {
  make_even();
  EXPECT_EQ(setting_.period, kTick);
  EXPECT_EQ(kick_, kStart + 3 * kTick + kSlack / 2) << "in the middle of what is allowed";
  for (unsigned n = 3; n < 100; n++) {
    EXPECT_FALSE(program(kStart + n * kTick)) << n;
    sleep(kStart + n * kTick);
    EXPECT_LE(now_, kStart + n * kTick + kSlack);
  }
}

// No two ticks are quite as far apart: what one distance gets wrong adds up.
TEST_F(KickScheduleTest, IsSetAgainWhenTheTicksDriftAndLearnsTheirDistanceBetter) {
  unsigned set = 0, sleeps = 0;
  for (unsigned n = 1; n <= 5000; n++) {
    const Nanoseconds jitter = n * 7919 % 11 * 1'000;
    const Nanoseconds deadline = kStart + n * kTick + jitter;
    do {
      set += program(deadline);
      sleep(deadline);
      sleeps++;
    } while (now_ < deadline);
    ASSERT_LE(now_, deadline + kSlack) << n;
  }
  EXPECT_LT(set, 10);
  EXPECT_LT(sleeps, 5010);
}

TEST_F(KickScheduleTest, IsSetForADeadlineThatComesBeforeItsTime) {
  make_even();
  EXPECT_FALSE(schedule_.covers(kick_ - kSlack - 1));
  EXPECT_TRUE(schedule_.covers(kick_ - kSlack));
}

TEST_F(KickScheduleTest, DoesNotGoOnForUnevenTicks) {
  Nanoseconds deadline = kStart;
  for (unsigned n = 0; n < 20; n++) {
    deadline += kTick + (n % 2) * kSlack;
    ASSERT_TRUE(program(deadline)) << n;
    EXPECT_EQ(setting_.period, 0);
    sleep(deadline);
  }
}

TEST_F(KickScheduleTest, DoesNotGoOnForTicksThatAreTooNear) {
  for (unsigned n = 1; n < 20; n++) {
    program(kStart + n * 2 * kSlack);
    EXPECT_EQ(setting_.period, 0);
    sleep(kStart + n * 2 * kSlack);
  }
}

TEST_F(KickScheduleTest, DoesNotTakeAWakeByAnotherThreadForAKick) {
  make_even();
  schedule_.slept(kick_ - kMillisecond, kStart + 3 * kTick);
  EXPECT_TRUE(schedule_.covers(kStart + 3 * kTick));
}

TEST_F(KickScheduleTest, HasToBeSetWhenTheTicksHaveEnded) {
  make_even();
  sleep(kNever);
  EXPECT_FALSE(schedule_.covers(kNever)) << "the timer goes on for nothing";
}

TEST_F(KickScheduleTest, CoversNothingWhenItIsLost) {
  make_even();
  schedule_.lost();
  EXPECT_FALSE(schedule_.covers(kNever));
  ASSERT_TRUE(program(kStart + 10 * kTick));
  EXPECT_EQ(kick_, kStart + 10 * kTick);
}

}  // namespace
}  // namespace ringdown

#include "vdevices/civil_date.h"

#include <gtest/gtest.h>

#include <ctime>

namespace ringdown {
namespace {

// The C library is the oracle.
TEST(CivilDateTest, AgreesWithTheCLibrary) {
  for (int64_t days = -100000; days < 400000; days += 37) {
    const time_t seconds = days * 86400;
    std::tm tm{};
    gmtime_r(&seconds, &tm);
    const CivilDate date = civil_from_days(days);
    ASSERT_EQ(date.year, tm.tm_year + 1900) << days;
    ASSERT_EQ(static_cast<int>(date.month), tm.tm_mon + 1) << days;
    ASSERT_EQ(static_cast<int>(date.day), tm.tm_mday) << days;
    ASSERT_EQ(days_from_civil(date), days);
  }
}

TEST(CivilDateTest, DaysPastTheEndOfTheMonthCountOn) {
  EXPECT_EQ(days_from_civil({2023, 2, 31}), days_from_civil({2023, 3, 3}));
}

}  // namespace
}  // namespace ringdown

#include "native/stays.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace ringdown {
namespace {

constexpr uint32_t kOne = 0x1000, kOther = 0x2000;

// Goes native and stays so for as long as each of these, one after another.
void stay(Stays& stays, std::initializer_list<Nanoseconds> times) {
  for (const Nanoseconds time : times) {
    stays.begin(kOne);
    stays.add(kOne, time);
  }
}

TEST(Stays, AtFirstTheyAreExpectedToBeLong) { EXPECT_TRUE(Stays().are_long()); }

TEST(Stays, TheLastOneIsJudgedWhenTheNextOneBegins) {
  Stays stays;
  stay(stays, {0, 0});
  EXPECT_TRUE(stays.are_long()) << "before the first one nothing was short";
  stay(stays, {0});
  EXPECT_FALSE(stays.are_long());
}

TEST(Stays, OneAmongLongOnesMakesNoDifference) {
  Stays stays;
  stay(stays, {Stays::kShort, Stays::kShort, 0, Stays::kShort, 0, Stays::kShort, Stays::kShort});
  EXPECT_TRUE(stays.are_long());
}

TEST(Stays, HoweverManyWereLongTwoShortOnesAreEnough) {
  Stays stays;
  for (int n = 0; n < 10; ++n) stay(stays, {Stays::kShort});
  stay(stays, {0, 0, 0});
  EXPECT_FALSE(stays.are_long());
}

TEST(Stays, AsManyLongOnesAsItTakesRestoreTrust) {
  Stays stays;
  stay(stays, {0, 0, 0, 0, 0, 0, Stays::kShort, Stays::kShort});
  EXPECT_FALSE(stays.are_long());
  stay(stays, {Stays::kShort});
  EXPECT_TRUE(stays.are_long());
}

TEST(Stays, TimeOfOthersDoesNotCount) {
  Stays stays;
  for (int n = 0; n < 4; ++n) {
    stays.begin(kOne);
    stays.add(kOther, Stays::kShort);
  }
  EXPECT_FALSE(stays.are_long());
}

TEST(Stays, TimeAddsUp) {
  Stays stays;
  for (int n = 0; n < 4; ++n) {
    stays.begin(kOne);
    stays.add(kOne, Stays::kShort / 2);
    stays.add(kOne, Stays::kShort / 2);
  }
  EXPECT_TRUE(stays.are_long());
}

}  // namespace
}  // namespace ringdown

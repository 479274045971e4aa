#include "native/conduct.h"

#include <gtest/gtest.h>

namespace ringdown {
namespace {

constexpr Nanoseconds kTick = 4'000'000;
constexpr unsigned kEnough = 64;

// How many stretches of computing it takes to go native.
unsigned stretches_to_go_native(Conduct& conduct) {
  for (unsigned n = 1; n < 1000; ++n)
    if (conduct.note_translated(kTick, 0)) return n;
  return 0;
}

// Traps at this distance until it is taken back; `kEnough` if it is not.
unsigned traps_to_come_back(Conduct& conduct, Nanoseconds distance) {
  for (unsigned n = 1; n < kEnough; ++n)
    if (conduct.note_native(distance, true)) return n;
  return kEnough;
}

TEST(Conduct, WhatComputesGoesNativeAtOnce) {
  Conduct conduct;
  EXPECT_TRUE(conduct.note_translated(kTick, 0));
}

TEST(Conduct, WhatEntersTheKernelOftenStaysTranslated) {
  Conduct conduct;
  for (int n = 0; n < 100; ++n)
    EXPECT_FALSE(conduct.note_translated(kTick, kTick / Conduct::kWorthwhile + 1));
  EXPECT_TRUE(conduct.note_translated(kTick, kTick / Conduct::kWorthwhile));
}

TEST(Conduct, WhatTrapsSeldomStaysNative) {
  Conduct conduct;
  stretches_to_go_native(conduct);
  EXPECT_EQ(traps_to_come_back(conduct, Conduct::kWorthwhile), kEnough);
}

TEST(Conduct, WhatTrapsOftenComesBack) {
  Conduct conduct;
  stretches_to_go_native(conduct);
  EXPECT_EQ(traps_to_come_back(conduct, Conduct::kWorthwhile - 1), 16u);
}

TEST(Conduct, TimeUntilAnInterruptCountsAndIsNoTrap) {
  Conduct conduct;
  stretches_to_go_native(conduct);
  for (unsigned n = 0; n < kEnough; ++n) {
    EXPECT_FALSE(conduct.note_native(Conduct::kWorthwhile, false));
    EXPECT_FALSE(conduct.note_native(1, true));
  }
}

TEST(Conduct, TheFirstReturnsAreForgivenEachLaterOneMakesItHarderUpToALimit) {
  Conduct conduct;
  for (const unsigned wanted : {1, 1, 1, 2, 4, 8, 16, 32, 64, 64, 64}) {
    EXPECT_EQ(stretches_to_go_native(conduct), wanted);
    traps_to_come_back(conduct, 0);
  }
}

TEST(Conduct, AReturnAfterLongIsForgivenAndAllBefore) {
  Conduct conduct;
  for (int n = 0; n < 5; ++n) {
    stretches_to_go_native(conduct);
    traps_to_come_back(conduct, 0);
  }
  EXPECT_EQ(stretches_to_go_native(conduct), 8u);
  EXPECT_FALSE(conduct.note_native(50'000'000, false));
  for (int n = 0; n < 16; ++n) EXPECT_FALSE(conduct.note_native(0, true));
  for (int n = 0; n < 15; ++n) EXPECT_FALSE(conduct.note_native(0, true));
  EXPECT_TRUE(conduct.note_native(0, true));
  EXPECT_EQ(stretches_to_go_native(conduct), 1u);
}

TEST(Conduct, StretchesOfComputingHaveToFollowEachOther) {
  Conduct conduct;
  for (int n = 0; n < 3; ++n) {
    stretches_to_go_native(conduct);
    traps_to_come_back(conduct, 0);
  }
  EXPECT_FALSE(conduct.note_translated(kTick, 0));
  EXPECT_FALSE(conduct.note_translated(kTick, 1000));
  EXPECT_FALSE(conduct.note_translated(kTick, 0));
  EXPECT_TRUE(conduct.note_translated(kTick, 0));
}

}  // namespace
}  // namespace ringdown

#include "native/conduct.h"

#include <gtest/gtest.h>

namespace ringdown {
namespace {

constexpr bool kTranslated = false, kNative = true;
constexpr Nanoseconds kTick = 4'000'000;
constexpr unsigned kNever = 1000;

// A stretch of a tick, with so much time from one entry of the kernel to the next.
Conduct::Stretch with_entries_each(Nanoseconds distance, uint64_t instructions_translated = 0) {
  return {.elapsed = kTick,
          .kernel_entries = static_cast<uint64_t>(kTick / distance),
          .instructions_translated = instructions_translated};
}
constexpr Conduct::Stretch kComputing{.elapsed = kTick, .kernel_entries = 0, .instructions_translated = 0};
const Conduct::Stretch kOften = with_entries_each(Conduct::kPossible - 1000);
const Conduct::Stretch kSometimes = with_entries_each(Conduct::kWorthwhile / 2);
const Conduct::Stretch kSeldom = with_entries_each(Conduct::kWorthwhile);
// What a trial takes to be judged: the first stretch settles.
constexpr unsigned kTrial = 1 + 4;

// How many stretches it takes until it is to be the other way; kNever if it is not.
unsigned stretches_until_change(Conduct& conduct, bool native, const Conduct::Stretch& stretch) {
  for (unsigned n = 1; n < kNever; ++n)
    if (conduct.note(native, stretch, Conduct::kWindow) != native) return n;
  return kNever;
}

TEST(Conduct, WhatComputesGoesNativeAtOnce) {
  Conduct conduct;
  EXPECT_TRUE(conduct.note(kTranslated, kComputing, Conduct::kWindow));
}

TEST(Conduct, WhatEntersTheKernelSeldomGoesNativeAfterTwoWindows) {
  Conduct conduct;
  EXPECT_EQ(stretches_until_change(conduct, kTranslated, kSeldom), 2u);
  EXPECT_EQ(stretches_until_change(conduct, kNative, kSeldom), kNever);
}

TEST(Conduct, WhatEntersTheKernelOftenStaysTranslated) {
  Conduct conduct;
  EXPECT_EQ(stretches_until_change(conduct, kTranslated, kOften), kNever);
}

TEST(Conduct, ShortStretchesAddUp) {
  Conduct conduct;
  const Conduct::Stretch quarter{.elapsed = 1'000'000, .kernel_entries = 0, .instructions_translated = 0};
  EXPECT_EQ(stretches_until_change(conduct, kTranslated, quarter), 3u);
}

TEST(Conduct, AQuietMillisecondIsEnoughWhereNativeCodeStays) {
  constexpr Conduct::Stretch kStart{.elapsed = 1'000'000, .kernel_entries = 40, .instructions_translated = 0};
  constexpr Conduct::Stretch kQuietMillisecond{
      .elapsed = 1'000'000, .kernel_entries = 0, .instructions_translated = 0};
  for (const Nanoseconds quiet : {Conduct::kWindow, Conduct::kQuiet}) {
    Conduct conduct;
    EXPECT_FALSE(conduct.note(kTranslated, kStart, quiet));
    EXPECT_EQ(conduct.note(kTranslated, kQuietMillisecond, quiet), quiet == Conduct::kQuiet);
  }
}

TEST(Conduct, WhatIsInBetweenIsTriedAfterSomeTime) {
  Conduct conduct;
  EXPECT_EQ(stretches_until_change(conduct, kTranslated, kSometimes), 10u);
}

const auto kTranslating = with_entries_each(Conduct::kWorthwhile / 2, 5000);

TEST(Conduct, WhatKeepsTranslatingIsTriedSoon) {
  Conduct conduct;
  EXPECT_EQ(stretches_until_change(conduct, kTranslated, kTranslating), 3u);
}

TEST(Conduct, WhatStartsUpStaysTranslated) {
  Conduct conduct;
  for (int n = 0; n < 4; ++n) {
    EXPECT_FALSE(conduct.note(kTranslated, kTranslating, Conduct::kWindow));
    EXPECT_FALSE(conduct.note(kTranslated, kTranslating, Conduct::kWindow));
    EXPECT_FALSE(conduct.note(kTranslated, kOften, Conduct::kWindow));
  }
}

TEST(Conduct, ATrialThatIsFasterIsKeptUntilItIsTimeToAskAgain) {
  Conduct conduct;
  stretches_until_change(conduct, kTranslated, kSometimes);
  const auto faster = with_entries_each(Conduct::kWorthwhile / 4);
  EXPECT_EQ(stretches_until_change(conduct, kNative, faster), 65u) << "the first settles";
  EXPECT_EQ(stretches_until_change(conduct, kTranslated, kSometimes), 1u);
}

// Programs go on from one thing to another: one slower window among faster ones says nothing.
TEST(Conduct, WindowsOfATrialAreJudgedTogether) {
  Conduct conduct;
  stretches_until_change(conduct, kTranslated, kSometimes);
  const auto faster = with_entries_each(Conduct::kWorthwhile / 4);
  const auto slower = with_entries_each(Conduct::kWorthwhile * 3 / 4);
  EXPECT_TRUE(conduct.note(kNative, faster, Conduct::kWindow)) << "settles";
  for (int n = 0; n < 8; ++n) EXPECT_TRUE(conduct.note(kNative, n % 4 ? faster : slower, Conduct::kWindow));
}

TEST(Conduct, ATrialIsComparedWithTheAverageOfWhatWasBefore) {
  Conduct conduct;
  const auto more = with_entries_each(Conduct::kWorthwhile / 4);
  for (int n = 0; n < 9; ++n) EXPECT_FALSE(conduct.note(kTranslated, kSometimes, Conduct::kWindow));
  EXPECT_TRUE(conduct.note(kTranslated, more, Conduct::kWindow)) << "its last window alone was faster";
  const auto between = with_entries_each(Conduct::kWorthwhile * 3 / 8);
  EXPECT_GT(stretches_until_change(conduct, kNative, between), kTrial);
}

// It does something else than before, and each time costs a hand-off.
TEST(Conduct, ATrialInWhichEntriesComeTooOftenEnds) {
  Conduct conduct;
  stretches_until_change(conduct, kTranslated, kSometimes);
  EXPECT_EQ(stretches_until_change(conduct, kNative, kOften), kTrial);
}

TEST(Conduct, ATrialThatIsSlowerEndsAndEachMakesTheNextOneLater) {
  Conduct conduct;
  const auto slower = with_entries_each(Conduct::kWorthwhile * 3 / 4);
  for (const unsigned wanted : {10, 20, 40, 80, 160, 320, 640, 640}) {
    EXPECT_EQ(stretches_until_change(conduct, kTranslated, kSometimes), wanted);
    EXPECT_EQ(stretches_until_change(conduct, kNative, slower), kTrial);
  }
}

// As on a host where others wait for the processor: each hand-off takes longer than what it is for.
TEST(Conduct, ATrialThatBecomesSoSlowThatItSeemsToComputeEndsAtOnce) {
  Conduct conduct;
  stretches_until_change(conduct, kTranslated, kSometimes);
  const auto computing = with_entries_each(Conduct::kWorthwhile * 2);
  EXPECT_EQ(stretches_until_change(conduct, kNative, computing), 2u) << "the first settles";
}

TEST(Conduct, ATrialInWhichItBeginsToComputeGoesOn) {
  Conduct conduct;
  stretches_until_change(conduct, kTranslated, kSometimes);
  EXPECT_EQ(stretches_until_change(conduct, kNative, kComputing), kNever);
}

TEST(Conduct, ANativeWindowIsOverAfterSomeEntries) {
  Conduct conduct;
  stretches_until_change(conduct, kTranslated, kComputing);
  const Conduct::Stretch trap{.elapsed = 10'000, .kernel_entries = 1, .instructions_translated = 0};
  EXPECT_EQ(stretches_until_change(conduct, kNative, trap), 32u);
}

TEST(Conduct, WhatSoonCeasesToComputeHasToComputeLongerEachTimeUpToALimit) {
  Conduct conduct;
  for (const unsigned wanted : {1, 2, 4, 8, 16, 32, 64, 64}) {
    EXPECT_EQ(stretches_until_change(conduct, kTranslated, kComputing), wanted);
    EXPECT_EQ(stretches_until_change(conduct, kNative, kOften), 1u);
  }
}

TEST(Conduct, WhatHasComputedForLongBeginsAnew) {
  Conduct conduct;
  for (int n = 0; n < 5; ++n) {
    stretches_until_change(conduct, kTranslated, kComputing);
    stretches_until_change(conduct, kNative, kOften);
  }
  EXPECT_EQ(stretches_until_change(conduct, kTranslated, kComputing), 32u);
  for (int n = 0; n < 13; ++n) EXPECT_TRUE(conduct.note(kNative, kComputing, Conduct::kWindow));
  EXPECT_FALSE(conduct.note(kNative, kOften, Conduct::kWindow));
  EXPECT_EQ(stretches_until_change(conduct, kTranslated, kComputing), 1u);
}

TEST(Conduct, WindowsOfComputingHaveToFollowEachOther) {
  Conduct conduct;
  EXPECT_FALSE(conduct.note(kTranslated, kSeldom, Conduct::kWindow));
  EXPECT_FALSE(conduct.note(kTranslated, kOften, Conduct::kWindow));
  EXPECT_FALSE(conduct.note(kTranslated, kSeldom, Conduct::kWindow));
  EXPECT_TRUE(conduct.note(kTranslated, kSeldom, Conduct::kWindow));
}

// It computed translated, but only because each instruction had to be translated first.
TEST(Conduct, WhatWasBusyBeingTranslatedIsComparedAllTheSame) {
  Conduct conduct;
  const auto translating = with_entries_each(Conduct::kWorthwhile * 2, 5000);
  EXPECT_EQ(stretches_until_change(conduct, kTranslated, translating), 3u);
  EXPECT_EQ(stretches_until_change(conduct, kNative, kSometimes), 65u);
}

}  // namespace
}  // namespace ringdown

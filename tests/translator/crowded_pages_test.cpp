#include "translator/crowded_pages.h"

#include <gtest/gtest.h>

namespace ringdown {
namespace {

using Advice = CrowdedPages::Advice;

constexpr uint32_t kPage = 0x12345;
constexpr bool kRead = false;

// That of the last time.
Advice enter_often(CrowdedPages& crowd, uint32_t page, unsigned times, bool displaces, bool is_mapped) {
  Advice advice{};
  for (unsigned n = 0; n < times; ++n)
    advice = crowd.enter(page, kRead, displaces, [&] { return is_mapped; });
  return advice;
}

Advice return_unmapped(CrowdedPages& crowd, uint32_t page, unsigned times = 1) {
  return enter_often(crowd, page, times, true, false);
}
Advice return_mapped(CrowdedPages& crowd, uint32_t page, unsigned times = 1) {
  return enter_often(crowd, page, times, true, true);
}

TEST(CrowdedPages, APageIsMappedWhenItHasComeBackOften) {
  CrowdedPages crowd;
  EXPECT_EQ(return_unmapped(crowd, kPage, 1 + CrowdedPages::kWorthMapping - 1), Advice::kGoOn);
  EXPECT_EQ(return_unmapped(crowd, kPage), Advice::kMap);
  EXPECT_EQ(return_unmapped(crowd, kPage), Advice::kGoOn);
}

TEST(CrowdedPages, AnAccessIsCheckedNoMoreWhenItsPagesAreMapped) {
  CrowdedPages crowd;
  EXPECT_EQ(return_mapped(crowd, kPage, 1 + CrowdedPages::kWorthChange - 1), Advice::kGoOn);
  EXPECT_EQ(return_mapped(crowd, kPage), Advice::kStopChecking);
  EXPECT_EQ(return_mapped(crowd, kPage), Advice::kGoOn);
}

TEST(CrowdedPages, WhatIsNotMappedSpeaksAgainstIt) {
  CrowdedPages crowd;
  return_mapped(crowd, kPage, 1 + CrowdedPages::kWorthChange - 1);
  return_unmapped(crowd, kPage);
  EXPECT_EQ(return_mapped(crowd, kPage, CrowdedPages::kUnmapped), Advice::kGoOn);
  EXPECT_EQ(return_mapped(crowd, kPage), Advice::kStopChecking);
}

// Each of these comes back too seldom to be mapped.
TEST(CrowdedPages, AmongTooManyPagesAnAccessIsCheckedNoMore) {
  constexpr uint32_t kPages = 2048;
  constexpr unsigned kRounds = CrowdedPages::kTooMany / kPages;
  static_assert(kRounds < CrowdedPages::kWorthMapping);
  CrowdedPages crowd;
  for (uint32_t page = 0; page < kPages; ++page) return_unmapped(crowd, page);
  for (unsigned n = 1; n < kPages * kRounds; ++n)
    ASSERT_EQ(return_unmapped(crowd, n % kPages), Advice::kGoOn) << n;
  EXPECT_EQ(return_unmapped(crowd, 0), Advice::kStopChecking);
  EXPECT_EQ(return_unmapped(crowd, 1), Advice::kGoOn);
}

TEST(CrowdedPages, WithRoomForItAPageIsNotOfACrowd) {
  CrowdedPages crowd;
  for (const bool is_mapped : {false, true})
    EXPECT_EQ(enter_often(crowd, kPage, 5 * CrowdedPages::kWorthChange, false, is_mapped), Advice::kGoOn);
}

TEST(CrowdedPages, FreshPagesAreNoReturns) {
  CrowdedPages crowd;
  for (uint32_t page = 0; page < 5 * CrowdedPages::kWorthChange; ++page)
    EXPECT_EQ(return_mapped(crowd, page), Advice::kGoOn);
}

TEST(CrowdedPages, ToReadAndToWriteAreTwoThings) {
  CrowdedPages crowd;
  for (unsigned n = 0; n < CrowdedPages::kWorthMapping; ++n)
    for (const bool write : {false, true})
      EXPECT_EQ(crowd.enter(kPage, write, true, [] { return false; }), Advice::kGoOn);
  for (const bool write : {false, true})
    EXPECT_EQ(crowd.enter(kPage, write, true, [] { return false; }), Advice::kMap);
}

TEST(CrowdedPages, AfterAFlushOrAnInvalidationNothingIsAReturn) {
  CrowdedPages crowd;
  return_unmapped(crowd, kPage, CrowdedPages::kWorthMapping);
  crowd.flush();
  EXPECT_EQ(return_unmapped(crowd, kPage, CrowdedPages::kWorthMapping), Advice::kGoOn);
  crowd.invalidate(kPage);
  EXPECT_EQ(return_unmapped(crowd, kPage, CrowdedPages::kWorthMapping), Advice::kGoOn);
  EXPECT_EQ(return_unmapped(crowd, kPage), Advice::kMap);
}

}  // namespace
}  // namespace ringdown

#include "native/looks.h"

#include <gtest/gtest.h>

namespace ringdown {
namespace {

constexpr Nanoseconds kNow = 1'000'000'000;

bool looks_at_new_space(Looks& looks) {
  looks.enter_space(true);
  return looks.next(kNow) != kNever;
}

TEST(Looks, ANewAddressSpaceIsLookedAtEachMillisecondForSomeTime) {
  Looks looks;
  EXPECT_EQ(looks.next(kNow), kNever);
  looks.enter_space(true);
  for (unsigned n = 0; n < Looks::kLooks; ++n) {
    EXPECT_EQ(looks.next(kNow), kNow + 1'000'000);
    looks.looked(true);
  }
  EXPECT_EQ(looks.next(kNow), kNever);
}

TEST(Looks, OnceItIsDecidedThereIsNoMore) {
  Looks looks;
  looks.enter_space(true);
  looks.looked(false);
  EXPECT_EQ(looks.next(kNow), kNever);
}

TEST(Looks, AKnownAddressSpaceIsNotLookedAt) {
  Looks looks;
  looks.enter_space(true);
  looks.enter_space(false);
  EXPECT_EQ(looks.next(kNow), kNever);
}

// A shell's forks: 1, 3, 7 and so on up to 63 are not waited for between two that are.
TEST(Looks, WhereNewOnesAreGoneBeforeTheirFirstLookMoreAndMoreAreLeftOut) {
  Looks looks;
  for (const int left_out : {0, 1, 3, 7, 15, 31, 63, 63}) {
    for (int n = 0; n < left_out; ++n) EXPECT_FALSE(looks_at_new_space(looks)) << n << " of " << left_out;
    EXPECT_TRUE(looks_at_new_space(looks)) << left_out;
  }
}

TEST(Looks, OneThatLivesToBeLookedAtEndsThat) {
  Looks looks;
  EXPECT_TRUE(looks_at_new_space(looks));
  EXPECT_FALSE(looks_at_new_space(looks));
  EXPECT_TRUE(looks_at_new_space(looks));
  looks.looked(true);
  EXPECT_TRUE(looks_at_new_space(looks));
}

}  // namespace
}  // namespace ringdown

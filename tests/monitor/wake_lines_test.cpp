#include "monitor/wake_lines.h"

#include <gtest/gtest.h>

#include "host-driver/guest_ram.h"

namespace ringdown {
namespace {

using Lines = std::vector<uint32_t>;

class WakeLinesTest : public ::testing::Test {
 protected:
  // One wake of `instructions` that accesses these bytes.
  void wake(std::initializer_list<uint32_t> addresses, unsigned instructions = 1) {
    for (unsigned n = 0; n < instructions && lines_.learning(); n++) lines_.note_instruction();
    for (const uint32_t address : addresses) mmu_.write<uint8_t>(address, 1, /*user=*/false);
    lines_.wait();
  }
  void begin() {
    lines_.learn();
    lines_.wait();
  }

  GuestRam ram_{1 << 20};
  PhysicalMemory memory_{ram_.bytes()};
  CpuState state_{};
  Mmu mmu_{state_, memory_};
  WakeLines lines_{mmu_};
};

TEST_F(WakeLinesTest, KeepsWhatMostWakesTouch) {
  begin();
  for (unsigned n = 0; n < 5; n++) {
    ASSERT_TRUE(lines_.learning());
    wake({0x1000, 0x103F, 0x5040 + 0x100 * n});
  }
  EXPECT_FALSE(lines_.learning());
  EXPECT_EQ(lines_.lines(), Lines{0x1000});
}

TEST_F(WakeLinesTest, CountsALineOnceForAWake) {
  begin();
  wake({0x2000, 0x2004, 0x2008});
  for (unsigned n = 0; n < 4; n++) wake({});
  EXPECT_EQ(lines_.lines(), Lines{});
}

TEST_F(WakeLinesTest, LeavesOutCodeAndWhatIsTheUsers) {
  begin();
  for (unsigned n = 0; n < 5; n++) {
    uint8_t byte;
    mmu_.fetch(0x3000, &byte, 1, /*user=*/false);
    mmu_.read<uint8_t>(0x4000, /*user=*/true);
    wake({});
  }
  EXPECT_EQ(lines_.lines(), Lines{});
}

TEST_F(WakeLinesTest, TakesNoSampleOfWhatRanBeforeTheFirstWait) {
  lines_.learn();
  wake({0x6000});
  for (unsigned n = 0; n < 5; n++) wake({0x7000});
  EXPECT_EQ(lines_.lines(), Lines{0x7000});
}

TEST_F(WakeLinesTest, KeepsWhatItKnowsWhenAWakeIsTooLong) {
  begin();
  for (unsigned n = 0; n < 5; n++) wake({0x1000});
  begin();
  wake({0x2000});
  wake({0x2000}, 30'001);
  EXPECT_FALSE(lines_.learning());
  EXPECT_EQ(lines_.lines(), Lines{0x1000});
}

TEST_F(WakeLinesTest, LearnsAnew) {
  begin();
  for (unsigned n = 0; n < 5; n++) wake({0x1000});
  begin();
  for (unsigned n = 0; n < 5; n++) wake({0x2000});
  EXPECT_EQ(lines_.lines(), Lines{0x2000});
}

}  // namespace
}  // namespace ringdown

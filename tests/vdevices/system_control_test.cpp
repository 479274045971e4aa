#include "vdevices/system_control.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/vdevices/edge_counter.h"
#include "tests/vdevices/fake_clock.h"

namespace ringdown {
namespace {

struct PortBTest : ::testing::Test {
  testing::FakeClock clock;
  testing::EdgeCounter irq0;
  I8254 pit{clock, irq0.line};
  PortB port{clock, pit};
  uint32_t read() { return port.read_port(0, 1); }
};

TEST_F(PortBTest, WritableBitsReadBack) {
  port.write_port(0, 1, 0xFF);
  EXPECT_EQ(read() & 0xCF, 0x0Fu) << "no parity or channel check";
  EXPECT_TRUE(port.speaker_data());
  port.write_port(0, 1, 0);
  EXPECT_EQ(read() & 0xCF, 0u);
}

// Linux's quick calibration: gate on, speaker off, mode 0, wait for OUT2.
TEST_F(PortBTest, Bit0GatesTimer2AndBit5ShowsItsOutput) {
  port.write_port(0, 1, 0);
  pit.write_port(3, 1, 0xB0);
  pit.write_port(2, 1, 0x9C);
  pit.write_port(2, 1, 0x2E);  // 11932 ticks: 10 ms
  clock.time = testing::kSecond;
  EXPECT_EQ(read() & 0x20, 0u) << "gate closed: not counting";
  port.write_port(0, 1, 1);
  clock.time += 9990 * testing::kMicrosecond;
  EXPECT_EQ(read() & 0x20, 0u);
  clock.time += 20 * testing::kMicrosecond;
  EXPECT_EQ(read() & 0x20, 0x20u);
}

TEST_F(PortBTest, RefreshBitTogglesEvery15Microseconds) {
  int toggles = 0;
  uint32_t last = read() & 0x10;
  for (; clock.time < 3 * testing::kMillisecond; clock.time += testing::kMicrosecond) {
    const uint32_t now = read() & 0x10;
    toggles += now != last;
    last = now;
  }
  EXPECT_EQ(toggles, 198);  // 3 ms / (18 / 1193182 Hz)
}

TEST(PortATest, A20FollowsBit1) {
  std::vector<bool> a20;
  Line line{[&](bool on) { a20.push_back(on); }};
  PortA port{line, [](ResetKind) { FAIL(); }};
  EXPECT_EQ(port.read_port(0, 1), 0x00u);
  line.set(true);
  EXPECT_EQ(port.read_port(0, 1), 0x02u) << "whoever has opened it";
  port.write_port(0, 1, 0x02);
  port.write_port(0, 1, 0x00);
  port.write_port(0, 1, 0x02);
  EXPECT_EQ(a20, (std::vector<bool>{true, false, true}));
}

TEST(PortATest, ResetOnRiseOfBit0Only) {
  int resets = 0;
  Line a20;
  PortA port{a20, [&](ResetKind kind) { resets += kind == ResetKind::kProcessor; }};
  port.write_port(0, 1, 0x03);
  port.write_port(0, 1, 0x03);
  EXPECT_EQ(resets, 1);
  port.write_port(0, 1, 0x02);
  port.write_port(0, 1, 0x03);
  EXPECT_EQ(resets, 2);
}

TEST(ResetControlTest, ResetsOnRiseOfBit2WithKindInBit1) {
  std::vector<ResetKind> resets;
  ResetControl port{[&](ResetKind kind) { resets.push_back(kind); }};
  port.write_port(0, 1, 0x02);
  EXPECT_TRUE(resets.empty());
  EXPECT_EQ(port.read_port(0, 1), 0x02u);
  port.write_port(0, 1, 0x06);
  port.write_port(0, 1, 0x06);
  EXPECT_EQ(resets, (std::vector<ResetKind>{ResetKind::kSystem}));
  port.write_port(0, 1, 0x00);
  port.write_port(0, 1, 0x04);
  EXPECT_EQ(resets.back(), ResetKind::kProcessor);
}

TEST(PostCodeTest, KeepsTheLastCode) {
  PostCode port;
  port.write_port(0, 1, 0x55);
  port.write_port(0, 1, 0xAA);
  EXPECT_EQ(port.code(), 0xAA);
  EXPECT_EQ(port.read_port(0, 1), 0xAAu);
}

}  // namespace
}  // namespace ringdown

#include <gtest/gtest.h>

#include "tests/vdevices/vga_pc.h"

namespace ringdown {
namespace {

using testing::VgaPc;

class VgaRegistersTest : public ::testing::Test {
 protected:
  VgaPc pc_;
};

TEST_F(VgaRegistersTest, IndexedRegistersKeepTheBitsThatTheyHave) {
  pc_.out(0x3C2, 0x01);
  const auto check = [&](uint16_t port, uint8_t index, uint8_t expected) {
    pc_.set(port, index, 0xFF);
    EXPECT_EQ(pc_.indexed(port, index), expected) << std::hex << port << " " << int{index};
  };
  for (const auto& [index, bits] :
       {std::pair{0, 0x03}, {1, 0x3D}, {2, 0x0F}, {3, 0x3F}, {4, 0x0E}, {5, 0}, {255, 0}})
    check(0x3C4, static_cast<uint8_t>(index), static_cast<uint8_t>(bits));
  for (const auto& [index, bits] : {std::pair{0, 0x0F},
                                    {1, 0x0F},
                                    {2, 0x0F},
                                    {3, 0x1F},
                                    {4, 0x03},
                                    {5, 0x7B},
                                    {6, 0x0F},
                                    {7, 0x0F},
                                    {8, 0xFF},
                                    {9, 0}})
    check(0x3CE, static_cast<uint8_t>(index), static_cast<uint8_t>(bits));
  for (const auto& [index, bits] :
       {std::pair{0x12, 0xFF}, {0x18, 0xFF}, {0x19, 0}, {0x0A, 0x3F}, {0x17, 0xEF}})
    check(0x3D4, static_cast<uint8_t>(index), static_cast<uint8_t>(bits));
  EXPECT_EQ(pc_.in(0x3C4), 255);
}

TEST_F(VgaRegistersTest, TheCrtcIsAtOneOfTwoPlaces) {
  pc_.out(0x3C2, 0x00);
  pc_.set(0x3B4, 0x0F, 0x12);
  EXPECT_EQ(pc_.indexed(0x3B4, 0x0F), 0x12);
  EXPECT_EQ(pc_.in(0x3D5), 0xFF);
  EXPECT_EQ(pc_.in(0x3DA), 0xFF);
  pc_.out(0x3C2, 0x01);
  EXPECT_EQ(pc_.in(0x3CC), 0x01);
  EXPECT_EQ(pc_.indexed(0x3D4, 0x0F), 0x12);
  pc_.set(0x3B4, 0x0F, 0x34);
  EXPECT_EQ(pc_.indexed(0x3D4, 0x0F), 0x12);
}

TEST_F(VgaRegistersTest, TheCrtcProtectsItsTimings) {
  pc_.out(0x3C2, 0x01);
  pc_.crtc(0x11, 0x80);
  pc_.crtc(0x00, 0x55);
  pc_.crtc(0x07, 0xFF);
  pc_.crtc(0x08, 0x11);
  EXPECT_EQ(pc_.indexed(0x3D4, 0x00), 0x00);
  EXPECT_EQ(pc_.indexed(0x3D4, 0x07), 0x10);  // bit 8 of line compare
  EXPECT_EQ(pc_.indexed(0x3D4, 0x08), 0x11);
  pc_.crtc(0x11, 0x00);
  pc_.crtc(0x00, 0x55);
  EXPECT_EQ(pc_.indexed(0x3D4, 0x00), 0x55);
}

TEST_F(VgaRegistersTest, TheAttributeControllerTakesIndexAndDataInTurn) {
  pc_.out(0x3C2, 0x01);
  pc_.in(0x3DA);
  pc_.out(0x3C0, 0x03);
  pc_.out(0x3C0, 0x2A);
  EXPECT_EQ(pc_.in(0x3C0), 0x03);
  EXPECT_EQ(pc_.in(0x3C1), 0x2A);
  pc_.out(0x3C0, 0x05);  // an index
  pc_.in(0x3DA);
  pc_.out(0x3C0, 0x34);  // again an index
  pc_.out(0x3C0, 0xFF);
  EXPECT_EQ(pc_.in(0x3C0), 0x34);
  EXPECT_EQ(pc_.in(0x3C1), 0x0F);  // of color select
  pc_.out(0x3C0, 0x05);
  EXPECT_EQ(pc_.in(0x3C1), 0x00);
}

TEST_F(VgaRegistersTest, TheDacTakesThreeComponentsForAColor) {
  pc_.color(7, 0x3F, 0x15, 0xC1);
  EXPECT_EQ(pc_.in(0x3C8), 8);
  EXPECT_EQ(pc_.in(0x3C7), 0);
  pc_.out(0x3C7, 7);
  EXPECT_EQ(pc_.in(0x3C7), 3);
  EXPECT_EQ(pc_.in(0x3C9), 0x3F);
  EXPECT_EQ(pc_.in(0x3C9), 0x15);
  EXPECT_EQ(pc_.in(0x3C9), 0x01);
  for (int i = 0; i < 3; i++) EXPECT_EQ(pc_.in(0x3C9), 0);
  pc_.out(0x3C8, 7);
  pc_.out(0x3C9, 1);  // not complete
  pc_.out(0x3C7, 7);
  EXPECT_EQ(pc_.in(0x3C9), 0x3F);
}

TEST(VgaDac, ColorsAreWidenedAndMasked) {
  VgaDac dac;
  dac.write(2, 0x11);
  for (const uint8_t component : {0x3F, 0x20, 0x01}) dac.write(3, component);
  EXPECT_EQ(dac.color(0x11), 0xFF8204u);
  dac.write(0, 0x0F);
  EXPECT_EQ(dac.color(0x11), 0u);
  EXPECT_EQ(dac.read(0), 0x0F);
  dac.write(0, 0xFF);
  dac.set_8_bits(true);
  EXPECT_EQ(dac.color(0x11), 0x3F2001u);
}

TEST_F(VgaRegistersTest, FeatureControlIsReadElsewhere) {
  pc_.out(0x3C2, 0x01);
  pc_.out(0x3DA, 0x03);
  EXPECT_EQ(pc_.in(0x3CA), 0x03);
  EXPECT_EQ(pc_.in(0x3C2), 0x10);
  EXPECT_EQ(pc_.in(0x3BF), 0xFF);
}

// 449 lines of 900 dots at 28.322 MHz.
TEST_F(VgaRegistersTest, TheBeamFollowsTheClock) {
  pc_.set_mode(testing::kText80);
  const double line = 900 / 28.322e6 * 1e9;
  const auto status = [&](double lines) {
    pc_.clock.time = static_cast<Nanoseconds>(lines * line);
    return pc_.in(0x3DA) & 0x09;
  };
  EXPECT_EQ(status(0.1), 0x00);
  EXPECT_EQ(status(0.9), 0x01);  // horizontally
  EXPECT_EQ(status(399.1), 0x00);
  EXPECT_EQ(status(400.1), 0x01);
  EXPECT_EQ(status(412.5), 0x09);
  EXPECT_EQ(status(413.5), 0x09);
  EXPECT_EQ(status(414.1), 0x01);
  EXPECT_EQ(status(449.1), 0x00);
  EXPECT_EQ(status(449 * 1000 + 412.5), 0x09);
}

// What polls for the retrace ends, whatever the registers are.
TEST_F(VgaRegistersTest, TheBeamReturnsInAVgaThatNobodyHasProgrammed) {
  pc_.out(0x3C2, 0x01);
  unsigned retraces = 0;
  for (; pc_.clock.time < testing::kSecond; pc_.clock.time += 50 * testing::kMicrosecond)
    retraces += pc_.in(0x3DA) >> 3 & 1;
  EXPECT_GE(retraces, 60u);
  EXPECT_LT(retraces, 120u);
}

}  // namespace
}  // namespace ringdown

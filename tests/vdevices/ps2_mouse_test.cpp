#include "vdevices/ps2_mouse.h"

#include <gtest/gtest.h>

#include <vector>

namespace ringdown {
namespace {

using Bytes = std::vector<unsigned>;

struct Ps2MouseTest : ::testing::Test {
  Ps2Mouse mouse;

  Bytes drain() {
    Bytes bytes;
    while (mouse.has_output()) bytes.push_back(mouse.take_output());
    return bytes;
  }
  Bytes send(std::initializer_list<uint8_t> bytes) {
    Bytes answers;
    for (const uint8_t byte : bytes) {
      mouse.write(byte);
      const Bytes answer = drain();
      answers.insert(answers.end(), answer.begin(), answer.end());
    }
    return answers;
  }
  void enable() { EXPECT_EQ(send({0xF4}), Bytes{0xFA}); }
  void enable_wheel() { EXPECT_EQ(send({0xF3, 200, 0xF3, 100, 0xF3, 80}), Bytes(6, 0xFA)); }
};

TEST_F(Ps2MouseTest, SaysNothingBeforeItIsEnabled) {
  mouse.move(5, 5, 0, Ps2Mouse::kLeft);
  EXPECT_EQ(drain(), Bytes{});
  enable();
  EXPECT_EQ(drain(), Bytes{}) << "what was before is forgotten";
}

TEST_F(Ps2MouseTest, PacketsHaveSignsAndButtons) {
  enable();
  mouse.move(1, 2, 0, 0);
  EXPECT_EQ(drain(), (Bytes{0x08, 1, 2}));
  mouse.move(-1, -2, 0, Ps2Mouse::kRight | Ps2Mouse::kMiddle);
  EXPECT_EQ(drain(), (Bytes{0x3E, 0xFF, 0xFE}));
  mouse.move(0, 0, 0, 0);
  EXPECT_EQ(drain(), (Bytes{0x08, 0, 0})) << "the buttons were released";
  mouse.move(0, 0, 0, 0);
  EXPECT_EQ(drain(), Bytes{});
}

TEST_F(Ps2MouseTest, MovementIsAddedUpAndSplit) {
  enable();
  mouse.move(200, 0, 0, 0);
  mouse.move(200, -300, 0, 0);
  EXPECT_EQ(drain(), (Bytes{0x28, 255, 1, 0x28, 145, 0xD3}));
}

TEST_F(Ps2MouseTest, AbsurdMovementIsBounded) {
  enable();
  for (int i = 0; i < 100; i++) mouse.move(INT32_MAX, INT32_MIN, INT32_MAX, 0xFF);
  EXPECT_LT(drain().size(), 4096u);
}

TEST_F(Ps2MouseTest, WheelByTheSeriesOfRates) {
  EXPECT_EQ(send({0xF2}), (Bytes{0xFA, 0x00}));
  enable_wheel();
  EXPECT_EQ(send({0xF2}), (Bytes{0xFA, 0x03}));
  enable();
  mouse.move(0, 0, -1, 0);
  EXPECT_EQ(drain(), (Bytes{0x08, 0, 0, 0xFF}));
  EXPECT_EQ(send({0xFF, 0xF2}), (Bytes{0xFA, 0xAA, 0x00, 0xFA, 0x00})) << "a reset takes it away";
}

TEST_F(Ps2MouseTest, WithoutTheWheelItsNotchesAreNothing) {
  enable();
  mouse.move(0, 0, 3, 0);
  drain();
  EXPECT_TRUE(mouse.has_room());
  EXPECT_EQ(drain(), Bytes{});
}

TEST_F(Ps2MouseTest, RemoteModeSaysSomethingWhenAsked) {
  EXPECT_EQ(send({0xF0}), Bytes{0xFA});
  mouse.move(7, 9, 0, Ps2Mouse::kLeft);
  EXPECT_EQ(drain(), Bytes{});
  EXPECT_EQ(send({0xEB}), (Bytes{0xFA, 0x09, 7, 9}));
  EXPECT_EQ(send({0xEB}), (Bytes{0xFA, 0x09, 0, 0}));
}

TEST_F(Ps2MouseTest, WrapModeEchoes) {
  EXPECT_EQ(send({0xEE, 0x12, 0xF4, 0xEC, 0xF2}), (Bytes{0xFA, 0x12, 0xF4, 0xFA, 0xFA, 0x00}));
  send({0xEE});
  EXPECT_EQ(send({0xFF}), (Bytes{0xFA, 0xAA, 0x00}));
}

TEST_F(Ps2MouseTest, StatusHasWhatWasSet) {
  EXPECT_EQ(send({0xE9}), (Bytes{0xFA, 0x00, 2, 100}));
  send({0xE8, 3, 0xE7, 0xF3, 40, 0xF4});
  mouse.move(0, 0, 0, Ps2Mouse::kLeft | Ps2Mouse::kRight);
  drain();
  EXPECT_EQ(send({0xE9}), (Bytes{0xFA, 0x35, 3, 40}));
  EXPECT_EQ(send({0xF6, 0xE9}), (Bytes{0xFA, 0xFA, 0x05, 2, 100}));
}

TEST_F(Ps2MouseTest, ScalingIsOfStreamsOnly) {
  send({0xE7, 0xF4});
  mouse.move(3, -4, 0, 0);
  EXPECT_EQ(drain(), (Bytes{0x28, 3, 0xFA}));
  mouse.move(20, 0, 0, 0);
  EXPECT_EQ(drain(), (Bytes{0x08, 40, 0}));
  send({0xF0});
  mouse.move(20, 0, 0, 0);
  EXPECT_EQ(send({0xEB}), (Bytes{0xFA, 0x08, 20, 0}));
}

TEST_F(Ps2MouseTest, BadCommandsAndParameters) {
  EXPECT_EQ(send({0x00}), Bytes{0xFE});
  EXPECT_EQ(send({0xE8, 4}), (Bytes{0xFA, 0xFC}));
  EXPECT_EQ(send({0xF3, 99}), (Bytes{0xFA, 0xFC}));
  EXPECT_EQ(send({0xE9}), (Bytes{0xFA, 0x00, 2, 100}));
}

TEST_F(Ps2MouseTest, ResendsTheLastByte) {
  EXPECT_EQ(send({0xF2, 0xFE}), (Bytes{0xFA, 0x00, 0x00}));
  EXPECT_EQ(send({0xF4, 0xFE}), (Bytes{0xFA, 0xFA}));
}

TEST_F(Ps2MouseTest, ACommandEndsThePacketUnderWay) {
  enable();
  mouse.move(1, 1, 0, 0);
  mouse.take_output();
  EXPECT_EQ(send({0xF5}), Bytes{0xFA});
  EXPECT_EQ(drain(), Bytes{});
}

TEST_F(Ps2MouseTest, RoomIsWhatHasBeenPacked) {
  enable();
  EXPECT_TRUE(mouse.has_room());
  mouse.move(0, 0, 0, Ps2Mouse::kLeft);
  EXPECT_FALSE(mouse.has_room()) << "a release would hide the press";
  mouse.take_output();
  EXPECT_TRUE(mouse.has_room());
}

}  // namespace
}  // namespace ringdown

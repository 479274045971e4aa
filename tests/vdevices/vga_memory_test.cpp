#include <gtest/gtest.h>

#include "tests/vdevices/vga_pc.h"

namespace ringdown {
namespace {

using testing::VgaPc;
constexpr uint32_t kA = VgaPc::kGraphics, kB = VgaPc::kText;

class VgaMemoryTest : public ::testing::Test {
 protected:
  // Byte `address` of the four planes, as they lie in memory.
  std::array<uint8_t, 4> planes(uint32_t address) {
    std::array<uint8_t, 4> bytes;
    std::copy_n(pc_.storage.content.begin() + 4 * address, 4, bytes.begin());
    return bytes;
  }
  void set_planes(uint32_t address, std::array<uint8_t, 4> bytes) {
    std::ranges::copy(bytes, pc_.storage.content.begin() + 4 * address);
  }
  using Planes = std::array<uint8_t, 4>;

  VgaPc pc_;
};

TEST_F(VgaMemoryTest, TheMapMaskSelectsPlanesToWriteAndTheReadMapOneToRead) {
  pc_.set_mode(testing::kMode12);
  pc_.sequencer(2, 0x05);
  pc_.poke(kA + 0x1234, 0xA5);
  EXPECT_EQ(planes(0x1234), (Planes{0xA5, 0, 0xA5, 0}));
  for (const auto& [map, value] : {std::pair{0, 0xA5}, {1, 0}, {2, 0xA5}, {3, 0}}) {
    pc_.graphics(4, static_cast<uint8_t>(map));
    EXPECT_EQ(pc_.peek(kA + 0x1234), value);
  }
  EXPECT_FALSE(pc_.storage.direct(kA));
}

TEST_F(VgaMemoryTest, WriteMode0RotatesSetsCombinesAndMasks) {
  pc_.set_mode(testing::kMode12);
  set_planes(0, {0x0F, 0xF0, 0xFF, 0x00});
  pc_.graphics(3, 0x01);  // rotate by 1
  pc_.poke(kA + 1, 0x81);
  EXPECT_EQ(planes(1), (Planes{0xC0, 0xC0, 0xC0, 0xC0}));
  pc_.graphics(3, 0x00);
  pc_.graphics(0, 0x02);  // plane 1 set, plane 0 reset
  pc_.graphics(1, 0x03);
  pc_.poke(kA + 2, 0x3C);
  EXPECT_EQ(planes(2), (Planes{0x00, 0xFF, 0x3C, 0x3C}));
  pc_.graphics(1, 0x00);
  pc_.graphics(8, 0x18);
  pc_.peek(kA);  // latches
  pc_.poke(kA + 3, 0xFF);
  EXPECT_EQ(planes(3), (Planes{0x1F, 0xF8, 0xFF, 0x18}));
  pc_.graphics(8, 0xFF);
  for (const auto& [function, expected] : {std::pair{0x08, Planes{0x0C, 0x30, 0x3C, 0x00}},
                                           {0x10, Planes{0x3F, 0xFC, 0xFF, 0x3C}},
                                           {0x18, Planes{0x33, 0xCC, 0xC3, 0x3C}}}) {
    pc_.graphics(3, static_cast<uint8_t>(function));
    pc_.peek(kA);
    pc_.poke(kA + 4, 0x3C);
    EXPECT_EQ(planes(4), expected) << function;
  }
}

TEST_F(VgaMemoryTest, WriteMode1CopiesLatches) {
  pc_.set_mode(testing::kMode12);
  set_planes(10, {1, 2, 3, 4});
  pc_.graphics(5, 0x01);
  pc_.peek(kA + 10);
  pc_.poke(kA + 20, 0xFF);
  EXPECT_EQ(planes(20), (Planes{1, 2, 3, 4}));
}

TEST_F(VgaMemoryTest, WriteMode2TakesAColor) {
  pc_.set_mode(testing::kMode12);
  set_planes(0, {0xFF, 0x00, 0xFF, 0x00});
  pc_.graphics(5, 0x02);
  pc_.graphics(8, 0x0F);
  pc_.peek(kA);
  pc_.poke(kA, 0x06);
  EXPECT_EQ(planes(0), (Planes{0xF0, 0x0F, 0xFF, 0x00}));
}

TEST_F(VgaMemoryTest, WriteMode3MasksTheSetColor) {
  pc_.set_mode(testing::kMode12);
  pc_.graphics(5, 0x03);
  pc_.graphics(0, 0x09);
  pc_.graphics(8, 0x7E);
  pc_.peek(kA);
  pc_.poke(kA, 0xF0);
  EXPECT_EQ(planes(0), (Planes{0x70, 0x00, 0x00, 0x70}));
}

TEST_F(VgaMemoryTest, ReadMode1ComparesColors) {
  pc_.set_mode(testing::kMode12);
  set_planes(0, {0xF0, 0xCC, 0x00, 0xAA});
  pc_.graphics(5, 0x08);
  pc_.graphics(2, 0x03);
  pc_.graphics(7, 0x07);  // plane 3 does not matter
  EXPECT_EQ(pc_.peek(kA), 0xC0);
  pc_.graphics(7, 0x00);
  EXPECT_EQ(pc_.peek(kA), 0xFF);
}

TEST_F(VgaMemoryTest, OddAndEvenAddressesAreOfTwoPlanes) {
  pc_.set_mode(testing::kText80);
  pc_.poke(kB + 6, {'A', 0x1F});
  EXPECT_EQ(planes(3), (Planes{'A', 0x1F, 0, 0}));
  EXPECT_EQ(pc_.peek(kB + 6), 'A');
  EXPECT_EQ(pc_.peek(kB + 7), 0x1F);
}

TEST_F(VgaMemoryTest, Chain4IsLinear) {
  pc_.set_mode(testing::kMode13);
  pc_.poke(kA + 5, 0x77);
  EXPECT_EQ(pc_.storage.content[5], 0x77);
  pc_.sequencer(2, 0x01);
  pc_.poke(kA + 8, {1, 2, 3, 4});
  EXPECT_EQ(planes(2), (Planes{1, 0, 0, 0}));
  pc_.sequencer(4, 0x06);  // unchained: mode X
  pc_.sequencer(2, 0x0C);
  pc_.poke(kA + 2, 9);
  EXPECT_EQ(planes(2), (Planes{1, 0, 9, 9}));
}

TEST_F(VgaMemoryTest, TheWindowIsOneOfFour) {
  pc_.set_mode(testing::kMode12);
  const auto answers = [&](uint32_t physical) {
    pc_.poke(physical, 0x5A);
    return pc_.peek(physical) == 0x5A;
  };
  constexpr uint32_t kEdges[] = {0xA0000, 0xAFFFF, 0xB0000, 0xB7FFF, 0xB8000, 0xBFFFF};
  constexpr bool kExpected[4][6] = {{true, true, true, true, true, true},
                                    {true, true, false, false, false, false},
                                    {false, false, true, true, false, false},
                                    {false, false, false, false, true, true}};
  for (uint8_t window = 0; window < 4; window++) {
    pc_.graphics(6, static_cast<uint8_t>(window << 2 | 1));
    for (unsigned n = 0; n < 6; n++)
      EXPECT_EQ(answers(kEdges[n]), kExpected[window][n]) << int{window} << " " << n;
  }
  pc_.out(0x3C2, 0xE1);  // RAM disabled
  EXPECT_FALSE(answers(0xB8000));
}

TEST_F(VgaMemoryTest, WiderAccessesAreThoseOfTheirBytes) {
  pc_.set_mode(testing::kMode12);
  pc_.vga.window().write_memory(0x10, 4, 0x04030201);
  EXPECT_EQ(planes(0x12), (Planes{3, 3, 3, 3}));
  EXPECT_EQ(pc_.vga.window().read_memory(0x12, 2), 0x0403u);
}

TEST_F(VgaMemoryTest, TextBecomesDirectWhenItIsUsed) {
  pc_.set_mode(testing::kText80);
  pc_.poke(kB, {'A', 0x07});
  EXPECT_FALSE(pc_.storage.direct(kB));
  pc_.make_direct(kB);
  ASSERT_TRUE(pc_.storage.direct(kB));
  EXPECT_EQ(*pc_.storage.direct(kB), 'A');
  EXPECT_FALSE(pc_.storage.direct(kB - 1));
  pc_.poke(kB + 2, {'B', 0x70});
  EXPECT_EQ(planes(1), (Planes{0, 0, 0, 0}));
  EXPECT_EQ(pc_.vga.window().read_memory(0x18002, 2), 0x7042u);  // by way of the bus the same
  const auto text = pc_.vga.screen().text();
  ASSERT_TRUE(text);
  EXPECT_EQ(text->cells[1], (Screen::Text::Cell{'B', 0x70}));
}

TEST_F(VgaMemoryTest, TextIsInItsPlanesWhenTheRegistersAreOthers) {
  pc_.set_mode(testing::kText80);
  pc_.make_direct(kB);
  pc_.poke(kB + 0x7FFE, {'Z', 0x17});
  pc_.define_character('A', {0x18, 0x24});
  EXPECT_FALSE(pc_.storage.direct(kB));
  EXPECT_EQ(planes(0x3FFF), (Planes{'Z', 0x17, 0, 0}));
  EXPECT_EQ(planes('A' * 32 + 1)[2], 0x24);
  pc_.make_direct(kB);
  EXPECT_EQ(pc_.peek(kB + 0x7FFE), 'Z');
  EXPECT_EQ(planes('A' * 32 + 1)[2], 0x24);
}

TEST_F(VgaMemoryTest, MonochromeTextIsDirectAtItsWindow) {
  pc_.set_mode(testing::kText80);
  pc_.graphics(6, 0x0A);
  pc_.make_direct(0xB0000);
  ASSERT_TRUE(pc_.storage.direct(0xB0000));
  EXPECT_FALSE(pc_.storage.direct(kB));
}

TEST_F(VgaMemoryTest, Mode13IsDirectUntilItIsUnchained) {
  pc_.set_mode(testing::kMode13);
  pc_.make_direct(kA);
  ASSERT_TRUE(pc_.storage.direct(kA + 0xFFFF));
  pc_.poke(kA + 320 * 200 - 1, 0x42);
  EXPECT_EQ(pc_.storage.content[320 * 200 - 1], 0x42);
  const unsigned changes = pc_.storage.changes;
  pc_.crtc(0x0C, 0x10);
  pc_.color(1, 2, 3, 4);
  EXPECT_EQ(pc_.storage.changes, changes);
  pc_.sequencer(4, 0x06);
  EXPECT_FALSE(pc_.storage.direct(kA));
  EXPECT_EQ(pc_.storage.changes, changes + 1);
}

TEST_F(VgaMemoryTest, WhatIsNotLinearIsNeverDirect) {
  const auto check = [&](const char* what) {
    pc_.make_direct(kA);
    EXPECT_FALSE(pc_.storage.direct(kA)) << what;
    pc_.set_mode(testing::kMode13);
  };
  pc_.set_mode(testing::kMode12);
  check("planar");
  pc_.sequencer(2, 0x07);
  check("a plane is masked");
  pc_.graphics(8, 0x7F);
  check("bits are masked");
  pc_.graphics(1, 0x01);
  check("set/reset");
  pc_.graphics(3, 0x08);
  check("a function");
  pc_.graphics(5, 0x41);
  check("latches are copied");
  pc_.graphics(5, 0x48);
  check("colours are compared");
  pc_.out(0x3C2, 0x61);
  check("RAM is disabled");
}

TEST_F(VgaMemoryTest, TheFrameBufferIsAlwaysDirect) {
  pc_.vga.set_frame_buffer(0xFD000000);
  pc_.set_mode(testing::kMode12);
  pc_.poke(0xFD000000 + VgaMemory::kBytes - 1, 1);
  EXPECT_EQ(pc_.storage.content[VgaMemory::kBytes - 1], 1);
  pc_.set_mode(testing::kMode13);
  pc_.make_direct(kA);
  EXPECT_EQ(pc_.storage.apertures.size(), 2u);
  const unsigned changes = pc_.storage.changes;
  pc_.vga.set_frame_buffer(0xFD000000);
  EXPECT_EQ(pc_.storage.changes, changes);
  pc_.vga.set_frame_buffer(std::nullopt);
  EXPECT_EQ(pc_.storage.apertures.size(), 1u);
}

}  // namespace
}  // namespace ringdown

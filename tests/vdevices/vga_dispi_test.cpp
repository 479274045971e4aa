#include <gtest/gtest.h>

#include "tests/vdevices/vga_pc.h"

namespace ringdown {
namespace {

using testing::VgaPc;

class VgaDispiTest : public ::testing::Test {
 protected:
  VgaPc pc_;
};

TEST_F(VgaDispiTest, VersionsAndMemory) {
  EXPECT_EQ(pc_.dispi(0), 0xB0C5);
  pc_.dispi(0, 0xB0C0);
  EXPECT_EQ(pc_.dispi(0), 0xB0C0);
  pc_.dispi(0, 0xB0C6);
  EXPECT_EQ(pc_.dispi(0), 0xB0C0);
  EXPECT_EQ(pc_.dispi(10), 256);
  EXPECT_EQ(pc_.dispi(11), 0);
  EXPECT_EQ(pc_.vga.dispi_ports().read_port(0, 2), 11u);
}

TEST_F(VgaDispiTest, DataIsAtTwoPortsAndWordsOnly) {
  pc_.dispi(1, 640);
  EXPECT_EQ(pc_.vga.dispi_ports().read_port(2, 2), 640u);
  pc_.vga.dispi_ports().write_port(2, 2, 800);
  EXPECT_EQ(pc_.dispi(1), 800);
  pc_.vga.dispi_ports().write_port(1, 1, 1);
  EXPECT_EQ(pc_.dispi(1), 800);
  EXPECT_EQ(pc_.vga.dispi_ports().read_port(1, 1), 0xFFu);
}

TEST_F(VgaDispiTest, Capabilities) {
  pc_.dispi(1, 640);
  pc_.dispi(4, 0x02);
  EXPECT_EQ(pc_.dispi(1), 2560);
  EXPECT_EQ(pc_.dispi(2), 2048);
  EXPECT_EQ(pc_.dispi(3), 32);
  pc_.dispi(4, 0);
  EXPECT_EQ(pc_.dispi(1), 640);
}

TEST_F(VgaDispiTest, AModeHasItsLinesOneBehindAnother) {
  VgaDispi dispi(VgaMemory::kBytes);
  EXPECT_FALSE(dispi.mode());
  for (const auto& [depth, pitch] :
       {std::pair{4, 400}, {8, 800}, {15, 1600}, {16, 1600}, {24, 2400}, {32, 3200}}) {
    dispi.write(4, 0);
    dispi.write(1, 800);
    dispi.write(2, 600);
    dispi.write(3, static_cast<uint16_t>(depth));
    dispi.write(4, 0x41);
    ASSERT_TRUE(dispi.mode());
    EXPECT_EQ(dispi.mode()->width, 800u);
    EXPECT_EQ(dispi.mode()->height, 600u);
    EXPECT_EQ(dispi.mode()->pitch, static_cast<uint32_t>(pitch));
    EXPECT_EQ(dispi.mode()->start, 0u);
    EXPECT_EQ(dispi.read(6), 800);
    EXPECT_EQ(dispi.read(7), VgaMemory::kBytes / static_cast<uint32_t>(pitch));
  }
}

TEST_F(VgaDispiTest, OffsetsMoveThePicture) {
  VgaDispi dispi(VgaMemory::kBytes);
  dispi.write(1, 640);
  dispi.write(2, 480);
  dispi.write(3, 32);
  dispi.write(6, 1024);
  dispi.write(8, 5);
  EXPECT_TRUE(dispi.write(4, 0x41));  // which forgets what was before
  EXPECT_EQ(dispi.mode()->start, 0u);
  EXPECT_EQ(dispi.mode()->pitch, 2560u);
  dispi.write(6, 1024);
  dispi.write(8, 10);
  dispi.write(9, 20);
  EXPECT_EQ(dispi.mode()->pitch, 4096u);
  EXPECT_EQ(dispi.mode()->start, 20u * 4096 + 40);
  EXPECT_FALSE(dispi.write(4, 0x41));  // it is enabled
  EXPECT_FALSE((dispi.write(4, 0), dispi.write(4, 0xC1)));
}

// Whatever is asked for, the picture is within memory and within what a screen has.
TEST_F(VgaDispiTest, EveryModeFits) {
  constexpr uint16_t kValues[] = {0, 1, 7, 8, 640, 2559, 2560, 2568, 0x7FFF, 0xFFFF};
  VgaDispi dispi(VgaMemory::kBytes);
  for (const uint16_t width : kValues) {
    for (const uint16_t height : kValues) {
      for (const uint16_t depth : {0, 4, 8, 15, 24, 32, 64}) {
        for (const uint16_t other : kValues) {
          dispi.write(4, 0);
          dispi.write(1, width);
          dispi.write(2, height);
          dispi.write(3, depth);
          dispi.write(4, 1);
          dispi.write(6, other);
          dispi.write(8, other);
          dispi.write(9, other);
          const auto mode = dispi.mode();
          ASSERT_TRUE(mode);
          ASSERT_GE(mode->width, 1u);
          ASSERT_GE(mode->height, 1u);
          ASSERT_LE(mode->width, Screen::kMaxWidth);
          ASSERT_LE(mode->height, Screen::kMaxHeight);
          ASSERT_LE(uint64_t{mode->start} + uint64_t{mode->height - 1} * mode->pitch + mode->bytes_per_line(),
                    VgaMemory::kBytes);
        }
      }
    }
  }
}

TEST_F(VgaDispiTest, EnablingClearsThePictureUnlessToldNotTo) {
  pc_.storage.content[100] = pc_.storage.content[320 * 200 * 4 - 1] = pc_.storage.content[320 * 200 * 4] = 7;
  pc_.dispi_mode(320, 200, 32, 0x81);
  EXPECT_EQ(pc_.storage.content[100], 7);
  pc_.dispi_mode(320, 200, 32, 0x01);
  EXPECT_EQ(pc_.storage.content[100], 0);
  EXPECT_EQ(pc_.storage.content[320 * 200 * 4 - 1], 0);
  EXPECT_EQ(pc_.storage.content[320 * 200 * 4], 7);
}

TEST_F(VgaDispiTest, BanksAreSeenInTheWindow) {
  pc_.set_mode(testing::kMode13);
  pc_.dispi_mode(800, 600, 32);
  pc_.dispi(5, 3);
  EXPECT_EQ(pc_.dispi(5), 3);
  pc_.poke(VgaPc::kGraphics + 4, 0x12);
  EXPECT_EQ(pc_.storage.content[3 * 65536 + 4], 0x12);
  pc_.make_direct(VgaPc::kGraphics);
  ASSERT_TRUE(pc_.storage.direct(VgaPc::kGraphics));
  pc_.dispi(5, 255);
  EXPECT_FALSE(pc_.storage.direct(VgaPc::kGraphics));
  pc_.poke(VgaPc::kGraphics + 0xFFFF, 0x34);
  EXPECT_EQ(pc_.storage.content[VgaMemory::kBytes - 1], 0x34);
  pc_.dispi(5, 256);
  EXPECT_EQ(pc_.dispi(5), 0);
  pc_.dispi(5, 9);
  pc_.dispi(4, 0);
  EXPECT_EQ(pc_.dispi(5), 0);
}

TEST_F(VgaDispiTest, TheDacCanHave8Bits) {
  pc_.dispi_mode(640, 480, 8, 0x61);
  pc_.color(1, 0xFE, 0x80, 0x41);
  pc_.out(0x3C7, 1);
  EXPECT_EQ(pc_.in(0x3C9), 0xFE);
  pc_.dispi(4, 0);
  pc_.out(0x3C7, 1);
  EXPECT_EQ(pc_.in(0x3C9), 0x3E);
}

TEST_F(VgaDispiTest, MmioHasBothKindsOfRegisters) {
  MemoryDevice& mmio = pc_.vga.mmio();
  EXPECT_EQ(mmio.read_memory(0x500, 2), 0xB0C5u);
  mmio.write_memory(0x502, 2, 1024);
  mmio.write_memory(0x504, 4, 0x00200300);  // YRES and BPP
  EXPECT_EQ(pc_.dispi(1), 1024);
  EXPECT_EQ(pc_.dispi(2), 768);
  EXPECT_EQ(pc_.dispi(3), 32);
  EXPECT_EQ(mmio.read_memory(0x504, 4), 0x00200300u);
  mmio.write_memory(0x404, 2, 0x0F02);  // index and data of the sequencer
  EXPECT_EQ(pc_.indexed(0x3C4, 2), 0x0F);
  EXPECT_EQ(mmio.read_memory(0x405, 1), 0x0Fu);
  for (const uint32_t nothing : {0x000u, 0x3FCu, 0x420u, 0x518u, 0x600u, 0xFFCu}) {
    mmio.write_memory(nothing, 4, ~0u);
    EXPECT_EQ(mmio.read_memory(nothing, 4), 0u) << nothing;
  }
}

}  // namespace
}  // namespace ringdown

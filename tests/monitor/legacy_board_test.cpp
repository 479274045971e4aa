// What firmware finds on the board of what the machine was given: CMOS RAM (AT technical reference, and what
// SeaBIOS reads of it), and ports.
#include <gtest/gtest.h>

#include "monitor/board.h"
#include "tests/vdevices/fake_clock.h"
#include "tests/vdevices/flat_memory.h"
#include "tests/vdevices/memory_medium.h"

namespace ringdown {
namespace {

using testing::MemoryMedium;

struct LegacyBoardTest : ::testing::Test {
  testing::FakeClock clock;
  testing::FlatMemory memory{1 << 20};
  BoardConfiguration configuration{.ram_bytes = 16 << 20, .firmware = true, .dma = &memory};
  std::optional<Board> board;
  std::vector<bool> a20;

  void build() {
    board.emplace(clock, configuration,
                  BoardOutputs{.intr = [](bool) {},
                               .reset = [](ResetKind) {},
                               .debug_exit = [](uint32_t) {},
                               .serial = [](uint8_t) {},
                               .upper_memory = [](unsigned, bool, bool) {},
                               .a20 = [this](bool open) { a20.push_back(open); }});
  }
  uint8_t in(uint16_t port) { return static_cast<uint8_t>(board->ports().read(port, 1)); }
  void out(uint16_t port, uint8_t value) { board->ports().write(port, 1, value); }
  uint8_t cmos(uint8_t index) {
    out(0x70, index);
    return in(0x71);
  }
  void expect_sum() {
    unsigned sum = 0;
    for (uint8_t index = 0x10; index <= 0x2D; ++index) sum += cmos(index);
    EXPECT_EQ(cmos(0x2E) << 8 | cmos(0x2F), sum);
  }
};

TEST_F(LegacyBoardTest, WithoutDrivesCmosNamesNone) {
  build();
  EXPECT_EQ(cmos(0x10), 0);
  EXPECT_EQ(cmos(0x12), 0);
  EXPECT_EQ(cmos(0x14) & 0xC1, 0);
  expect_sum();
  EXPECT_TRUE(board->ports().is_free(0x3F0, 8));
}

TEST_F(LegacyBoardTest, CmosNamesFloppyDrives) {
  MemoryMedium a{2880}, b{1440};
  configuration.floppies[0] = {.type = 4, .medium = &a};
  build();
  EXPECT_EQ(cmos(0x10), 0x40);
  EXPECT_EQ(cmos(0x14) & 0xC1, 0x01);
  expect_sum();
  configuration.floppies[1] = {.type = 3, .medium = &b};
  build();
  EXPECT_EQ(cmos(0x10), 0x43);
  EXPECT_EQ(cmos(0x14) & 0xC1, 0x41);
  expect_sum();
}

TEST_F(LegacyBoardTest, AnEmptyFloppyDriveIsOne) {
  configuration.floppies[1] = {.type = 5};
  build();
  EXPECT_EQ(cmos(0x10), 0x05);
  EXPECT_EQ(cmos(0x14) & 0xC1, 0x41);
  out(0x3F2, 0x2D);
  EXPECT_EQ(in(0x3F7), 0x80) << "nothing is in it";
  testing::MemoryMedium diskette{2880};
  EXPECT_TRUE(board->floppies()->insert(1, diskette));
}

TEST_F(LegacyBoardTest, TheFloppyControllerLeavesTheDiskControllersPort) {
  MemoryMedium diskette{2880}, disk{4096};
  configuration.floppies[0] = {.type = 4, .medium = &diskette};
  configuration.drives[0] = {.medium = &disk};
  configuration.firmware = false;
  build();
  EXPECT_EQ(in(0x3F6), 0x50) << "the disk's alternate status: ready";
  out(0x3F2, 0x0C);
  EXPECT_EQ(in(0x3F4), 0x80);
  EXPECT_EQ(in(0x3F7), 0x80) << "the diskette is new";
}

TEST_F(LegacyBoardTest, TheFloppyControllerHasChannel2AndInterrupt6) {
  MemoryMedium diskette{2880};
  configuration.floppies[0] = {.type = 4, .medium = &diskette};
  build();
  out(0x0B, 0x46);
  for (const uint16_t port : {0x81, 0x0C}) out(port, 0);
  for (const auto& [port, value] : {std::pair{0x04, 0x00}, {0x04, 0x80}, {0x05, 0xFF}, {0x05, 0x01}})
    out(static_cast<uint16_t>(port), static_cast<uint8_t>(value));
  out(0x0A, 2);
  out(0x3F2, 0x1C);
  for (unsigned drive = 0; drive < 4; drive++) {
    out(0x3F5, 8);
    for (int i = 0; i < 2; i++) in(0x3F5);
  }
  out(0x20, 0x11);  // the interrupt controller forgets what was
  for (const uint8_t word : {0x20, 0x04, 0x01, 0xBF}) out(0x21, word);
  out(0x3F7, 0);
  for (const uint8_t byte : {0xE6, 0, 0, 0, 2, 2, 18, 0x1B, 0xFF}) out(0x3F5, byte);
  EXPECT_EQ(memory.bytes[0x8000], 2) << "the second sector";
  EXPECT_EQ(memory.bytes[0x81FF], 2);
  EXPECT_EQ(memory.bytes[0x8200], 0);
  EXPECT_EQ(board->acknowledge_interrupt(), 0x26);
}

TEST_F(LegacyBoardTest, CmosDescribesTheDisks) {
  MemoryMedium disk{1008 * 300}, cdrom{64};
  configuration.drives[0] = {.cdrom = true, .medium = &cdrom};
  configuration.drives[1] = {.medium = &disk};
  build();
  EXPECT_EQ(cmos(0x12), 0x0F);
  EXPECT_EQ(cmos(0x19), 0);
  EXPECT_EQ(cmos(0x1A), 47);
  const uint8_t expected[] = {0x2C, 0x01, 16, 0xFF, 0xFF, 0xC8, 0x2C, 0x01, 63};
  for (uint8_t i = 0; i < sizeof expected; ++i) EXPECT_EQ(cmos(0x24 + i), expected[i]) << unsigned{i};
  expect_sum();
}

TEST_F(LegacyBoardTest, BootOrder) {
  build();
  EXPECT_EQ(cmos(0x3D), 0x12) << "disk, floppy";
  EXPECT_EQ(cmos(0x38), 0x30) << "CD-ROM";
  configuration.boot_order = "da";
  configuration.check_floppy_signature = false;
  build();
  EXPECT_EQ(cmos(0x3D), 0x13);
  EXPECT_EQ(cmos(0x38), 0x01);
}

TEST_F(LegacyBoardTest, TheA20GateIsOneForAllThatOpenIt) {
  build();
  EXPECT_EQ(in(0x92) & 2, 2) << "open at first";
  out(0x64, 0xDD);
  EXPECT_EQ(in(0x92) & 2, 0);
  out(0x92, 2);
  out(0x92, 0);
  board->processor_reset();
  EXPECT_EQ(a20, (std::vector<bool>{true, false, true, false, true}));
}

TEST_F(LegacyBoardTest, TheSecondSerialPortHasInterrupt3) {
  build();
  EXPECT_TRUE(board->ports().is_free(0x2F8, 8));
  configuration.serial_port2 = true;
  build();
  for (const auto& [port, value] :
       {std::pair{0x20, 0x11}, {0x21, 0x20}, {0x21, 0x04}, {0x21, 0x01}, {0x21, 0xF7}})
    out(static_cast<uint16_t>(port), static_cast<uint8_t>(value));
  out(0x2FC, 0x08);  // OUT2: the interrupt's gate
  out(0x2F9, 0x02);  // when there is room
  EXPECT_EQ(board->acknowledge_interrupt(), 0x23);
}

TEST_F(LegacyBoardTest, TheShutdownStatusByteIsFirmwares) {
  build();
  EXPECT_FALSE(board->firmware_resumes());
  out(0x70, 0x0F);
  out(0x71, 0x0A);
  EXPECT_TRUE(board->firmware_resumes());
}

}  // namespace
}  // namespace ringdown

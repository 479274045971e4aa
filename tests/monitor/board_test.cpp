// What only the whole board shows: which device is where, and what reaches which line.
#include "monitor/board.h"

#include <gtest/gtest.h>

#include "tests/vdevices/fake_clock.h"
#include "tests/vdevices/flat_memory.h"
#include "tests/vdevices/memory_medium.h"
#include "tests/vdevices/vga_pc.h"

namespace ringdown {
namespace {

constexpr uint16_t kPm = 0x600, kStatus = kPm, kEnable = kPm + 2, kControl = kPm + 4;
constexpr unsigned kPowerButton = 1 << 8, kSciEnable = 1, kSuspendEnable = 1 << 13;

struct BoardTest : ::testing::Test {
  testing::FakeClock clock;
  bool intr = false;
  int power_offs = 0;
  std::unique_ptr<Board> board;

  void build(BoardConfiguration configuration) {
    board = std::make_unique<Board>(clock, configuration,
                                    BoardOutputs{.intr = [this](bool level) { intr = level; },
                                                 .reset = [](ResetKind) {},
                                                 .power_off = [this] { power_offs++; },
                                                 .debug_exit = [](uint32_t) {},
                                                 .serial = [](uint8_t) {},
                                                 .upper_memory = [](unsigned, bool, bool) {}});
  }
  PortBus& ports() { return board->ports(); }
  uint32_t config(unsigned function, unsigned offset) {
    ports().write(0xCF8, 4, 0x80000000u | 1 << 11 | function << 8 | offset);
    return ports().read(0xCFC, 4);
  }
  void set_config(unsigned function, unsigned offset, uint32_t value) {
    ports().write(0xCF8, 4, 0x80000000u | 1 << 11 | function << 8 | offset);
    ports().write(0xCFC, 4, value);
  }
  // As an operating system finds it: the PM ports decoded, the 8259As at vectors 20h to 2Fh, IRQ 9 by level.
  void set_up() {
    set_config(3, 0x40, kPm);
    set_config(3, 0x80, 1);
    for (const uint16_t chip : {0x20, 0xA0}) {
      ports().write(chip, 1, 0x11);
      for (const unsigned value : {chip == 0x20 ? 0x20 : 0x28, chip == 0x20 ? 4 : 2, 1, 0})
        ports().write(chip + 1, 1, value);
    }
    ports().write(0x4D1, 1, 0x02);
  }
};

TEST_F(BoardTest, PowerButtonInterruptsByIrq9WhenAcpiIsEnabled) {
  build({.firmware = true});
  set_up();
  ports().write(kEnable, 2, kPowerButton);
  board->press_power_button();
  EXPECT_FALSE(intr);
  ports().write(0xB2, 1, 0xF1);
  EXPECT_EQ(ports().read(kControl, 2), kSciEnable);
  ASSERT_TRUE(intr);
  EXPECT_EQ(board->acknowledge_interrupt(), 0x29);
  ports().write(kStatus, 2, kPowerButton);
  ports().write(0xA0, 1, 0x20);
  ports().write(0x20, 1, 0x20);
  EXPECT_FALSE(intr);
  ports().write(0xB2, 1, 0xF0);
  EXPECT_EQ(ports().read(kControl, 2), 0u);
}

TEST_F(BoardTest, TimerOfPowerManagementIsServed) {
  build({.firmware = true});
  set_up();
  ports().write(kEnable, 2, 1);
  ports().write(kControl, 2, kSciEnable);
  ports().write(0x21, 1, 0x01);  // not the 8254's
  while (!intr && board->next_event() != kNever) {
    clock.time = std::max(clock.time, board->next_event());
    board->advance(clock.time);
  }
  EXPECT_TRUE(intr);
  EXPECT_EQ(ports().read(kStatus, 2), 1u);
  EXPECT_EQ(clock.time / testing::kMillisecond, 2343u);
}

TEST_F(BoardTest, SoftOffLeavesTheBoard) {
  build({.firmware = true});
  set_up();
  ports().write(kControl, 2, kSuspendEnable);
  EXPECT_EQ(power_offs, 1);
}

TEST_F(BoardTest, WithoutAcpiThereIsNoPowerManagement) {
  build({.firmware = true, .acpi = false});
  EXPECT_EQ(config(3, 0), 0xFFFFFFFFu);
  EXPECT_EQ(config(0, 0), 0x70008086u);
  EXPECT_TRUE(ports().is_free(0xB2, 2));
  EXPECT_TRUE(ports().is_free(0xAFE0, 4));
  board->press_power_button();
  EXPECT_EQ(power_offs, 0);
}

TEST_F(BoardTest, WithoutPciThereIsNothingThatIsOfItsTime) {
  testing::MemoryMedium disk{4096};
  testing::FakeVideoMemory video;
  BoardConfiguration isa{.ram_bytes = 16 << 20, .firmware = true, .pci = false, .video = &video};
  isa.drives[0] = {.medium = &disk};
  build(isa);
  EXPECT_EQ(board->pci(), nullptr);
  ports().write(0xCF8, 4, 0x80000000u);
  EXPECT_EQ(ports().read(0xCF8, 4), 0xFFFFFFFFu);
  EXPECT_EQ(config(0, 0), 0xFFFFFFFFu);
  for (const uint16_t port : {0xB2, 0x600, 0xAE00, 0xAFE0, 0xCF9, 0xC000})
    EXPECT_TRUE(ports().is_free(port, 1)) << port;
  EXPECT_FALSE(board->press_power_button());
}

TEST_F(BoardTest, WithoutPciDevicesAreWhereTheIsaBusHasThem) {
  testing::MemoryMedium disk{4096};
  testing::FakeVideoMemory video;
  BoardConfiguration isa{.ram_bytes = 16 << 20, .firmware = true, .pci = false, .video = &video};
  isa.drives[2] = {.medium = &disk};
  build(isa);
  EXPECT_EQ(ports().read(0x177, 1), 0x50u) << "the second channel's disk is ready";
  ports().write(0x510, 2, 0);
  EXPECT_EQ(ports().read(0x511, 1), static_cast<unsigned>('Q')) << "fw_cfg's signature";
  ASSERT_FALSE(video.apertures.empty());
  EXPECT_EQ(video.apertures[0].first, 0xE0000000u);
}

TEST_F(BoardTest, WithoutFirmwareThereIsNeitherPciNorAcpi) {
  build({});
  EXPECT_EQ(config(0, 0), 0xFFFFFFFFu);
  EXPECT_TRUE(ports().is_free(0xB2, 2));
}

}  // namespace
}  // namespace ringdown

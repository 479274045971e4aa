#include "vdevices/piix3_ide.h"

#include <gtest/gtest.h>

#include "tests/vdevices/flat_memory.h"
#include "tests/vdevices/memory_medium.h"
#include "vdevices/ata_disk.h"
#include "vdevices/debug_exit.h"

namespace ringdown {
namespace {

constexpr uint8_t kCommand = 0x04, kBmiba = 0x20, kIdetim = 0x40;
constexpr unsigned kIo = 0x01, kMaster = 0x04, kDecode = 0x8000;
constexpr uint16_t kBase = 0xC000;

struct Piix3IdeTest : ::testing::Test {
  testing::MemoryMedium medium{100};
  testing::FlatMemory memory{1 << 20};
  AtaDisk disk{medium, {"M", "S", "1"}};
  Line irq14, irq15;
  PortBus bus;
  AtaChannel primary{irq14, &disk, nullptr}, secondary{irq15, nullptr, nullptr};
  Piix3Ide function{bus, primary, secondary, memory};

  void enable(unsigned command) {
    function.write_config(kBmiba, 4, kBase);
    function.write_config(kIdetim, 2, kDecode);
    function.write_config(kCommand, 2, command);
  }
  // READ DMA of sector 3 to 2000h; true if the bus master found no fault.
  bool read_by_dma() {
    memory.set_dword(0x1000, 0x2000);
    memory.set_dword(0x1004, 0x80000200);
    bus.write(kBase + 4, 4, 0x1000);
    bus.write(0x1F2, 1, 1);
    bus.write(0x1F3, 1, 3);
    bus.write(0x1F6, 1, 0xE0);
    bus.write(0x1F7, 1, 0xC8);
    bus.write(kBase, 1, 0x09);
    return (bus.read(kBase + 2, 1) & 0x02) == 0;
  }
};

TEST_F(Piix3IdeTest, SaysWhatItIs) {
  EXPECT_EQ(function.read_config(0x00, 4), 0x70108086u);
  EXPECT_EQ(function.read_config(0x08, 4), 0x01018000u);
  function.write_config(kBmiba, 4, 0xFFFFFFFF);
  EXPECT_EQ(function.read_config(kBmiba, 4), 0xFFFFFFF1u);
}

TEST_F(Piix3IdeTest, DecodesNothingAfterReset) {
  EXPECT_TRUE(bus.is_free(0, 0xFFFF));
  function.write_config(kCommand, 2, kIo);
  EXPECT_TRUE(bus.is_free(0, 0xFFFF));
}

TEST_F(Piix3IdeTest, DecodesTheChannelsThatAreEnabled) {
  enable(kIo);
  EXPECT_EQ(bus.read(0x1F7, 1), 0x50u);
  EXPECT_EQ(bus.read(0x3F6, 1), 0x50u);
  EXPECT_TRUE(bus.is_free(0x170, 8));
  EXPECT_TRUE(bus.is_free(0x376, 1));
  function.write_config(kIdetim, 4, kDecode << 16);
  EXPECT_TRUE(bus.is_free(0x1F0, 8));
  EXPECT_FALSE(bus.is_free(0x170, 1));
  EXPECT_FALSE(bus.is_free(0x376, 1));
  function.write_config(kCommand, 2, kMaster);
  EXPECT_TRUE(bus.is_free(0, 0xFFFF));
}

TEST_F(Piix3IdeTest, ItsBusMasterMovesData) {
  enable(kIo | kMaster);
  EXPECT_TRUE(read_by_dma());
  EXPECT_EQ(memory.bytes[0x2000], 4);
  EXPECT_EQ(memory.bytes[0x21FF], 4);
  EXPECT_TRUE(irq14.level());
}

TEST_F(Piix3IdeTest, ABusMasterThatIsNotEnabledReachesNothing) {
  enable(kIo);
  EXPECT_FALSE(read_by_dma());
  EXPECT_EQ(memory.bytes[0x2000], 0);
}

TEST_F(Piix3IdeTest, PortsOfAnotherDeviceAreLeftToIt) {
  unsigned writes = 0;
  DebugExit other([&](uint32_t) { writes++; });
  bus.map(0xC00F, 1, other);
  enable(kIo);
  EXPECT_TRUE(bus.is_free(kBase, 15));
  bus.write(0xC00F, 1, 0);
  EXPECT_EQ(writes, 1u);
  function.write_config(kBmiba, 4, 0x1F0);  // a channel's
  EXPECT_EQ(bus.read(0x1F7, 1), 0x50u);
  function.write_config(kBmiba, 4, 0x1C000);
  EXPECT_TRUE(bus.is_free(kBase, 15));
  function.write_config(kBmiba, 4, 0xFFF0);
  EXPECT_FALSE(bus.is_free(0xFFFF, 1));
}

}  // namespace
}  // namespace ringdown

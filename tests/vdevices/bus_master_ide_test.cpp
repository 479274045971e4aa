#include "vdevices/bus_master_ide.h"

#include <gtest/gtest.h>

#include "tests/vdevices/ata_host.h"
#include "tests/vdevices/flat_memory.h"
#include "tests/vdevices/memory_medium.h"
#include "vdevices/ata_disk.h"

namespace ringdown {
namespace {

using testing::filled;
using Bytes = std::vector<uint8_t>;

constexpr uint32_t kMemory = 1 << 20;
constexpr uint32_t kTable = 0x1000;
constexpr uint32_t kLast = 0x80000000;
constexpr unsigned kStart = 0x01, kToMemory = 0x08;
constexpr unsigned kActive = 0x01, kError = 0x02, kInterrupt = 0x04;
constexpr uint8_t kReady = 0x50;

struct BusMasterTest : ::testing::Test {
  testing::MemoryMedium medium{2000};
  testing::FlatMemory memory{kMemory};
  AtaDisk disk{medium, {"M", "S", "1"}};
  testing::AtaHost host{&disk, nullptr};
  testing::AtaHost other{nullptr, nullptr};
  BusMasterIde bus_master{host.channel, other.channel, memory};

  BusMasterTest() { host.bus.map(0xC000, BusMasterIde::kPorts, bus_master, 4); }

  unsigned bm_status() { return host.bus.read(0xC002, 1); }
  void bm_command(unsigned value) { host.bus.write(0xC000, 1, value); }
  void set_entry(unsigned index, uint32_t address, uint32_t count) {
    memory.set_dword(kTable + 8 * index, address);
    memory.set_dword(kTable + 8 * index + 4, count);
  }
  void set_table(uint32_t address) {
    bm_command(0);
    host.bus.write(0xC004, 4, address);
    host.bus.write(0xC002, 1, kError | kInterrupt);
  }
  void start(uint8_t ata_command, uint32_t lba, unsigned count, unsigned direction) {
    set_table(kTable);
    host.address(lba, count);
    host.command(ata_command);
    bm_command(kStart | direction);
  }
  Bytes memory_at(uint32_t address, size_t size) {
    return {memory.bytes.begin() + address,
            memory.bytes.begin() + address + static_cast<std::ptrdiff_t>(size)};
  }
  void put(uint32_t address, const Bytes& bytes) {
    std::copy(bytes.begin(), bytes.end(), memory.bytes.begin() + address);
  }
};

TEST_F(BusMasterTest, Registers) {
  host.bus.write(0xC004, 4, 0x12345677);
  EXPECT_EQ(host.bus.read(0xC004, 4), 0x12345674u);
  EXPECT_EQ(host.bus.read(0xC006, 2), 0x1234u);
  host.bus.write(0xC00C, 4, 0xABCDEF00);
  EXPECT_EQ(host.bus.read(0xC004, 4), 0x12345674u) << "channels are apart";
  EXPECT_EQ(host.bus.read(0xC00C, 4), 0xABCDEF00u);
  bm_command(0xFF);
  EXPECT_EQ(host.bus.read(0xC000, 1), 0x09u);
  EXPECT_EQ(bm_status(), kActive);
  bm_command(0x08);
  EXPECT_EQ(bm_status(), 0u);
  host.bus.write(0xC002, 1, 0xFF);
  EXPECT_EQ(bm_status(), 0x60u);
  EXPECT_EQ(host.bus.read(0xC000, 4), 0x00600008u);
}

TEST_F(BusMasterTest, ReadScattersOverTheRegions) {
  set_entry(0, 0x20000, 512);
  set_entry(1, 0x30000, 256);
  set_entry(2, 0x10001, (2 * 512 - 256) | kLast);
  start(0xC8, 7, 3, kToMemory);
  EXPECT_EQ(bm_status(), kInterrupt);
  EXPECT_TRUE(host.asserted());
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(host.irq.rises, 1);
  EXPECT_EQ(memory_at(0x20000, 512), filled({8}));
  EXPECT_EQ(memory_at(0x30000, 256), filled({9}, 256));
  EXPECT_EQ(memory_at(0x10000, 768), filled({9, 10, 10}, 256)) << "bit 0 of an address does not count";
}

TEST_F(BusMasterTest, WriteGathersFromTheRegions) {
  put(0x20000, filled({100}));
  put(0x30000, filled({101}));
  set_entry(0, 0x20000, 512);
  set_entry(1, 0x30000, 512 | kLast);
  start(0xCA, 7, 2, 0);
  EXPECT_EQ(bm_status(), kInterrupt);
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(medium.first_byte(7), 100);
  EXPECT_EQ(medium.data[8 * 512 + 511], 101);
}

TEST_F(BusMasterTest, EngineMayBeStartedFirst) {
  set_entry(0, 0x20000, 512 | kLast);
  set_table(kTable);
  bm_command(kStart | kToMemory);
  EXPECT_EQ(bm_status(), kActive);
  host.address(1, 1);
  host.command(0xC8);
  EXPECT_EQ(bm_status(), kInterrupt);
  EXPECT_EQ(memory_at(0x20000, 512), filled({2}));
}

TEST_F(BusMasterTest, LongTransfersByCountZeroOf64KiB) {
  for (unsigned i = 0; i < 4; ++i) set_entry(i, 0x20000 + i * 0x10000, i == 3 ? kLast : 0);
  set_table(kTable);
  host.address48(100, 512);
  host.command(0x25);
  bm_command(kStart | kToMemory);
  EXPECT_EQ(bm_status(), kInterrupt);
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(medium.log, "RR");
  EXPECT_EQ(memory_at(0x20000 + 511 * 512, 512), filled({612}));
}

TEST_F(BusMasterTest, RegionsLargerThanTheTransferStayActive) {
  set_entry(0, 0x20000, 4096 | kLast);
  start(0xC8, 1, 1, kToMemory);
  EXPECT_EQ(bm_status(), kActive | kInterrupt);
  bm_command(0);
  EXPECT_EQ(bm_status(), kInterrupt);
}

TEST_F(BusMasterTest, RegionsSmallerThanTheTransferLeaveTheDriveWaiting) {
  set_entry(0, 0x20000, 512 | kLast);
  start(0xC8, 1, 2, kToMemory);
  EXPECT_EQ(bm_status(), 0u);
  EXPECT_FALSE(host.asserted());
  EXPECT_NE(host.alternate_status() & 0x88, 0);
  host.control(0x04);
  host.control(0x00);
  EXPECT_EQ(host.alternate_status(), kReady);
}

TEST_F(BusMasterTest, MemoryThatIsNotThereIsAnError) {
  for (const uint32_t address : {kMemory, kMemory - 256, 0xFFFFFFFEu}) {
    set_entry(0, address, 512 | kLast);
    start(0xC8, 1, 1, kToMemory);
    EXPECT_EQ(bm_status(), kError) << address;
    EXPECT_FALSE(host.asserted());
    bm_command(0);
    host.control(0x04);
    host.control(0x00);
  }
  EXPECT_EQ(memory_at(kMemory - 256, 256), Bytes(256));
}

TEST_F(BusMasterTest, ATableThatIsNotThereIsAnError) {
  set_table(0xFFFFFFFC);
  host.address(1, 1);
  host.command(0xC8);
  bm_command(kStart | kToMemory);
  EXPECT_EQ(bm_status(), kError);
}

TEST_F(BusMasterTest, ATableWithoutEndEndsWithTheTransfer) {
  // All 64 KiB of it: entries of two bytes, none the last.
  testing::FlatMemory& m = memory;
  for (uint32_t at = 0x40000; at < 0x50000; at += 8) m.set_dword(at, 0x20000), m.set_dword(at + 4, 2);
  set_table(0x4FFF8);
  host.address(1, 200);
  host.command(0xC8);
  bm_command(kStart | kToMemory);
  EXPECT_EQ(bm_status(), kActive | kInterrupt);
  EXPECT_EQ(host.status(), kReady);
}

TEST_F(BusMasterTest, ATransferOverItsOwnTableEnds) {
  set_entry(0, kTable, 512);
  set_entry(1, kTable, 512);
  start(0xC8, 1, 200, kToMemory);
  EXPECT_NE(bm_status() & (kError | kInterrupt), 0u);
}

TEST_F(BusMasterTest, NothingMovesAgainstTheDirection) {
  set_entry(0, 0x20000, 512 | kLast);
  start(0xC8, 1, 1, 0);
  EXPECT_EQ(bm_status(), kActive);
  EXPECT_FALSE(host.asserted());
}

TEST_F(BusMasterTest, StoppingForgetsTheRegion) {
  set_entry(0, 0x20000, 512 | kLast);
  set_entry(1, 0x30000, 512 | kLast);
  start(0xC8, 1, 2, kToMemory);
  bm_command(0);
  host.bus.write(0xC004, 4, kTable + 8);
  bm_command(kStart | kToMemory);
  EXPECT_EQ(bm_status(), kInterrupt);
  EXPECT_EQ(memory_at(0x30000, 512), filled({3})) << "the drive goes on where it was";
}

TEST_F(BusMasterTest, DataThatComesLater) {
  medium.waits = true;
  set_entry(0, 0x20000, 1024 | kLast);
  start(0xC8, 1, 2, kToMemory);
  EXPECT_EQ(bm_status(), kActive);
  EXPECT_EQ(host.alternate_status(), 0x80);
  EXPECT_TRUE(medium.finish());
  EXPECT_EQ(bm_status(), kInterrupt);
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(memory_at(0x20000, 1024), filled({2, 3}));

  start(0xCA, 5, 2, 0);
  EXPECT_EQ(bm_status(), 0u) << "memory has been read";
  EXPECT_FALSE(host.asserted()) << "but nothing is written yet";
  EXPECT_TRUE(medium.finish());
  EXPECT_EQ(bm_status(), kInterrupt);
  EXPECT_EQ(medium.first_byte(6), 3);
}

TEST_F(BusMasterTest, AnUnreadableSectorInterruptsWithTheError) {
  medium.bad_sector = 2;
  set_entry(0, 0x20000, 1024 | kLast);
  start(0xC8, 1, 2, kToMemory);
  EXPECT_EQ(bm_status(), kActive | kInterrupt);
  EXPECT_EQ(host.status(), 0x51);
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x40);
  EXPECT_EQ(host.in(kAtaLbaLow), 2);
  EXPECT_EQ(memory_at(0x20000, 512), filled({2}));
}

TEST_F(BusMasterTest, PioInterruptsAreSeenToo) {
  host.command(0xEC);
  EXPECT_EQ(bm_status(), kInterrupt);
  host.bus.write(0xC002, 1, kInterrupt);
  EXPECT_EQ(bm_status(), 0u) << "though INTRQ is still there";
}

}  // namespace
}  // namespace ringdown

#include "vdevices/ata_disk.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/vdevices/ata_host.h"
#include "tests/vdevices/memory_medium.h"

namespace ringdown {
namespace {

using testing::filled;
using Bytes = std::vector<uint8_t>;

constexpr uint8_t kReady = 0x50;    // DRDY DSC
constexpr uint8_t kHasData = 0x58;  // DRDY DSC DRQ
constexpr uint8_t kFailed = 0x51;   // DRDY DSC ERR
constexpr uint8_t kBusy = 0x80;

struct AtaDiskTest : ::testing::Test {
  testing::MemoryMedium medium{40 * 16 * 63};
  AtaDisk disk{medium, {"A MODEL", "SERIAL", "1.0"}};
  testing::AtaHost host{&disk, nullptr};

  void set_features(uint8_t feature, uint8_t count = 0) {
    host.out(kAtaErrorFeatures, feature);
    host.out(kAtaSectorCount, count);
    EXPECT_EQ(host.run(0xEF), kReady);
  }
  std::vector<uint16_t> identify() {
    EXPECT_EQ(host.run(0xEC), kHasData);
    return host.read_words(256);
  }
  uint32_t posted_lba() {
    return (host.in(kAtaDevice)&0x0Fu) << 24 | host.in(kAtaLbaHigh) << 16 | host.in(kAtaLbaMid) << 8 |
           host.in(kAtaLbaLow);
  }
};

TEST_F(AtaDiskTest, SignatureAfterPowerOn) {
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x01);
  EXPECT_EQ(host.in(kAtaSectorCount), 0x01);
  EXPECT_EQ(host.in(kAtaLbaLow), 0x01);
  EXPECT_EQ(host.in(kAtaLbaMid), 0x00);
  EXPECT_EQ(host.in(kAtaLbaHigh), 0x00);
  EXPECT_EQ(host.alternate_status(), kReady);
  EXPECT_FALSE(host.asserted());
}

TEST_F(AtaDiskTest, IdentifyDevice) {
  host.command(0xEC);
  EXPECT_TRUE(host.asserted());
  const auto words = identify();
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(words[0], 0x0040);
  EXPECT_EQ(words[1], 40);
  EXPECT_EQ(words[3], 16);
  EXPECT_EQ(words[6], 63);
  EXPECT_EQ(words[10], 'S' << 8 | 'E');
  EXPECT_EQ(words[27], 'A' << 8 | ' ');
  EXPECT_EQ(words[46], ' ' << 8 | ' ');
  EXPECT_EQ(words[47], 0x8010);
  EXPECT_EQ(words[54], 40);
  EXPECT_EQ(words[57] | words[58] << 16, 40320);
  EXPECT_EQ(words[60] | words[61] << 16, 40320);
  EXPECT_EQ(words[63], 0x0007);
  EXPECT_EQ(words[83] & 0xC400, 0x4400) << "48-bit addresses";
  EXPECT_EQ(words[100] | words[101] << 16, 40320);
  EXPECT_EQ(words[102] | words[103], 0);
  EXPECT_EQ(words[255] & 0xFF, 0xA5);
  const unsigned sum = std::accumulate(words.begin(), words.end(), 0u,
                                       [](unsigned s, uint16_t w) { return s + (w >> 8) + (w & 0xFF); });
  EXPECT_EQ(sum & 0xFF, 0u);
}

TEST_F(AtaDiskTest, ReadSectorsInterruptsForEachSector) {
  host.address(5, 3);
  host.command(0x20);
  for (const uint8_t value : {6, 7, 8}) {
    EXPECT_TRUE(host.asserted());
    EXPECT_EQ(host.alternate_status(), kHasData);
    EXPECT_TRUE(host.asserted()) << "the alternate status acknowledges nothing";
    EXPECT_EQ(host.status(), kHasData);
    EXPECT_FALSE(host.asserted());
    EXPECT_EQ(host.read_bytes(512), filled({value}));
  }
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(host.irq.rises, 3) << "none after the last sector";
  EXPECT_EQ(host.read_word(), 0) << "there is no more";
}

TEST_F(AtaDiskTest, DataByDoublewordsAndBytes) {
  medium.data[0] = 0x11, medium.data[1] = 0x22, medium.data[2] = 0x33, medium.data[3] = 0x44;
  medium.data[4] = 0x55, medium.data[5] = 0x66, medium.data[6] = 0x77;
  host.address(0, 1);
  host.command(0x20);
  EXPECT_EQ(host.bus.read(0x1F0, 4), 0x44332211u);
  EXPECT_EQ(host.bus.read(0x1F0, 1), 0x55u);
  EXPECT_EQ(host.bus.read(0x1F0, 1), 0x77u) << "a byte takes a whole word";
}

TEST_F(AtaDiskTest, WriteSectorsInterruptsAfterEachSector) {
  host.address(5, 2);
  EXPECT_EQ(host.run(0x30), kHasData);
  EXPECT_EQ(host.irq.rises, 0) << "not before the first sector";
  host.write_bytes(filled({100}));
  EXPECT_TRUE(host.asserted());
  EXPECT_EQ(host.status(), kHasData);
  host.write_bytes(filled({101}));
  EXPECT_TRUE(host.asserted());
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(host.irq.rises, 2);
  EXPECT_EQ(medium.first_byte(4), 5);
  EXPECT_EQ(medium.first_byte(5), 100);
  EXPECT_EQ(medium.data[6 * 512 + 511], 101);
  EXPECT_EQ(medium.first_byte(7), 8);
  EXPECT_EQ(medium.log, "W");
}

TEST_F(AtaDiskTest, CountZeroIs256) {
  host.address(1000, 0);
  host.command(0x20);
  for (unsigned i = 0; i < 256; ++i) {
    EXPECT_EQ(host.status(), kHasData) << i;
    EXPECT_EQ(host.read_bytes(512), filled({1000 + i + 1}));
  }
  EXPECT_EQ(host.status(), kReady);
}

TEST_F(AtaDiskTest, FortyEightBitAddresses) {
  host.address48(30000, 300);
  EXPECT_EQ(host.run(0x24), kHasData);
  for (unsigned i = 0; i < 300; ++i) EXPECT_EQ(host.read_bytes(512), filled({30001 + i}));
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(medium.log, "RR");

  host.address48(30000, 1);
  EXPECT_EQ(host.run(0x34), kHasData);
  host.write_bytes(filled({200}));
  EXPECT_EQ(medium.first_byte(30000), 200);

  host.address48(uint64_t{1} << 40 | 30000, 1);
  EXPECT_EQ(host.run(0x24), kFailed);
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x10);
}

TEST_F(AtaDiskTest, HobShowsWhatWasWrittenBefore) {
  host.address48(0x112233445566, 0x7788);
  EXPECT_EQ(host.in(kAtaSectorCount), 0x88);
  EXPECT_EQ(host.in(kAtaLbaLow), 0x66);
  host.control(0x80);
  EXPECT_EQ(host.in(kAtaSectorCount), 0x77);
  EXPECT_EQ(host.in(kAtaLbaLow), 0x33);
  EXPECT_EQ(host.in(kAtaLbaMid), 0x22);
  EXPECT_EQ(host.in(kAtaLbaHigh), 0x11);
  host.out(kAtaErrorFeatures, 0);
  EXPECT_EQ(host.in(kAtaLbaLow), 0x66) << "any write ends it";
}

TEST_F(AtaDiskTest, CylinderHeadSector) {
  host.out(kAtaDevice, 0xA0 | 2);
  host.out(kAtaSectorCount, 1);
  host.out(kAtaLbaLow, 4);
  host.out(kAtaLbaMid, 3);
  host.out(kAtaLbaHigh, 0);
  EXPECT_EQ(host.run(0x20), kHasData);
  const unsigned sector = (3 * 16 + 2) * 63 + 3;
  EXPECT_EQ(host.read_bytes(512), filled({sector + 1}));

  host.out(kAtaLbaLow, 0);
  EXPECT_EQ(host.run(0x20), kFailed) << "sectors count from 1";
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x10);
  host.out(kAtaLbaLow, 64);
  EXPECT_EQ(host.run(0x20), kFailed);
  host.out(kAtaLbaLow, 1);
  host.out(kAtaLbaMid, 40);
  EXPECT_EQ(host.run(0x20), kFailed) << "behind the last cylinder";
}

TEST_F(AtaDiskTest, InitializeDeviceParametersChangesTheTranslation) {
  host.out(kAtaDevice, 0xA0 | 3);
  host.out(kAtaSectorCount, 17);
  EXPECT_EQ(host.run(0x91), kReady);
  const auto words = identify();
  EXPECT_EQ(words[1], 40) << "the default stays";
  EXPECT_EQ(words[54], 40320 / 4 / 17);
  EXPECT_EQ(words[55], 4);
  EXPECT_EQ(words[56], 17);
  host.out(kAtaDevice, 0xA0 | 3);
  host.out(kAtaSectorCount, 1);
  host.out(kAtaLbaLow, 17);
  host.out(kAtaLbaMid, 2);
  host.out(kAtaLbaHigh, 0);
  EXPECT_EQ(host.run(0x20), kHasData);
  EXPECT_EQ(host.read_bytes(512), filled({(2 * 4 + 3) * 17 + 17}));
  host.out(kAtaSectorCount, 0);
  EXPECT_EQ(host.run(0x91), kFailed);
}

TEST_F(AtaDiskTest, ReadMultipleInBlocks) {
  host.address(10, 5);
  EXPECT_EQ(host.run(0xC4), kFailed) << "not set";
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x04);
  host.out(kAtaSectorCount, 4);
  EXPECT_EQ(host.run(0xC6), kReady);
  EXPECT_EQ(identify()[59], 0x0104);

  const int before = host.irq.rises;
  host.address(10, 6);
  EXPECT_EQ(host.run(0xC4), kHasData);
  EXPECT_EQ(host.read_bytes(4 * 512), filled({11, 12, 13, 14}));
  EXPECT_EQ(host.status(), kHasData);
  EXPECT_EQ(host.read_bytes(2 * 512), filled({15, 16}));
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(host.irq.rises - before, 2);

  host.address(10, 5);
  EXPECT_EQ(host.run(0xC5), kHasData);
  host.write_bytes(filled({1, 2, 3, 4}));
  EXPECT_EQ(host.status(), kHasData);
  host.write_bytes(filled({5}));
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(medium.first_byte(14), 5);
}

TEST_F(AtaDiskTest, SetMultipleModeTakesPowersOfTwo) {
  for (const unsigned count : {1u, 2u, 4u, 8u, 16u, 0u}) {
    host.out(kAtaSectorCount, count);
    EXPECT_EQ(host.run(0xC6), kReady) << count;
  }
  for (const unsigned count : {3u, 15u, 17u, 32u, 128u, 255u}) {
    host.out(kAtaSectorCount, count);
    EXPECT_EQ(host.run(0xC6), kFailed) << count;
  }
}

TEST_F(AtaDiskTest, NothingIsReachedBehindTheEnd) {
  const uint32_t end = 40320;
  host.address(end, 1);
  EXPECT_EQ(host.run(0x20), kFailed);
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x10);
  for (const uint8_t command : {0x20, 0x30, 0x40, 0xC8, 0xCA}) {
    host.address(end - 2, 3);
    EXPECT_EQ(host.run(command), kFailed) << unsigned{command};
    EXPECT_EQ(host.in(kAtaErrorFeatures), 0x10);
    EXPECT_EQ(posted_lba(), end) << "the first that is not there";
  }
  EXPECT_EQ(medium.log, "");
  host.address(end - 2, 2);
  EXPECT_EQ(host.run(0x20), kHasData);
}

TEST_F(AtaDiskTest, AnUnreadableSectorEndsTheRead) {
  medium.bad_sector = 7;
  host.address(5, 4);
  EXPECT_EQ(host.run(0x20), kHasData);
  EXPECT_EQ(host.read_bytes(1024), filled({6, 7})) << "what is before it arrives";
  EXPECT_TRUE(host.asserted());
  EXPECT_EQ(host.status(), kFailed);
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x40);
  EXPECT_EQ(posted_lba(), 7u);
  host.address(8, 1);
  EXPECT_EQ(host.run(0x20), kHasData) << "the drive goes on";
}

TEST_F(AtaDiskTest, AnUnwritableSectorEndsTheWrite) {
  medium.bad_sector = 6;
  host.address(5, 2);
  host.command(0x30);
  host.write_bytes(filled({100, 101}));
  EXPECT_EQ(host.status(), kFailed);
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x04);
  EXPECT_EQ(posted_lba(), 6u);
  EXPECT_EQ(medium.first_byte(5), 100);
}

TEST_F(AtaDiskTest, AReadOnlyDiskAbortsWrites) {
  medium.locked = true;
  host.address(5, 1);
  EXPECT_EQ(host.run(0x30), kFailed);
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x04);
  EXPECT_EQ(host.run(0x20), kHasData);
}

TEST_F(AtaDiskTest, ReadVerifyReadsWithoutData) {
  host.address(5, 3);
  host.command(0x40);
  EXPECT_TRUE(host.asserted());
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(medium.log, "R");
  medium.bad_sector = 6;
  EXPECT_EQ(host.run(0x40), kFailed);
  EXPECT_EQ(posted_lba(), 6u);
  host.address48(10, 1000);
  EXPECT_EQ(host.run(0x42), kReady);
}

TEST_F(AtaDiskTest, FlushCacheEndsWhenTheMediumHasFlushed) {
  medium.waits = true;
  EXPECT_EQ(host.run(0xE7), kBusy);
  EXPECT_FALSE(host.asserted());
  EXPECT_TRUE(medium.finish());
  EXPECT_TRUE(host.asserted());
  EXPECT_EQ(host.status(), kReady);
  medium.waits = false;
  medium.fails_to_flush = true;
  EXPECT_EQ(host.run(0xEA), kFailed);
}

TEST_F(AtaDiskTest, WithoutWriteCacheEachWriteIsFlushedBeforeItEnds) {
  set_features(0x82);
  EXPECT_EQ(medium.log, "F") << "what was in the cache";
  EXPECT_EQ(identify()[85] & 0x20, 0);
  host.address(5, 1);
  host.command(0x30);
  host.write_bytes(filled({100}));
  EXPECT_EQ(host.status(), kReady);
  EXPECT_EQ(medium.log, "FWF");
  set_features(0x02);
  EXPECT_EQ(identify()[85] & 0x20, 0x20);
}

TEST_F(AtaDiskTest, SetTransferMode) {
  set_features(0x03, 0x22);
  EXPECT_EQ(identify()[63], 0x0407);
  set_features(0x03, 0x45);
  EXPECT_EQ(identify()[88], 0x203F);
  EXPECT_EQ(identify()[63], 0x0007);
  set_features(0x03, 0x0C);
  EXPECT_EQ(identify()[88], 0x203F) << "PIO modes are selected beside";
  for (const unsigned mode : {0x02u, 0x0Du, 0x10u, 0x23u, 0x46u, 0xFFu}) {
    host.out(kAtaSectorCount, mode);
    EXPECT_EQ(host.run(0xEF), kFailed) << mode;
    EXPECT_EQ(host.in(kAtaErrorFeatures), 0x04);
  }
}

TEST_F(AtaDiskTest, PowerModes) {
  EXPECT_EQ(host.run(0xE5), kReady);
  EXPECT_EQ(host.in(kAtaSectorCount), 0xFF);
  EXPECT_EQ(host.run(0xE0), kReady);
  host.run(0xE5);
  EXPECT_EQ(host.in(kAtaSectorCount), 0x00);
  host.address(0, 1);
  host.run(0x40);
  host.run(0x98);
  EXPECT_EQ(host.in(kAtaSectorCount), 0xFF) << "a read spins it up";
}

TEST_F(AtaDiskTest, ReadNativeMaxAddress) {
  host.out(kAtaDevice, 0x40);
  EXPECT_EQ(host.run(0xF8), kReady);
  EXPECT_EQ(posted_lba(), 40319u);
  EXPECT_EQ(host.run(0x27), kReady);
  EXPECT_EQ(host.in(kAtaLbaLow) | host.in(kAtaLbaMid) << 8, 40319);
}

TEST_F(AtaDiskTest, UnknownCommandsAbort) {
  for (const uint8_t command : {0x00, 0x08, 0xA0, 0xA1, 0xB0, 0xF5, 0xFF}) {
    host.command(command);
    EXPECT_TRUE(host.asserted());
    EXPECT_EQ(host.status(), kFailed);
    EXPECT_EQ(host.in(kAtaErrorFeatures), 0x04);
  }
  EXPECT_EQ(host.run(0x10), kReady);
  EXPECT_EQ(host.run(0x70), kReady);
}

TEST_F(AtaDiskTest, ABusyDriveTakesNothing) {
  medium.waits = true;
  host.address(5, 1);
  EXPECT_EQ(host.run(0x20), kBusy);
  host.command(0xEC);
  host.out(kAtaDevice, 0x10);
  host.out(kAtaLbaLow, 99);
  medium.finish();
  EXPECT_EQ(host.status(), kHasData);
  EXPECT_EQ(host.read_bytes(512), filled({6}));
  EXPECT_EQ(host.in(kAtaLbaLow), 5);
}

TEST_F(AtaDiskTest, SoftwareReset) {
  host.address(5, 2);
  host.command(0x20);
  host.read_word();
  host.control(0x04);
  EXPECT_EQ(host.alternate_status(), kBusy);
  EXPECT_FALSE(host.asserted());
  host.command(0xEC);
  host.control(0x00);
  EXPECT_EQ(host.alternate_status(), kReady);
  EXPECT_FALSE(host.asserted());
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x01);
  EXPECT_EQ(host.in(kAtaSectorCount), 0x01);
  EXPECT_EQ(host.in(kAtaDevice), 0xA0);
  host.address(3, 1);
  EXPECT_EQ(host.run(0x20), kHasData);
  EXPECT_EQ(host.read_bytes(512), filled({4}));
}

TEST_F(AtaDiskTest, AResetWaitsForTheRequestUnderWay) {
  medium.waits = true;
  host.address(5, 1);
  host.command(0x20);
  host.control(0x04);
  host.control(0x00);
  EXPECT_EQ(host.alternate_status(), kBusy) << "the medium may still write into the buffer";
  host.command(0x90);
  EXPECT_TRUE(medium.finish());
  EXPECT_EQ(host.alternate_status(), kReady);
  EXPECT_FALSE(host.asserted());
  EXPECT_FALSE(medium.finish());
}

TEST_F(AtaDiskTest, NienHidesTheInterrupt) {
  host.control(0x02);
  host.command(0xEC);
  EXPECT_FALSE(host.asserted());
  host.control(0x00);
  EXPECT_TRUE(host.asserted());
}

TEST_F(AtaDiskTest, DeviceZeroAnswersForDeviceOne) {
  host.out(kAtaDevice, 0xB0);
  host.out(kAtaSectorCount, 0x55);
  host.out(kAtaLbaLow, 0xAA);
  EXPECT_EQ(host.in(kAtaSectorCount), 0x55);
  EXPECT_EQ(host.in(kAtaDevice), 0xB0);
  EXPECT_EQ(host.run(0xEC), 0x00);
  EXPECT_EQ(host.alternate_status(), 0x00);
  EXPECT_FALSE(host.asserted());
  EXPECT_EQ(host.run(0x90), kReady) << "a diagnostic selects device 0";
  EXPECT_EQ(host.in(kAtaErrorFeatures), 0x01);
  EXPECT_EQ(host.irq.rises, 1);
}

TEST(AtaChannelTest, NoDriveAtAll) {
  testing::AtaHost host{nullptr, nullptr};
  host.out(kAtaSectorCount, 0x55);
  EXPECT_EQ(host.in(kAtaSectorCount), 0x7F);
  EXPECT_EQ(host.in(kAtaStatusCommand), 0x7F);
  EXPECT_EQ(host.alternate_status(), 0x7F);
  EXPECT_EQ(host.bus.read(0x1F0, 4), 0xFFFFFFFFu);
  host.command(0x90);
  host.control(0x04);
  host.control(0x00);
  EXPECT_FALSE(host.asserted());
}

TEST(AtaChannelTest, TwoDrives) {
  testing::MemoryMedium first{100}, second{200};
  AtaDisk disk0{first, {"ZERO", "0", "1"}}, disk1{second, {"ONE", "1", "1"}};
  testing::AtaHost host{&disk0, &disk1};
  second.data[512] = 0x77;
  host.address(1, 1, 1);
  host.command(0x20);
  EXPECT_TRUE(host.asserted());
  EXPECT_EQ(host.bus.read(0x1F0, 1), 0x77u);
  EXPECT_EQ(host.read_bytes(510).size(), 510u);
  EXPECT_TRUE(host.asserted());
  host.out(kAtaDevice, 0xA0);
  EXPECT_FALSE(host.asserted()) << "a drive that is not selected drives no line";
  host.out(kAtaDevice, 0xB0);
  EXPECT_TRUE(host.asserted());
  host.status();
  EXPECT_FALSE(host.asserted());
  host.out(kAtaDevice, 0x40);
  host.run(0xF8);
  EXPECT_EQ(host.in(kAtaLbaLow), 99);
}

TEST(AtaChannelTest, AllPortsAtOnce) {
  testing::MemoryMedium medium{100};
  AtaDisk disk{medium, {"M", "S", "1"}};
  testing::AtaHost host{&disk, nullptr};
  host.bus.write(0x1F2, 4, 0x00'00'05'01);
  EXPECT_EQ(host.in(kAtaSectorCount), 1);
  EXPECT_EQ(host.in(kAtaLbaLow), 5);
  EXPECT_EQ(host.bus.read(0x1F2, 2), 0x0501u);
}

TEST(AtaChannelTest, ASmallDiskHasACylinder) {
  testing::MemoryMedium medium{1};
  AtaDisk disk{medium, {"M", "S", "1"}};
  testing::AtaHost host{&disk, nullptr};
  host.out(kAtaDevice, 0xA0);
  host.out(kAtaSectorCount, 1);
  host.out(kAtaLbaLow, 1);
  host.out(kAtaLbaMid, 0);
  EXPECT_EQ(host.run(0x20), kHasData);
  host.read_bytes(512);
  host.out(kAtaLbaLow, 2);
  EXPECT_EQ(host.run(0x20), kFailed) << "though the cylinder has more sectors than the disk";
}

}  // namespace
}  // namespace ringdown

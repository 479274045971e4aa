#include "vdevices/i82077aa.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "tests/vdevices/dma_channel.h"
#include "tests/vdevices/edge_counter.h"
#include "tests/vdevices/memory_medium.h"

namespace ringdown {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr uint8_t kDor = 2, kMsr = 4, kFifo = 5;
constexpr size_t kSector = 512;

Bytes filled(std::initializer_list<unsigned> values) {
  Bytes bytes;
  for (const unsigned value : values) bytes.insert(bytes.end(), kSector, static_cast<uint8_t>(value));
  return bytes;
}

struct FloppyTest : ::testing::Test {
  testing::MemoryMedium disk{2880};
  testing::DmaChannel dma;
  testing::EdgeCounter irq;
  I82077aa fdc{irq.line, dma};

  FloppyTest() {
    dma.device = &fdc;
    fdc.connect(0, 4);
    fdc.insert(0, disk);
    out(kDor, 0x1C);  // out of reset, DMA gate, motor 0
    for (int i = 0; i < 4; ++i) command({0x08});
    fdc.input_register().write_port(0, 1, 0);  // 500 kbit/s
    command({0x03, 0xDF, 0x02});
  }
  uint8_t in(uint8_t port) { return static_cast<uint8_t>(fdc.registers().read_port(port, 1)); }
  void out(uint8_t port, uint8_t value) { fdc.registers().write_port(port, 1, value); }
  bool changed() { return (fdc.input_register().read_port(0, 1) & 0x80) != 0; }
  Bytes result() {
    Bytes bytes;
    while (in(kMsr) == 0xD0) bytes.push_back(in(kFifo));
    return bytes;
  }
  Bytes command(std::initializer_list<uint8_t> bytes) {
    for (const uint8_t byte : bytes) {
      EXPECT_EQ(in(kMsr)&0xC0, 0x80);
      out(kFifo, byte);
    }
    return result();
  }
  // A seek of drive 0, with its interrupt.
  Bytes seek(uint8_t cylinder) {
    command({0x0F, 0, cylinder});
    EXPECT_TRUE(irq.line.level());
    return command({0x08});
  }
};

TEST_F(FloppyTest, ResetInterruptsAndTellsOfFourDrives) {
  const int before = irq.rises;
  out(kDor, 0x08);
  EXPECT_EQ(in(kMsr), 0x00);
  EXPECT_FALSE(irq.line.level());
  out(kDor, 0x0C);
  EXPECT_TRUE(irq.line.level());
  EXPECT_EQ(irq.rises, before + 1);
  for (uint8_t drive = 0; drive < 4; ++drive) {
    EXPECT_EQ(command({0x08}), (Bytes{static_cast<uint8_t>(0xC0 | drive), 0}));
    EXPECT_FALSE(irq.line.level());
  }
  EXPECT_EQ(command({0x08}), Bytes{0x80}) << "nothing to tell";
  out(kMsr, 0x80);  // DSR
  EXPECT_TRUE(irq.line.level());
}

TEST_F(FloppyTest, InterruptNeedsTheGate) {
  out(kDor, 0x10);
  out(kDor, 0x14);
  EXPECT_FALSE(irq.line.level());
  out(kDor, 0x1C);
  EXPECT_TRUE(irq.line.level());
}

TEST_F(FloppyTest, AnotherCommandForgetsTheReset) {
  out(kDor, 0x18);
  out(kDor, 0x1C);
  command({0x08});
  EXPECT_EQ(seek(1), (Bytes{0x20, 1}));
}

TEST_F(FloppyTest, Version) { EXPECT_EQ(command({0x10}), Bytes{0x90}); }

TEST_F(FloppyTest, InvalidCommands) {
  for (const uint8_t code : {0x00, 0x01, 0x0B, 0x1F, 0x47, 0x88}) EXPECT_EQ(command({code}), Bytes{0x80});
}

TEST_F(FloppyTest, SeekAndRecalibrate) {
  EXPECT_EQ(seek(5), (Bytes{0x20, 5}));
  command({0x0F, 0x04, 7});
  EXPECT_EQ(command({0x08}), (Bytes{0x24, 7}));
  command({0xCF, 0, 3});
  EXPECT_EQ(command({0x08}), (Bytes{0x20, 10}));
  command({0x8F, 0, 11});
  EXPECT_EQ(command({0x08}), (Bytes{0x20, 0}));
  EXPECT_EQ(seek(255), (Bytes{0x20, 83})) << "heads end somewhere";
  EXPECT_EQ(command({0x04, 0}), Bytes{0x28});
  command({0x07, 0});
  EXPECT_EQ(command({0x08}), (Bytes{0x20, 0}));
  EXPECT_EQ(command({0x04, 0}), Bytes{0x38});
  command({0x07, 1});
  EXPECT_EQ(command({0x08}), (Bytes{0x71, 0})) << "there is no second drive";
}

TEST_F(FloppyTest, ReadDataEndsWithTheTerminalCount) {
  seek(2);
  dma.start(Bytes(2 * kSector));
  const int before = irq.rises;
  EXPECT_EQ(command({0xE6, 0x04, 2, 1, 3, 2, 18, 0x1B, 0xFF}), (Bytes{0x04, 0, 0, 2, 1, 5, 2}));
  EXPECT_EQ(irq.rises, before + 1);
  EXPECT_FALSE(irq.line.level()) << "reading the result ends it";
  const unsigned sector = (2 * 2 + 1) * 18 + 2;
  EXPECT_EQ(dma.memory, filled({sector + 1, sector + 2}));
}

TEST_F(FloppyTest, MultiTrackGoesOnAtTheOtherSide) {
  dma.start(Bytes(3 * kSector));
  EXPECT_EQ(command({0xE6, 0, 0, 0, 17, 2, 18, 0x1B, 0xFF}), (Bytes{0x04, 0, 0, 0, 1, 2, 2}));
  EXPECT_EQ(dma.memory, filled({17, 18, 19}));
  dma.start(Bytes(36 * kSector));
  EXPECT_EQ(command({0xE6, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF}), (Bytes{0x00, 0, 0, 1, 0, 1, 2}));
  EXPECT_EQ(dma.memory.back(), 36);
}

TEST_F(FloppyTest, EndOfCylinderWithoutTerminalCount) {
  dma.start(Bytes(5 * kSector));
  EXPECT_EQ(command({0x66, 0, 0, 0, 17, 2, 18, 0x1B, 0xFF}), (Bytes{0x40, 0x80, 0, 1, 0, 1, 2}));
}

TEST_F(FloppyTest, WriteData) {
  Bytes bytes = filled({100, 101});
  bytes.resize(kSector + 100);
  dma.start(bytes);
  EXPECT_EQ(command({0xC5, 0, 0, 0, 2, 2, 18, 0x1B, 0xFF}), (Bytes{0x00, 0, 0, 0, 0, 4, 2}));
  EXPECT_EQ(disk.first_byte(1), 100);
  EXPECT_EQ(disk.data[2 * kSector + 99], 101);
  EXPECT_EQ(disk.data[2 * kSector + 100], 0) << "the rest of the sector";
  EXPECT_EQ(disk.first_byte(3), 4);
}

TEST_F(FloppyTest, ChannelThatIsSetUpLater) {
  EXPECT_EQ(command({0xE6, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF}), Bytes());
  EXPECT_EQ(in(kMsr), 0x10);
  dma.start(Bytes(kSector));
  EXPECT_EQ(dma.memory, filled({1}));
  EXPECT_EQ(result(), (Bytes{0, 0, 0, 0, 0, 2, 2}));
}

TEST_F(FloppyTest, SectorsThatAreNotThere) {
  dma.start(Bytes(kSector));
  EXPECT_EQ(command({0xE6, 0, 1, 0, 1, 2, 18, 0x1B, 0xFF}).at(2), 0x10) << "another cylinder";
  EXPECT_EQ(command({0xE6, 0, 0, 0, 19, 2, 36, 0x1B, 0xFF}), (Bytes{0x40, 0x04, 0, 0, 0, 19, 2}));
  EXPECT_EQ(command({0xE6, 0, 0, 0, 0, 2, 18, 0x1B, 0xFF}).at(1), 0x04);
  EXPECT_EQ(command({0xE6, 0, 0, 1, 1, 2, 18, 0x1B, 0xFF}).at(1), 0x04) << "another head in the ID";
  EXPECT_EQ(command({0xE6, 0, 0, 0, 1, 3, 18, 0x1B, 0xFF}).at(1), 0x04) << "another size";
  EXPECT_EQ(command({0xA6, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF}).at(1), 0x01) << "FM";
  seek(80);
  EXPECT_EQ(command({0xE6, 0, 80, 0, 1, 2, 18, 0x1B, 0xFF}).at(1), 0x01);
  EXPECT_EQ(dma.position, 0u);
}

TEST_F(FloppyTest, ReadIdTellsFormatsApartByTheDataRate) {
  EXPECT_EQ(command({0x4A, 0x04}), (Bytes{0x04, 0, 0, 0, 1, 1, 2}));
  fdc.input_register().write_port(0, 1, 2);
  EXPECT_EQ(command({0x4A, 0}).at(1), 0x01);
  testing::MemoryMedium small{1440};
  EXPECT_TRUE(fdc.insert(0, small));
  EXPECT_EQ(command({0x4A, 0}).at(1), 0x00);
  testing::MemoryMedium odd{1441};
  EXPECT_FALSE(fdc.insert(0, odd));
}

TEST_F(FloppyTest, ImpliedSeek) {
  command({0x13, 0, 0x40, 0});
  dma.start(Bytes(kSector));
  EXPECT_EQ(command({0xE6, 0, 3, 0, 1, 2, 18, 0x1B, 0xFF}).at(0), 0x00);
  EXPECT_EQ(dma.memory, filled({3 * 36 + 1}));
}

TEST_F(FloppyTest, LockKeepsTheConfigurationOverAReset) {
  command({0x13, 0, 0x47, 9});
  EXPECT_EQ(command({0x94}), Bytes{0x10});
  out(kDor, 0x18);
  out(kDor, 0x1C);
  EXPECT_EQ(command({0x0E}), (Bytes{0, 0, 0, 0, 0xDF, 0x02, 0, 0x80, 0x47, 9}));
  EXPECT_EQ(command({0x14}), Bytes{0x00});
  out(kDor, 0x18);
  out(kDor, 0x1C);
  EXPECT_EQ(command({0x0E}).at(8), 0x20);
}

TEST_F(FloppyTest, DiskChangeLine) {
  EXPECT_TRUE(changed());
  seek(1);
  EXPECT_FALSE(changed());
  fdc.remove(0);
  EXPECT_TRUE(changed());
  seek(2);
  EXPECT_TRUE(changed()) << "an empty drive stays so";
  EXPECT_EQ(command({0x4A, 0}).at(1), 0x01);
  fdc.insert(0, disk);
  seek(2);
  EXPECT_TRUE(changed()) << "no step, no change";
  seek(0);
  EXPECT_FALSE(changed());
}

TEST_F(FloppyTest, ADriveTakesWhatDrivesOfItsWidthTook) {
  constexpr size_t k360 = 720, k720 = 1440, k1200 = 2400, k1440 = 2880, k2880 = 5760;
  const std::vector<std::pair<uint8_t, std::vector<size_t>>> kTakes = {{1, {320, 360, 640, k360}},
                                                                       {2, {320, 360, 640, k360, k1200}},
                                                                       {3, {k720}},
                                                                       {4, {k720, k1440}},
                                                                       {5, {k720, k1440, k2880}}};
  for (const auto& [type, sizes] : kTakes) {
    fdc.connect(0, type);
    std::vector<size_t> taken;
    for (const size_t sectors : {size_t{320}, size_t{360}, size_t{640}, k360, k720, k1200, k1440, k2880}) {
      testing::MemoryMedium diskette{sectors};
      if (fdc.insert(0, diskette)) taken.push_back(sectors);
      fdc.remove(0);
    }
    EXPECT_EQ(taken, sizes) << unsigned{type};
  }
  EXPECT_FALSE(fdc.insert(1, disk)) << "there is no such drive";
}

// The bytes of a WRITE DATA are on their way when somebody takes the diskette out, or changes it.
struct FloppyChangedInAWrite : FloppyTest {
  testing::MemoryMedium other{1440};
  Bytes write_after(void (FloppyChangedInAWrite::*change)()) {
    EXPECT_EQ(command({0xC5, 0, 0, 0, 18, 2, 18, 0x1B, 0xFF}), Bytes());
    (this->*change)();
    dma.start(filled({0xEE}));
    return result();
  }
  void take_out() { fdc.remove(0); }
  void put_in_smaller() { fdc.insert(0, other); }
  void put_in_locked() {
    disk.locked = true;
    fdc.insert(0, disk);
  }
};

TEST_F(FloppyChangedInAWrite, ItFails) {
  EXPECT_EQ(write_after(&FloppyChangedInAWrite::take_out).at(1), 0x01) << "no address mark";
  fdc.insert(0, disk);
  EXPECT_EQ(write_after(&FloppyChangedInAWrite::put_in_locked).at(1), 0x02) << "not writable";
  disk.locked = false;
  EXPECT_EQ(write_after(&FloppyChangedInAWrite::put_in_smaller).at(1), 0x01) << "another data rate";
  fdc.insert(0, disk);
  dma.start(filled({0xEE}));
  EXPECT_EQ(disk.log, "");
  EXPECT_EQ(other.log, "");
}

TEST_F(FloppyTest, FormatOfADisketteThatIsTakenOut) {
  EXPECT_EQ(command({0x4D, 0, 2, 18, 0x54, 0xF6}), Bytes());
  fdc.remove(0);
  dma.start(Bytes(4 * 18));
  EXPECT_EQ(result().at(1), 0x01);
  EXPECT_EQ(disk.log, "");
}

TEST_F(FloppyTest, WriteProtectedAndBad) {
  disk.bad_sector = 1;
  dma.start(Bytes(3 * kSector));
  EXPECT_EQ(command({0xE6, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF}), (Bytes{0x40, 0x20, 0x20, 0, 0, 2, 2}));
  EXPECT_EQ(dma.position, kSector);
  EXPECT_EQ(command({0xF6, 0, 0, 0, 3, 2, 18, 0x1B, 0xFF}).at(0) & 0xC0, 0x00) << "VERIFY needs no DMA";
  disk.locked = true;
  EXPECT_EQ(command({0xC5, 0, 0, 0, 2, 2, 18, 0x1B, 0xFF}).at(1), 0x02);
  EXPECT_EQ(command({0x4D, 0, 2, 18, 0x54, 0xF6}).at(1), 0x02);
  EXPECT_EQ(command({0x04, 0}), Bytes{0x78});
}

TEST_F(FloppyTest, FormatTrackFillsIt) {
  seek(1);
  dma.start(Bytes(4 * 18));
  EXPECT_EQ(command({0x4D, 0x04, 2, 18, 0x54, 0xF6}).at(0), 0x04);
  const size_t track = 3 * 18;
  EXPECT_EQ(disk.first_byte(track - 1), track);
  for (size_t i = 0; i < 18; ++i) EXPECT_EQ(disk.first_byte(track + i), 0xF6);
  EXPECT_EQ(disk.first_byte(track + 18), track + 19);
}

TEST_F(FloppyTest, WithoutDmaBytesGoThroughTheFifo) {
  command({0x03, 0xDF, 0x03});
  disk.data[0] = 0x77;
  command({0x46, 0, 0, 0, 1, 2, 1, 0x1B, 0xFF});
  for (size_t i = 0; i < kSector; ++i) {
    EXPECT_TRUE(irq.line.level());
    EXPECT_EQ(in(kMsr), 0xF0);
    EXPECT_EQ(in(kFifo), i == 0 ? 0x77 : 1);
  }
  EXPECT_EQ(result(), (Bytes{0x40, 0x80, 0, 1, 0, 1, 2}));
  command({0x45, 0, 0, 0, 1, 2, 1, 0x1B, 0xFF});
  EXPECT_EQ(in(kMsr), 0xB0);
  for (size_t i = 0; i < kSector; ++i) out(kFifo, 0x99);
  EXPECT_EQ(disk.first_byte(0), 0x99);
}

TEST_F(FloppyTest, AResetWaitsForTheRequestUnderWay) {
  disk.waits = true;
  dma.start(Bytes(kSector));
  EXPECT_EQ(command({0xE6, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF}), Bytes());
  out(kDor, 0x18);
  out(kDor, 0x1C);
  EXPECT_EQ(in(kMsr), 0x00);
  EXPECT_FALSE(irq.line.level());
  out(kFifo, 0x10);
  EXPECT_TRUE(disk.finish());
  EXPECT_TRUE(irq.line.level());
  EXPECT_EQ(in(kMsr), 0x80);
  EXPECT_EQ(command({0x08}), (Bytes{0xC0, 0}));
  EXPECT_EQ(dma.position, 0u);
}

}  // namespace
}  // namespace ringdown

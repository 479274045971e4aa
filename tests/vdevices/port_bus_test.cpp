#include "vdevices/port_bus.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace ringdown {
namespace {

// Reads as base + offset in each byte, and keeps what was written.
struct Recorder : PortDevice {
  struct Access {
    uint16_t offset;
    unsigned size;
    uint32_t value;
    bool operator==(const Access&) const = default;
  };
  explicit Recorder(uint8_t base) : base(base) {}
  uint32_t read_port(uint16_t offset, unsigned size) override {
    ++reads;
    uint32_t value = 0;
    for (unsigned i = 0; i < size; ++i) value |= static_cast<uint32_t>(base + offset + i) << (8 * i);
    return value;
  }
  void write_port(uint16_t offset, unsigned size, uint32_t value) override {
    writes.push_back({offset, size, value});
  }
  uint8_t base;
  int reads = 0;
  std::vector<Access> writes;
};

struct PortBusTest : ::testing::Test {
  std::unique_ptr<PortBus> owner = std::make_unique<PortBus>();
  PortBus& bus = *owner;
  Recorder bytes{0x10};
  Recorder dwords{0x40};
};

TEST_F(PortBusTest, UnassignedPortsFloatAndAreCounted) {
  EXPECT_EQ(bus.read(0x300, 1), 0xFFu);
  EXPECT_EQ(bus.read(0x300, 2), 0xFFFFu);
  EXPECT_EQ(bus.read(0x300, 4), 0xFFFFFFFFu);
  bus.write(0x300, 4, 1);
  EXPECT_EQ(bus.unassigned_accesses(), 4u);
}

TEST_F(PortBusTest, OffsetsAreRelativeAndValuesAreCutToSize) {
  bus.map(0x3F8, 8, bytes);
  EXPECT_EQ(bus.read(0x3FB, 1), 0x13u);
  bus.write(0x3F9, 1, 0x12345678);
  EXPECT_EQ(bytes.writes, (std::vector<Recorder::Access>{{1, 1, 0x78}}));
  EXPECT_EQ(bus.unassigned_accesses(), 0u);
}

TEST_F(PortBusTest, WideAccessOfByteDeviceIsSplitLowByteFirst) {
  bus.map(0x20, 8, bytes);
  EXPECT_EQ(bus.read(0x22, 4), 0x15141312u);
  EXPECT_EQ(bytes.reads, 4);
  bus.write(0x20, 2, 0xBBAA);
  EXPECT_EQ(bytes.writes, (std::vector<Recorder::Access>{{0, 1, 0xAA}, {1, 1, 0xBB}}));
}

TEST_F(PortBusTest, WideDeviceTakesItsWidthWhole) {
  bus.map(0xCF8, 8, dwords, 4);
  EXPECT_EQ(bus.read(0xCFC, 4), 0x47464544u);
  EXPECT_EQ(dwords.reads, 1);
  EXPECT_EQ(bus.read(0xCFA, 2), 0x4342u);
}

TEST_F(PortBusTest, WordDeviceGetsDwordAsTwoWords) {
  bus.map(0x1F0, 4, dwords, 2);
  bus.write(0x1F0, 4, 0xDDCCBBAA);
  EXPECT_EQ(dwords.writes, (std::vector<Recorder::Access>{{0, 2, 0xBBAA}, {2, 2, 0xDDCC}}));
}

TEST_F(PortBusTest, AccessAcrossTwoDevicesIsSplit) {
  bus.map(0x100, 2, dwords, 4);
  bus.map(0x102, 2, bytes);
  EXPECT_EQ(bus.read(0x100, 4), 0x11104140u);
  EXPECT_EQ(bus.read(0x101, 2), 0x1041u);
}

TEST_F(PortBusTest, AccessPartlyUnassignedReadsOnesThere) {
  bus.map(0x100, 2, dwords, 4);
  EXPECT_EQ(bus.read(0x101, 4), 0xFFFFFF41u);
  EXPECT_GT(bus.unassigned_accesses(), 0u);
}

TEST_F(PortBusTest, TopOfPortSpaceWraps) {
  bus.map(0xFFFF, 1, bytes);
  EXPECT_EQ(bus.read(0xFFFF, 2), 0xFF10u);
}

TEST_F(PortBusTest, UnmapFreesEveryRangeOfTheDevice) {
  bus.map(0x100, 4, bytes);
  bus.map(0x200, 4, bytes);
  EXPECT_FALSE(bus.is_free(0xFF, 2));
  bus.unmap(bytes);
  EXPECT_TRUE(bus.is_free(0x100, 4));
  EXPECT_EQ(bus.read(0x200, 1), 0xFFu);
  bus.map(0x102, 4, dwords);
  EXPECT_EQ(bus.read(0x102, 1), 0x40u);
}

TEST_F(PortBusTest, MachineBugsAbort) {
  bus.map(0x100, 4, bytes);
  EXPECT_DEATH(bus.map(0x103, 2, dwords), "overlaps");
  EXPECT_DEATH(bus.map(0xFFFF, 2, dwords), "no such range");
  EXPECT_DEATH(bus.map(0x200, 2, dwords, 3), "access size");
}

}  // namespace
}  // namespace ringdown

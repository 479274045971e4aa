#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "vdevices/i440fx.h"
#include "vdevices/pci_host.h"
#include "vdevices/piix3.h"
#include "vdevices/port_bus.h"
#include "vdevices/system_control.h"

namespace ringdown {
namespace {

constexpr uint16_t kConfadd = 0xCF8, kConfdata = 0xCFC;
constexpr uint32_t kEnable = 0x80000000;

struct Segment {
  bool reads = true, writes = true;
  bool operator==(const Segment&) const = default;
};
constexpr Segment kRom{false, false}, kReadOnly{true, false}, kWriteOnly{false, true}, kRam{true, true};

// The two bridges at their places, behind the ports.
class PciTest : public ::testing::Test {
 protected:
  PciTest() {
    host_.add(PciHost::address(0, 0), bridge_);
    host_.add(PciHost::address(1, 0), isa_);
    bus_.map(kConfadd, 8, host_, 4);
  }

  static uint32_t place(unsigned device, unsigned function, unsigned offset) {
    return kEnable | device << 11 | function << 8 | (offset & 0xFC);
  }
  uint32_t read(unsigned device, unsigned offset, unsigned size) {
    bus_.write(kConfadd, 4, place(device, 0, offset));
    return bus_.read(static_cast<uint16_t>(kConfdata + (offset & 3)), size);
  }
  void write(unsigned device, unsigned offset, unsigned size, uint32_t value) {
    bus_.write(kConfadd, 4, place(device, 0, offset));
    bus_.write(static_cast<uint16_t>(kConfdata + (offset & 3)), size, value);
  }

  unsigned resets_ = 0;
  std::array<Segment, I440fx::kSegments> segments_{};
  ResetControl reset_control_{[this](ResetKind) { ++resets_; }};
  PciHost host_{reset_control_};
  I440fx bridge_{[this](unsigned segment, bool reads, bool writes) {
    segments_.at(segment) = {reads, writes};
  }};
  IrqLines irqs_{[](unsigned, bool) {}};
  Piix3IsaBridge isa_{irqs_};
  PortBus bus_;
};

TEST_F(PciTest, BridgesAreThere) {
  EXPECT_EQ(read(0, 0x00, 4), 0x12378086u);
  EXPECT_EQ(read(0, 0x08, 4), 0x06000002u);
  EXPECT_EQ(read(0, 0x2C, 4), 0x11001AF4u);
  EXPECT_EQ(read(1, 0x00, 4), 0x70008086u);
  EXPECT_EQ(read(1, 0x0A, 2), 0x0601u);
  EXPECT_EQ(read(1, 0x0E, 1), 0x80u);
}

TEST_F(PciTest, NothingElseIs) {
  EXPECT_EQ(read(2, 0, 4), 0xFFFFFFFFu);
  bus_.write(kConfadd, 4, place(0, 1, 0));
  EXPECT_EQ(bus_.read(kConfdata, 2), 0xFFFFu);
  bus_.write(kConfadd, 4, place(0, 0, 0) | 1 << 16);  // another bus
  EXPECT_EQ(bus_.read(kConfdata, 4), 0xFFFFFFFFu);
  bus_.write(kConfdata, 4, 0);
  bus_.write(kConfadd, 4, place(0, 0, 0) & ~kEnable);
  EXPECT_EQ(bus_.read(kConfdata, 4), 0xFFFFFFFFu);
}

TEST_F(PciTest, AddressIsADwordRegister) {
  bus_.write(kConfadd, 4, 0xFFFFFFFF);
  EXPECT_EQ(bus_.read(kConfadd, 4), 0x80FFFFFCu);
  bus_.write(kConfadd, 2, 0);
  bus_.write(kConfadd, 1, 0);
  bus_.write(kConfadd + 2, 2, 0);
  EXPECT_EQ(bus_.read(kConfadd, 4), 0x80FFFFFCu);
  EXPECT_EQ(bus_.read(kConfadd, 1), 0xFFu);
}

TEST_F(PciTest, ResetControlIsAByteAmongThem) {
  bus_.write(0xCF9, 1, 0x02);
  EXPECT_EQ(bus_.read(0xCF9, 1), 0x02u);
  EXPECT_EQ(resets_, 0u);
  bus_.write(kConfadd, 4, 0x80000600);
  EXPECT_EQ(resets_, 0u);
  bus_.write(0xCF9, 1, 0x06);
  EXPECT_EQ(resets_, 1u);
}

TEST_F(PciTest, PartsOfARegisterAreReachedByTheirPorts) {
  write(1, 0x61, 1, 0x0A);
  EXPECT_EQ(read(1, 0x60, 4), 0x80800A80u);
  write(1, 0x62, 2, 0x0B05);
  EXPECT_EQ(read(1, 0x60, 4), 0x0B050A80u);
  EXPECT_EQ(read(1, 0x61, 2), 0x050Au);
}

TEST_F(PciTest, WritesChangeWhatIsWritable) {
  write(0, 0x00, 4, 0);
  write(0, 0x08, 4, 0);
  write(0, 0x04, 2, 0xFFFF);
  EXPECT_EQ(read(0, 0x00, 4), 0x12378086u);
  EXPECT_EQ(read(0, 0x08, 4), 0x06000002u);
  EXPECT_EQ(read(0, 0x04, 2), 0x0106u);
  write(1, 0x60, 1, 0xFF);
  EXPECT_EQ(read(1, 0x60, 1), 0x8Fu);
}

TEST_F(PciTest, UpperMemoryIsRomAfterReset) {
  for (const Segment& segment : segments_) EXPECT_EQ(segment, kRom);
}

TEST_F(PciTest, EachPamRegisterHasTwoSegmentsAndTheFirstHasF0000) {
  write(0, 0x59, 1, 0x30);
  for (unsigned n = 12; n < 16; n++) EXPECT_EQ(segments_[n], kRam);
  write(0, 0x59, 1, 0x1F);
  for (unsigned n = 12; n < 16; n++) EXPECT_EQ(segments_[n], kReadOnly);
  EXPECT_EQ(read(0, 0x59, 1), 0x10u);
  for (unsigned n = 0; n < 12; n++) EXPECT_EQ(segments_[n], kRom);
  for (unsigned n = 0; n < 6; n++) {
    write(0, 0x5A + n, 1, 0xFD);
    EXPECT_EQ(read(0, 0x5A + n, 1), 0x31u);
    EXPECT_EQ(segments_[n * 2], kReadOnly);
    EXPECT_EQ(segments_[n * 2 + 1], kRam);
  }
  write(0, 0x5F, 1, 0x02);
  EXPECT_EQ(segments_[10], kWriteOnly);
  EXPECT_EQ(segments_[11], kRom);
}

}  // namespace
}  // namespace ringdown

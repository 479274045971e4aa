#include "vdevices/io_apic.h"

#include <gtest/gtest.h>

#include <vector>

namespace ringdown::testing {
namespace {

constexpr uint32_t kSelect = 0x00, kWindow = 0x10;
constexpr uint32_t kMasked = 1 << 16, kLevel = 1 << 15, kRemoteIrr = 1 << 14, kActiveLow = 1 << 13,
                   kLogical = 1 << 11, kNmi = 4 << 8;

struct IoApicTest : ::testing::Test {
  std::vector<ApicMessage> sent;
  bool accepts = true;
  IoApic apic{[this](const ApicMessage& message) {
    sent.push_back(message);
    return accepts;
  }};

  uint32_t read(uint8_t index) {
    apic.write_memory(kSelect, 4, index);
    return apic.read_memory(kWindow, 4);
  }
  void write(uint8_t index, uint32_t value) {
    apic.write_memory(kSelect, 4, index);
    apic.write_memory(kWindow, 4, value);
  }
  uint32_t low(unsigned pin) { return read(static_cast<uint8_t>(0x10 + 2 * pin)); }
  void set_low(unsigned pin, uint32_t value) { write(static_cast<uint8_t>(0x10 + 2 * pin), value); }
  void pulse(unsigned pin) {
    apic.set_pin(pin, true);
    apic.set_pin(pin, false);
  }
};

TEST_F(IoApicTest, StateAfterPowerOn) {
  EXPECT_EQ(read(0), 0u);
  EXPECT_EQ(read(1), 0x00170011u);
  EXPECT_EQ(read(2), 0u);
  for (unsigned pin = 0; pin < IoApic::kPins; pin++) EXPECT_EQ(low(pin), kMasked);
  pulse(3);
  EXPECT_TRUE(sent.empty());
}

TEST_F(IoApicTest, OnlyWritableBitsAreWritten) {
  for (const uint8_t index : {0x00, 0x01, 0x02, 0x0F, 0x10, 0x11, 0x3E, 0x3F, 0x40, 0xFF}) write(index, ~0u);
  EXPECT_EQ(read(0x00), 0x0F000000u);
  EXPECT_EQ(read(0x01), 0x00170011u);
  EXPECT_EQ(read(0x02), 0x0F000000u) << "arbitration ID: that of the ID";
  EXPECT_EQ(read(0x10), 0x0001AFFFu);
  EXPECT_EQ(read(0x11), 0xFF000000u);
  EXPECT_EQ(read(0x3F), 0xFF000000u);
  for (const uint8_t index : {0x0F, 0x40, 0xFF}) EXPECT_EQ(read(index), 0u);
}

TEST_F(IoApicTest, OtherAccessesAreIgnored) {
  apic.write_memory(kSelect, 4, 0x12);
  apic.write_memory(kSelect, 1, 0x01);
  apic.write_memory(0x20, 4, 0x01);
  EXPECT_EQ(apic.read_memory(kSelect, 4), 0x12u);
  EXPECT_EQ(apic.read_memory(kSelect, 1), 0u);
  EXPECT_EQ(apic.read_memory(0xFFC, 4), 0u);
  apic.write_memory(kWindow, 2, 0x31);
  EXPECT_EQ(low(1), kMasked);
}

TEST_F(IoApicTest, AnEdgeIsOneMessage) {
  write(0x13, 0x05000000);
  set_low(1, kActiveLow | kLogical | 1 << 8 | 0x41);
  apic.set_pin(1, true);
  apic.set_pin(1, true);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].destination, 5);
  EXPECT_TRUE(sent[0].logical);
  EXPECT_EQ(sent[0].delivery, ApicDelivery::kLowestPriority);
  EXPECT_FALSE(sent[0].level);
  EXPECT_EQ(sent[0].vector, 0x41);
  apic.end_of_interrupt(0x41);
  EXPECT_EQ(sent.size(), 1u);
  apic.set_pin(1, false);
  pulse(1);
  EXPECT_EQ(sent.size(), 2u);
}

TEST_F(IoApicTest, AnEdgeThatIsMaskedIsLost) {
  set_low(1, kMasked | 0x41);
  apic.set_pin(1, true);
  set_low(1, 0x41);
  EXPECT_TRUE(sent.empty());
}

TEST_F(IoApicTest, ALevelIsAMessageUntilItFalls) {
  set_low(9, kLevel | 0x61);
  apic.set_pin(9, true);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].level);
  EXPECT_EQ(low(9), kLevel | kRemoteIrr | 0x61);
  set_low(9, kLevel | 0x61);
  EXPECT_EQ(sent.size(), 1u) << "remote IRR is not the guest's to write";
  apic.end_of_interrupt(0x62);
  EXPECT_EQ(sent.size(), 1u);
  apic.end_of_interrupt(0x61);
  EXPECT_EQ(sent.size(), 2u) << "high still";
  apic.set_pin(9, false);
  apic.end_of_interrupt(0x61);
  EXPECT_EQ(sent.size(), 2u);
  EXPECT_EQ(low(9), kLevel | 0x61);
}

TEST_F(IoApicTest, AMaskedLevelWaits) {
  set_low(9, kMasked | kLevel | 0x61);
  apic.set_pin(9, true);
  EXPECT_TRUE(sent.empty());
  set_low(9, kLevel | 0x61);
  EXPECT_EQ(sent.size(), 1u);
  set_low(9, kMasked | kLevel | 0x61);
  apic.end_of_interrupt(0x61);
  EXPECT_EQ(sent.size(), 1u);
}

TEST_F(IoApicTest, ALevelThatNobodyAcceptsIsNotInService) {
  accepts = false;
  set_low(9, kLevel | 0x61);
  apic.set_pin(9, true);
  EXPECT_EQ(low(9), kLevel | 0x61);
  accepts = true;
  set_low(9, kLevel | 0x61);
  EXPECT_EQ(sent.size(), 2u);
}

TEST_F(IoApicTest, AnEntryThatBecomesEdgeTriggeredHasNoRemoteIrr) {
  set_low(9, kLevel | 0x61);
  apic.set_pin(9, true);
  set_low(9, kMasked | 0x61);
  EXPECT_EQ(low(9), kMasked | 0x61);
}

TEST_F(IoApicTest, OneVectorOfTwoPinsEndsBoth) {
  set_low(9, kLevel | 0x61);
  set_low(10, kLevel | 0x61);
  apic.set_pin(9, true);
  apic.set_pin(10, true);
  apic.end_of_interrupt(0x61);
  EXPECT_EQ(sent.size(), 4u);
}

TEST_F(IoApicTest, NmisHaveNoEnd) {
  set_low(9, kLevel | kNmi);
  apic.set_pin(9, true);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].delivery, ApicDelivery::kNmi);
  EXPECT_EQ(low(9), kLevel | kNmi);
}

}  // namespace
}  // namespace ringdown::testing

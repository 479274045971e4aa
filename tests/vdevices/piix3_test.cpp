#include "vdevices/piix3.h"

#include <gtest/gtest.h>

#include "vdevices/i8259a.h"

namespace ringdown {
namespace {

constexpr uint8_t kPirqrc = 0x60, kNotRouted = 0x80;

struct Piix3Test : ::testing::Test {
  unsigned levels = 0;
  IrqLines irqs{
      [this](unsigned irq, bool level) { levels = (levels & ~(1u << irq)) | unsigned{level} << irq; }};
  Piix3IsaBridge bridge{irqs};

  void route(unsigned pirq, unsigned value) {
    bridge.write_config(static_cast<uint8_t>(kPirqrc + pirq), 1, value);
  }
};

TEST_F(Piix3Test, NothingIsRoutedAfterReset) {
  bridge.connect(1, 0).set(true);
  EXPECT_EQ(levels, 0u);
  route(0, 11);
  EXPECT_EQ(levels, 1u << 11);
  route(0, kNotRouted | 11);
  EXPECT_EQ(levels, 0u);
}

TEST_F(Piix3Test, PinsAreSwizzledByTheDevice) {
  for (unsigned pirq = 0; pirq < 4; pirq++) route(pirq, 4 + pirq);
  for (unsigned device = 0; device < 32; device++) {
    for (unsigned pin = 0; pin < 4; pin++) {
      Line& line = bridge.connect(device, pin);
      line.set(true);
      EXPECT_EQ(levels, 1u << (4 + (device + pin + 3) % 4)) << device << " " << pin;
      line.set(false);
      EXPECT_EQ(levels, 0u);
    }
  }
}

TEST_F(Piix3Test, LineIsHighWhileAnyoneDrivesIt) {
  Line& first = bridge.connect(2, 0);
  Line& second = bridge.connect(6, 0);  // the same PIRQ
  Line& other = bridge.connect(3, 0);
  route(1, 10);
  route(2, 10);
  for (Line* line : {&first, &second, &other}) line->set(true);
  irqs.isa(10).set(true);
  first.set(false);
  second.set(false);
  EXPECT_EQ(levels, 1u << 10);
  other.set(false);
  EXPECT_EQ(levels, 1u << 10);
  irqs.isa(10).set(false);
  EXPECT_EQ(levels, 0u);
}

TEST_F(Piix3Test, RoutingMovesAnInterruptThatIsAsserted) {
  bridge.connect(1, 3).set(true);
  route(3, 5);
  EXPECT_EQ(levels, 1u << 5);
  route(3, 14);
  EXPECT_EQ(levels, 1u << 14);
}

TEST_F(Piix3Test, ReservedIrqsAreNotReached) {
  bridge.connect(1, 0).set(true);
  for (unsigned irq = 0; irq < 16; irq++) {
    route(0, irq);
    const bool reserved = irq < 3 || irq == 8 || irq == 13;
    EXPECT_EQ(levels, reserved ? 0u : 1u << irq);
  }
}

// As an operating system shares a line: the 8259A's input is level-triggered, and asks again until all are
// served.
TEST(PirqTest, InterruptsUntilEverySourceIsServed) {
  I8259aPair pic;
  IrqLines irqs{[&](unsigned irq, bool level) { pic.ir(irq).set(level); }};
  Piix3IsaBridge bridge{irqs};
  bridge.write_config(kPirqrc, 1, 11);
  pic.elcr().write_port(1, 1, 0x08);
  for (const auto& [port, value] : {std::pair{0, 0x11}, {1, 0x70}, {1, 0x02}, {1, 0x01}, {1, 0x00}})
    pic.slave().write_port(static_cast<uint16_t>(port), 1, value);
  for (const auto& [port, value] : {std::pair{0, 0x11}, {1, 0x08}, {1, 0x04}, {1, 0x01}, {1, 0x00}})
    pic.master().write_port(static_cast<uint16_t>(port), 1, value);
  Line& first = bridge.connect(1, 0);
  Line& second = bridge.connect(5, 0);
  first.set(true);
  second.set(true);
  for (Line* served : {&first, &second}) {
    ASSERT_TRUE(pic.interrupt_requested());
    EXPECT_EQ(pic.acknowledge(), 0x73);
    served->set(false);
    pic.slave().write_port(0, 1, 0x20);
    pic.master().write_port(0, 1, 0x20);
  }
  EXPECT_FALSE(pic.interrupt_requested());
}

}  // namespace
}  // namespace ringdown

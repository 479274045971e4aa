#include "vdevices/i8259a.h"

#include <gtest/gtest.h>

#include <vector>

namespace ringdown {
namespace {

struct I8259aTest : ::testing::Test {
  std::vector<bool> intr;
  I8259aPair pic{[this](bool level) { intr.push_back(level); }};

  I8259aTest() { init(); }

  void master(uint16_t offset, uint8_t value) { pic.master().write_port(offset, 1, value); }
  void slave(uint16_t offset, uint8_t value) { pic.slave().write_port(offset, 1, value); }
  uint32_t master(uint16_t offset) { return pic.master().read_port(offset, 1); }
  uint32_t slave(uint16_t offset) { return pic.slave().read_port(offset, 1); }

  void init(uint8_t master_icw4 = 0x01, uint8_t slave_icw4 = 0x01) {
    master(0, 0x11);
    for (const uint8_t value : {uint8_t{0x20}, uint8_t{0x04}, master_icw4}) master(1, value);
    slave(0, 0x11);
    for (const uint8_t value : {uint8_t{0x28}, uint8_t{0x02}, slave_icw4}) slave(1, value);
  }
  void raise(unsigned irq) { pic.ir(irq).set(true); }
  void lower(unsigned irq) { pic.ir(irq).set(false); }
  void pulse(unsigned irq) {
    lower(irq);
    raise(irq);
  }
  uint32_t isr(bool of_slave = false) {
    of_slave ? slave(0, 0x0B) : master(0, 0x0B);
    return of_slave ? slave(0) : master(0);
  }
  uint32_t irr() {
    master(0, 0x0A);
    return master(0);
  }
};

TEST_F(I8259aTest, RequestAcknowledgeEnd) {
  raise(3);
  EXPECT_TRUE(pic.interrupt_requested());
  EXPECT_EQ(irr(), 0x08u);
  EXPECT_EQ(pic.acknowledge(), 0x23);
  EXPECT_EQ(isr(), 0x08u);
  EXPECT_EQ(irr(), 0x00u);
  EXPECT_FALSE(pic.interrupt_requested());
  master(0, 0x20);
  EXPECT_EQ(isr(), 0u);
  EXPECT_FALSE(pic.interrupt_requested()) << "the input is still high, but has not risen again";
}

TEST_F(I8259aTest, IntrChangesAreReported) {
  raise(3);
  lower(3);
  EXPECT_EQ(intr, (std::vector<bool>{true, false}));
}

TEST_F(I8259aTest, LowerNumberGoesFirstAndNests) {
  raise(5);
  raise(4);
  EXPECT_EQ(pic.acknowledge(), 0x24);
  EXPECT_FALSE(pic.interrupt_requested());
  raise(1);
  EXPECT_EQ(pic.acknowledge(), 0x21);
  master(0, 0x20);  // ends 1, the highest in service
  EXPECT_EQ(isr(), 0x10u);
  master(0, 0x20);
  EXPECT_EQ(pic.acknowledge(), 0x25);
}

TEST_F(I8259aTest, MaskHoldsBackAndIsReadable) {
  master(1, 0xFB);
  EXPECT_EQ(master(1), 0xFBu);
  raise(6);
  EXPECT_FALSE(pic.interrupt_requested());
  master(1, 0xBF);
  EXPECT_EQ(pic.acknowledge(), 0x26);
}

TEST_F(I8259aTest, CascadeThroughIr2) {
  raise(12);
  EXPECT_EQ(pic.acknowledge(), 0x2C);
  EXPECT_EQ(isr(), 0x04u);
  EXPECT_EQ(isr(true), 0x10u);
  slave(0, 0x20);
  master(0, 0x20);
  EXPECT_EQ(isr() | isr(true), 0u);
}

TEST_F(I8259aTest, SlaveRequestsThatWaitedComeAfterTheEnds) {
  raise(14);
  raise(9);
  EXPECT_EQ(pic.acknowledge(), 0x29);
  slave(0, 0x20);
  EXPECT_FALSE(pic.interrupt_requested()) << "IR2 is still in service in the master";
  master(0, 0x20);
  EXPECT_EQ(pic.acknowledge(), 0x2E);
}

TEST_F(I8259aTest, SlaveIsBetweenIrq1AndIrq3) {
  raise(3);
  raise(15);
  raise(1);
  EXPECT_EQ(pic.acknowledge(), 0x21);
  master(0, 0x20);
  EXPECT_EQ(pic.acknowledge(), 0x2F);
}

TEST_F(I8259aTest, SpecialFullyNestedLetsHigherSlaveRequestsThrough) {
  init(0x11);
  raise(12);
  EXPECT_EQ(pic.acknowledge(), 0x2C);
  raise(9);
  EXPECT_TRUE(pic.interrupt_requested());
  EXPECT_EQ(pic.acknowledge(), 0x29);
  raise(14);
  EXPECT_FALSE(pic.interrupt_requested());
}

TEST_F(I8259aTest, FullyNestedMasterKeepsHigherSlaveRequestsOut) {
  raise(12);
  pic.acknowledge();
  raise(9);
  EXPECT_FALSE(pic.interrupt_requested());
}

TEST_F(I8259aTest, RequestThatFellIsSpuriousIr7) {
  raise(4);
  lower(4);
  EXPECT_FALSE(pic.interrupt_requested());
  EXPECT_EQ(pic.acknowledge(), 0x27);
  EXPECT_EQ(isr(), 0u);
}

TEST_F(I8259aTest, PollingTheSlaveTakesItsRequestFromTheMaster) {
  raise(9);
  slave(0, 0x0C);
  EXPECT_EQ(slave(0), 0x81u);
  EXPECT_FALSE(pic.interrupt_requested());
  EXPECT_EQ(isr(true), 0x02u);
  EXPECT_EQ(pic.acknowledge(), 0x27);
}

TEST_F(I8259aTest, LevelTriggeredInputAsksUntilItFalls) {
  pic.elcr().write_port(1, 1, 0xFF);
  EXPECT_EQ(pic.elcr().read_port(1, 1), 0xDEu) << "IRQ 8 and 13 stay edge triggered";
  pic.elcr().write_port(0, 1, 0xFF);
  EXPECT_EQ(pic.elcr().read_port(0, 1), 0xF8u);
  raise(11);
  EXPECT_EQ(pic.acknowledge(), 0x2B);
  slave(0, 0x20);
  master(0, 0x20);
  EXPECT_EQ(pic.acknowledge(), 0x2B);
  lower(11);
  slave(0, 0x20);
  master(0, 0x20);
  EXPECT_FALSE(pic.interrupt_requested());
}

TEST_F(I8259aTest, LtimMakesEveryInputLevelTriggered) {
  master(0, 0x1B);  // LTIM, single, ICW4
  master(1, 0x40);
  master(1, 0x01);
  raise(6);
  EXPECT_EQ(pic.acknowledge(), 0x46);
  master(0, 0x20);
  EXPECT_TRUE(pic.interrupt_requested());
}

TEST_F(I8259aTest, AutomaticEndOfInterrupt) {
  init(0x03);
  raise(5);
  EXPECT_EQ(pic.acknowledge(), 0x25);
  EXPECT_EQ(isr(), 0u);
  pulse(5);
  EXPECT_EQ(pic.acknowledge(), 0x25);
}

TEST_F(I8259aTest, RotateInAutomaticEnd) {
  init(0x03);
  master(0, 0x80);
  raise(3);
  pic.acknowledge();
  pulse(3);
  raise(4);
  EXPECT_EQ(pic.acknowledge(), 0x24) << "3 is now the lowest, 4 the highest";
  master(0, 0x00);
  pulse(4);
  EXPECT_EQ(pic.acknowledge(), 0x23);
  pulse(3);
  EXPECT_EQ(pic.acknowledge(), 0x23) << "rotation is off: 4 is still the lowest";
}

TEST_F(I8259aTest, RotateOnEnd) {
  raise(0);
  pic.acknowledge();
  master(0, 0xA0);  // rotate on non-specific EOI
  pulse(0);
  raise(7);
  EXPECT_EQ(pic.acknowledge(), 0x27);
  master(0, 0xE7);  // rotate on specific EOI of 7
  EXPECT_EQ(pic.acknowledge(), 0x20);
}

TEST_F(I8259aTest, SetPriority) {
  master(0, 0xC4);  // 4 is the lowest, 5 the highest
  raise(3);
  raise(6);
  EXPECT_EQ(pic.acknowledge(), 0x26);
}

TEST_F(I8259aTest, SpecificEndEndsThatLevelOnly) {
  raise(5);
  pic.acknowledge();
  raise(1);
  pic.acknowledge();
  master(0, 0x65);
  EXPECT_EQ(isr(), 0x02u);
}

TEST_F(I8259aTest, SpecialMaskLetsLowerLevelsIn) {
  raise(2 + 1);
  pic.acknowledge();
  raise(6);
  EXPECT_FALSE(pic.interrupt_requested());
  master(1, 0x08);
  EXPECT_FALSE(pic.interrupt_requested());
  master(0, 0x68);  // set special mask mode
  EXPECT_EQ(pic.acknowledge(), 0x26);
  master(0, 0x20);
  EXPECT_EQ(isr(), 0x08u) << "a non-specific EOI passes over masked levels";
  master(0, 0x20);
  EXPECT_EQ(isr(), 0x08u);
  master(0, 0x63);
  EXPECT_EQ(isr(), 0u);
}

TEST_F(I8259aTest, PollAcknowledges) {
  master(0, 0x0C);
  EXPECT_EQ(master(0), 0u) << "nothing to poll";
  raise(6);
  master(0, 0x0C);
  EXPECT_EQ(master(0), 0x86u);
  EXPECT_EQ(isr(), 0x40u);
}

TEST_F(I8259aTest, Icw1ForgetsEdgesMaskAndService) {
  master(1, 0xFF);
  raise(1);
  raise(4);
  master(1, 0x00);
  pic.acknowledge();
  init();
  EXPECT_EQ(master(1), 0u);
  EXPECT_EQ(isr(), 0u);
  EXPECT_FALSE(pic.interrupt_requested());
}

TEST_F(I8259aTest, WithoutIcw4TheSequenceIsShorter) {
  master(0, 0x10);
  master(1, 0x50);
  master(1, 0x04);
  master(1, 0xA5);  // already OCW1
  EXPECT_EQ(master(1), 0xA5u);
  raise(1);
  EXPECT_EQ(pic.acknowledge(), 0x51);
}

TEST_F(I8259aTest, IsaInterrupt2IsWiredToIr9) {
  raise(2);
  EXPECT_EQ(pic.acknowledge(), 0x29);
}

TEST_F(I8259aTest, SlaveWithAutoEndKeepsCascadeEdgesComing) {
  init(0x03, 0x03);
  raise(8);
  raise(12);
  EXPECT_EQ(pic.acknowledge(), 0x28);
  EXPECT_TRUE(pic.interrupt_requested());
  EXPECT_EQ(pic.acknowledge(), 0x2C);
  EXPECT_FALSE(pic.interrupt_requested());
}

TEST_F(I8259aTest, AnEdgeIsIgnoredWhereItsRequestIsLatchedAndMasked) {
  for (const unsigned irq : {0u, 8u}) {
    EXPECT_FALSE(pic.ignores_edge(irq));
    raise(irq);
    EXPECT_FALSE(pic.ignores_edge(irq)) << "it may be taken, and another one come";
    master(1, 0xFF);
    slave(1, 0xFF);
    EXPECT_TRUE(pic.ignores_edge(irq));
    lower(irq);
    EXPECT_FALSE(pic.ignores_edge(irq));
    master(1, 0);
    slave(1, 0);
  }
}

}  // namespace
}  // namespace ringdown

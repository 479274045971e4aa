#include "vdevices/local_apic.h"

#include <gtest/gtest.h>

#include <vector>

#include "fake_clock.h"

namespace ringdown::testing {
namespace {

// Register offsets.
constexpr uint32_t kId = 0x20, kVersion = 0x30, kTpr = 0x80, kApr = 0x90, kPpr = 0xA0, kEoi = 0xB0,
                   kLdr = 0xD0, kDfr = 0xE0, kSvr = 0xF0, kIsr = 0x100, kTmr = 0x180, kIrr = 0x200,
                   kEsr = 0x280, kIcrLow = 0x300, kIcrHigh = 0x310, kTimer = 0x320, kThermal = 0x330,
                   kPerformance = 0x340, kLint0 = 0x350, kLint1 = 0x360, kError = 0x370, kInitial = 0x380,
                   kCurrent = 0x390, kDivide = 0x3E0;
constexpr uint32_t kMasked = 1 << 16, kPeriodic = 1 << 17, kLevel = 1 << 15, kRemoteIrr = 1 << 14,
                   kExtInt = 7 << 8, kNmi = 4 << 8, kDivideBy1 = 0xB;
constexpr Nanoseconds kTick = 40;

struct LocalApicTest : ::testing::Test {
  FakeClock clock;
  bool intr = false;
  int nmis = 0;
  std::vector<uint8_t> ended;
  uint8_t external_vector = 0x08;
  LocalApic apic{clock,
                 kTick,
                 {.intr = [this](bool level) { intr = level; },
                  .nmi = [this] { nmis++; },
                  .end_of_interrupt = [this](uint8_t vector) { ended.push_back(vector); },
                  .acknowledge_external =
                      [this] {
                        apic.set_lint(0, false);
                        return external_vector;
                      }}};

  uint32_t read(uint32_t offset) { return apic.read_memory(offset, 4); }
  void write(uint32_t offset, uint32_t value) { apic.write_memory(offset, 4, value); }
  bool has(uint32_t set, uint8_t vector) { return read(set + vector / 32 * 16) >> vector % 32 & 1; }
  void enable() { write(kSvr, 0x1FF); }
  bool send(uint8_t vector, bool level = false) {
    return apic.deliver({.destination = 0,
                         .logical = false,
                         .delivery = ApicDelivery::kFixed,
                         .level = level,
                         .vector = vector});
  }
};

TEST_F(LocalApicTest, StateAfterPowerOn) {
  EXPECT_EQ(read(kId), 0u);
  EXPECT_EQ(read(kVersion), 0x00050014u);
  EXPECT_EQ(read(kDfr), 0xFFFFFFFFu);
  EXPECT_EQ(read(kSvr), 0xFFu);
  for (const uint32_t lvt : {kTimer, kThermal, kPerformance, kLint1, kError}) EXPECT_EQ(read(lvt), kMasked);
  EXPECT_EQ(read(kLint0), kExtInt) << "virtual wire";
  EXPECT_FALSE(intr);
}

TEST_F(LocalApicTest, OnlyWritableBitsAreWritten) {
  enable();
  const struct {
    uint32_t offset, all_ones;
  } registers[] = {{kId, 0xFF000000},   {kVersion, 0x00050014},  {kTpr, 0xFF},      {kPpr, 0xFF},
                   {kLdr, 0xFF000000},  {kDfr, 0xFFFFFFFF},      {kSvr, 0x3FF},     {kTimer, 0x300FF},
                   {kThermal, 0x107FF}, {kPerformance, 0x107FF}, {kLint0, 0x1A7FF}, {kLint1, 0x1A7FF},
                   {kError, 0x100FF},   {kIcrHigh, 0xFF000000},  {kDivide, 0xB}};
  for (const auto& r : registers) {
    write(r.offset, ~0u);
    EXPECT_EQ(read(r.offset), r.all_ones) << std::hex << r.offset;
  }
  write(kDfr, 0);
  EXPECT_EQ(read(kDfr), 0x0FFFFFFFu);
}

TEST_F(LocalApicTest, OtherSizesReadTheirPartAndWriteNothing) {
  enable();
  EXPECT_EQ(apic.read_memory(kVersion, 1), 0x14u);
  EXPECT_EQ(apic.read_memory(kVersion + 2, 2), 0x05u);
  EXPECT_EQ(apic.read_memory(kVersion + 4, 4), 0u) << "between two registers";
  apic.write_memory(kTpr, 1, 0x40);
  apic.write_memory(kTpr + 4, 4, 0x40);
  EXPECT_EQ(read(kTpr), 0u);
}

TEST_F(LocalApicTest, AnInterruptGoesFromRequestToServiceToItsEnd) {
  enable();
  EXPECT_TRUE(send(0x51));
  EXPECT_TRUE(intr);
  EXPECT_TRUE(has(kIrr, 0x51));
  EXPECT_EQ(apic.acknowledge(), 0x51);
  EXPECT_FALSE(intr);
  EXPECT_FALSE(has(kIrr, 0x51));
  EXPECT_TRUE(has(kIsr, 0x51));
  EXPECT_EQ(read(kPpr), 0x50u);
  write(kEoi, 0);
  EXPECT_FALSE(has(kIsr, 0x51));
  EXPECT_EQ(read(kPpr), 0u);
  EXPECT_TRUE(ended.empty()) << "edge triggered";
}

TEST_F(LocalApicTest, ThePriorityIsTheVectorsUpperHalf) {
  enable();
  send(0x55);
  EXPECT_EQ(apic.acknowledge(), 0x55);
  send(0x5F);
  EXPECT_FALSE(intr) << "of the same class";
  send(0x61);
  EXPECT_TRUE(intr);
  EXPECT_EQ(apic.acknowledge(), 0x61);
  write(kEoi, 0);
  EXPECT_FALSE(intr) << "55h is in service still";
  write(kEoi, 0);
  EXPECT_TRUE(intr);
  EXPECT_EQ(apic.acknowledge(), 0x5F);
}

TEST_F(LocalApicTest, TheTaskPriorityHoldsInterruptsBack) {
  enable();
  write(kTpr, 0x5A);
  EXPECT_EQ(read(kPpr), 0x5Au);
  send(0x5F);
  EXPECT_FALSE(intr);
  EXPECT_EQ(read(kApr), 0x5Au);
  send(0x60);
  EXPECT_TRUE(intr);
  EXPECT_EQ(read(kApr), 0x60u);
  EXPECT_EQ(apic.acknowledge(), 0x60);
  write(kEoi, 0);
  write(kTpr, 0x4F);
  EXPECT_TRUE(intr);
}

TEST_F(LocalApicTest, ARequestThatHasGoneIsSpurious) {
  write(kSvr, 0x1EF);
  send(0x40);
  write(kTpr, 0xFF);
  EXPECT_EQ(apic.acknowledge(), 0xEF);
  EXPECT_FALSE(has(kIsr, 0xEF));
  EXPECT_TRUE(has(kIrr, 0x40));
}

TEST_F(LocalApicTest, TheEndOfALevelTriggeredInterruptIsBroadcast) {
  enable();
  send(0x70, true);
  EXPECT_TRUE(has(kTmr, 0x70));
  apic.acknowledge();
  write(kEoi, 0);
  EXPECT_EQ(ended, std::vector<uint8_t>{0x70});
  write(kEoi, 0);
  EXPECT_EQ(ended.size(), 1u) << "nothing was in service";
  send(0x70);
  EXPECT_FALSE(has(kTmr, 0x70));
}

TEST_F(LocalApicTest, DisabledBySoftwareItMasksItsTableAndTakesNoMessages) {
  enable();
  write(kTimer, 0x40);
  write(kSvr, 0xFF);
  EXPECT_EQ(read(kTimer), kMasked | 0x40);
  EXPECT_EQ(read(kLint0), kMasked | kExtInt);
  write(kTimer, 0x41);
  EXPECT_EQ(read(kTimer), kMasked | 0x41);
  EXPECT_FALSE(send(0x50));
  enable();
  EXPECT_EQ(read(kTimer), kMasked | 0x41) << "stays masked";
}

// ---- Destinations -----------------------------------------------------------------------------------------

struct DestinationTest : LocalApicTest {
  bool reaches(uint8_t destination, bool logical) {
    return apic.deliver({.destination = destination,
                         .logical = logical,
                         .delivery = ApicDelivery::kLowestPriority,
                         .level = false,
                         .vector = 0x40});
  }
};

TEST_F(DestinationTest, Physical) {
  enable();
  write(kId, 0x03000000);
  EXPECT_TRUE(reaches(3, false));
  EXPECT_TRUE(reaches(0xFF, false));
  EXPECT_FALSE(reaches(0, false));
}

TEST_F(DestinationTest, LogicalFlat) {
  enable();
  write(kLdr, 0x04000000);
  EXPECT_TRUE(reaches(0x0C, true));
  EXPECT_FALSE(reaches(0x03, true));
}

TEST_F(DestinationTest, LogicalCluster) {
  enable();
  write(kDfr, 0x0FFFFFFF);
  write(kLdr, 0x24000000);
  EXPECT_TRUE(reaches(0x2C, true));
  EXPECT_TRUE(reaches(0xF4, true)) << "all clusters";
  EXPECT_FALSE(reaches(0x3C, true));
  EXPECT_FALSE(reaches(0x23, true));
}

// ---- The interrupt command register -----------------------------------------------------------------------

TEST_F(LocalApicTest, CommandsReachThisProcessorOrNobody) {
  enable();
  const struct {
    uint32_t low, high;
    bool arrives;
  } commands[] = {{0x00040, 0x00000000, true}, {0x00040, 0x01000000, false}, {0x00040, 0xFF000000, true},
                  {0x40040, 0x01000000, true}, {0x80040, 0x01000000, true},  {0xC0040, 0x00000000, false},
                  {0x44040, 0x00000000, true}};
  for (const auto& c : commands) {
    write(kIcrHigh, c.high);
    write(kIcrLow, c.low);
    EXPECT_EQ(intr, c.arrives) << std::hex << c.low;
    EXPECT_EQ(read(kIcrLow), c.low) << "delivery status: idle";
    if (!intr) continue;
    EXPECT_EQ(apic.acknowledge(), 0x40);
    write(kEoi, 0);
  }
}

TEST_F(LocalApicTest, CommandsOfOtherKinds) {
  enable();
  write(kIcrLow, 0x40000 | kNmi);
  EXPECT_EQ(nmis, 1);
  for (const uint32_t mode : {2u, 3u, 5u, 6u}) write(kIcrLow, 0x40000 | mode << 8 | 0x40);  // SMI … start-up
  EXPECT_FALSE(intr);
  EXPECT_EQ(nmis, 1);
}

TEST_F(LocalApicTest, IllegalVectorsAreErrors) {
  enable();
  write(kError, 0x99);
  write(kIcrLow, 0x4000F);
  EXPECT_EQ(read(kEsr), 0u) << "shown by the next write only";
  EXPECT_EQ(apic.acknowledge(), 0x99);
  write(kEsr, 0);
  EXPECT_EQ(read(kEsr), 1u << 5);
  write(kEsr, 0);
  EXPECT_EQ(read(kEsr), 0u);
  EXPECT_FALSE(send(0x0F));
  write(kEsr, 0);
  EXPECT_EQ(read(kEsr), 1u << 6);
  write(kEoi, 0);
  EXPECT_EQ(apic.acknowledge(), 0x99);
  write(kEoi, 0);
  read(0x3F0);
  EXPECT_EQ(apic.acknowledge(), 0x99);
  write(kEsr, 0);
  EXPECT_EQ(read(kEsr), 1u << 7);
}

TEST_F(LocalApicTest, AnErrorWhoseOwnVectorIsIllegalEndsThere) {
  enable();
  write(kError, 0x01);
  send(0x02);
  write(kEsr, 0);
  EXPECT_EQ(read(kEsr), 1u << 6);
  EXPECT_FALSE(intr);
}

// ---- LINT0 and LINT1 --------------------------------------------------------------------------------------

TEST_F(LocalApicTest, VirtualWire) {
  apic.set_lint(0, true);
  EXPECT_TRUE(intr) << "before any software has touched it";
  EXPECT_EQ(apic.acknowledge(), 0x08);
  EXPECT_FALSE(intr);
  enable();
  write(kTpr, 0xFF);
  apic.set_lint(0, true);
  EXPECT_TRUE(intr) << "has no priority";
  write(kLint0, kMasked | kExtInt);
  EXPECT_FALSE(intr);
  write(kLint0, kExtInt);
  EXPECT_TRUE(intr);
}

TEST_F(LocalApicTest, OwnInterruptsComeBeforeThoseOfThe8259) {
  enable();
  apic.set_lint(0, true);
  send(0x31);
  EXPECT_EQ(apic.acknowledge(), 0x31);
  EXPECT_TRUE(intr);
  EXPECT_EQ(apic.acknowledge(), 0x08);
}

TEST_F(LocalApicTest, SwitchedOffItPassesTheLinesOn) {
  enable();
  send(0x40);
  apic.set_enabled(false);
  EXPECT_FALSE(intr);
  apic.set_lint(0, true);
  EXPECT_TRUE(intr);
  EXPECT_EQ(apic.acknowledge(), 0x08);
  apic.set_lint(1, true);
  EXPECT_EQ(nmis, 1);
  EXPECT_FALSE(send(0x40));
  apic.set_enabled(true);
  EXPECT_EQ(read(kSvr), 0xFFu) << "as after power-on";
}

TEST_F(LocalApicTest, APinCanBeAnNmiOrAnInterrupt) {
  enable();
  write(kLint1, kNmi);
  apic.set_lint(1, true);
  apic.set_lint(1, true);
  EXPECT_EQ(nmis, 1) << "an edge";
  write(kLint0, 0x44);
  apic.set_lint(0, true);
  EXPECT_EQ(apic.acknowledge(), 0x44);
  write(kEoi, 0);
  EXPECT_FALSE(intr) << "an edge";
}

TEST_F(LocalApicTest, ALevelTriggeredPinInterruptsUntilItFalls) {
  enable();
  write(kLint0, kLevel | 0x44);
  apic.set_lint(0, true);
  EXPECT_EQ(read(kLint0), kLevel | kRemoteIrr | 0x44);
  EXPECT_EQ(apic.acknowledge(), 0x44);
  write(kEoi, 0);
  EXPECT_TRUE(intr) << "high still";
  EXPECT_EQ(apic.acknowledge(), 0x44);
  apic.set_lint(0, false);
  write(kEoi, 0);
  EXPECT_FALSE(intr);
  EXPECT_EQ(read(kLint0), kLevel | 0x44);
}

TEST_F(LocalApicTest, AnExternalMessageIsAnsweredByThe8259) {
  enable();
  EXPECT_TRUE(apic.deliver({.destination = 0, .logical = false, .delivery = ApicDelivery::kExternal}));
  EXPECT_TRUE(intr);
  EXPECT_EQ(apic.acknowledge(), 0x08);
  EXPECT_FALSE(intr);
}

// ---- The timer --------------------------------------------------------------------------------------------

TEST_F(LocalApicTest, TheTimerCountsDownOnce) {
  enable();
  write(kDivide, kDivideBy1);
  write(kTimer, 0x50);
  write(kInitial, 1000);
  EXPECT_EQ(apic.next_event(), 1000 * kTick);
  clock.run_until(400 * kTick, apic);
  EXPECT_EQ(read(kCurrent), 600u);
  EXPECT_FALSE(intr);
  clock.run_until(1000 * kTick, apic);
  EXPECT_TRUE(intr);
  EXPECT_EQ(apic.acknowledge(), 0x50);
  EXPECT_EQ(read(kCurrent), 0u);
  EXPECT_EQ(read(kInitial), 1000u);
  EXPECT_EQ(apic.next_event(), kNever);
}

TEST_F(LocalApicTest, TheTimerCountsDownAgainAndAgain) {
  enable();
  write(kTimer, kPeriodic | 0x50);
  write(kDivide, 0);  // by 2
  write(kInitial, 100);
  int interrupts = 0;
  for (int i = 1; i <= 5; i++) {
    clock.run_until(i * 200 * kTick + 20 * kTick, apic);
    EXPECT_EQ(read(kCurrent), 90u);
    for (; intr; interrupts++) {
      apic.acknowledge();
      write(kEoi, 0);
    }
  }
  EXPECT_EQ(interrupts, 5);
  clock.time += 1'000'007 * kTick;
  apic.advance();
  EXPECT_GT(apic.next_event(), clock.time);
  EXPECT_EQ((apic.next_event() - 0) % (200 * kTick), 0u) << "missed periods leave the phase as it was";
}

TEST_F(LocalApicTest, EveryDivisor) {
  const unsigned divisors[] = {2, 4, 8, 16, 32, 64, 128, 1};
  for (unsigned code = 0; code < 8; code++) {
    write(kDivide, (code & 3) | (code & 4) << 1);
    write(kInitial, 10);
    clock.time += 3 * divisors[code] * kTick;
    EXPECT_EQ(read(kCurrent), 7u) << divisors[code];
  }
}

TEST_F(LocalApicTest, AnotherDivisorTakesTheCountOver) {
  write(kDivide, kDivideBy1);
  write(kInitial, 1000);
  clock.time += 500 * kTick;
  write(kDivide, 0x1);  // by 4
  EXPECT_EQ(read(kCurrent), 500u);
  clock.time += 4 * 100 * kTick;
  EXPECT_EQ(read(kCurrent), 400u);
}

TEST_F(LocalApicTest, AMaskedTimerCountsAndWakesNobody) {
  enable();
  write(kDivide, kDivideBy1);
  write(kTimer, kMasked | kPeriodic | 0x50);
  write(kInitial, 100);
  EXPECT_EQ(apic.next_event(), kNever);
  clock.time += 250 * kTick;
  EXPECT_EQ(read(kCurrent), 50u);
  write(kTimer, kPeriodic | 0x50);
  EXPECT_FALSE(intr) << "what it missed while it was masked is lost";
  EXPECT_EQ(apic.next_event(), 300 * kTick);
}

TEST_F(LocalApicTest, AnInitialCountOf0StopsIt) {
  enable();
  write(kTimer, kPeriodic | 0x50);
  write(kInitial, 100);
  write(kInitial, 0);
  EXPECT_EQ(apic.next_event(), kNever);
  EXPECT_EQ(read(kCurrent), 0u);
}

TEST_F(LocalApicTest, TheTimerGoesOnlyWhereItIsEnabled) {
  enable();
  write(kTimer, 0x50);
  write(kInitial, 100);
  write(kSvr, 0xFF);
  EXPECT_EQ(apic.next_event(), kNever);
  apic.set_enabled(false);
  apic.set_enabled(true);
  EXPECT_EQ(read(kCurrent), 0u);
}

}  // namespace
}  // namespace ringdown::testing

#include "vdevices/hpet.h"

#include <gtest/gtest.h>

#include "edge_counter.h"
#include "fake_clock.h"

namespace ringdown::testing {
namespace {

constexpr uint32_t kCapabilities = 0x000, kConfiguration = 0x010, kStatus = 0x020, kCounter = 0x0F0;
constexpr uint32_t kEnable = 1, kLegacy = 2;
constexpr uint32_t kLevel = 1 << 1, kInterrupt = 1 << 2, kPeriodic = 1 << 3, kSetValue = 1 << 6,
                   k32Bit = 1 << 8, kAlwaysThere = 1 << 4 | 1 << 5;
constexpr uint32_t timer(unsigned n) { return 0x100 + 0x20 * n; }
constexpr uint32_t comparator(unsigned n) { return timer(n) + 8; }
constexpr uint32_t route(uint32_t pin) { return pin << 9; }

struct HpetTest : ::testing::Test {
  FakeClock clock;
  EdgeCounter irq0, irq8;
  std::array<EdgeCounter, 24> pins;
  Hpet hpet{clock, {.irq0 = irq0.line, .irq8 = irq8.line, .io_apic = [this](unsigned pin, bool level) {
                      pins[pin].line.set(level);
                    }}};

  uint32_t read(uint32_t offset) { return hpet.read_memory(offset, 4); }
  void write(uint32_t offset, uint32_t value) { hpet.write_memory(offset, 4, value); }
  void run_until_count(uint64_t count) { clock.run_until(count * Hpet::kPeriod, hpet); }
  uint64_t counter() { return read(kCounter) | uint64_t{read(kCounter + 4)} << 32; }
};

TEST_F(HpetTest, Capabilities) {
  EXPECT_EQ(read(kCapabilities), 0x8086A201u) << "three timers, 64 bits, legacy replacement";
  EXPECT_EQ(read(kCapabilities + 4), 10'000'000u) << "femtoseconds";
  EXPECT_EQ(read(timer(0)), kAlwaysThere);
  EXPECT_EQ(read(timer(2) + 4), Hpet::kRoutes);
  EXPECT_EQ(read(timer(3)), 0u);
  EXPECT_EQ(hpet.read_memory(kCapabilities + 2, 2), 0x8086u);
}

TEST_F(HpetTest, OnlyWritableBitsAreWritten) {
  for (uint32_t offset = 0; offset < 0x400; offset += 4) write(offset, ~0u);
  EXPECT_EQ(read(kCapabilities), 0x8086A201u);
  EXPECT_EQ(read(kConfiguration), kEnable | kLegacy);
  EXPECT_EQ(read(timer(1)), 0x3F0Eu | kAlwaysThere);
  hpet.write_memory(kConfiguration, 1, 0);
  EXPECT_EQ(read(kConfiguration), kEnable | kLegacy) << "less than a dword";
}

TEST_F(HpetTest, TheCounterCountsWhileItIsEnabled) {
  clock.time = 1000;
  EXPECT_EQ(counter(), 0u);
  write(kConfiguration, kEnable);
  clock.time += 12'345 * 10;
  EXPECT_EQ(counter(), 12'345u);
  write(kConfiguration, 0);
  clock.time += 1000;
  EXPECT_EQ(counter(), 12'345u);
  write(kCounter, 7);
  write(kCounter + 4, 9);
  write(kConfiguration, kEnable);
  clock.time += 10;
  EXPECT_EQ(counter(), 9ull << 32 | 8);
}

TEST_F(HpetTest, ATimerInterruptsOnce) {
  write(timer(2), kInterrupt | route(21));
  write(comparator(2), 100);
  write(comparator(2) + 4, 0);
  EXPECT_EQ(hpet.next_event(), kNever) << "the counter is halted";
  write(kConfiguration, kEnable);
  EXPECT_EQ(hpet.next_event(), 1000u);
  run_until_count(99);
  EXPECT_EQ(pins[21].rises, 0);
  run_until_count(1000);
  EXPECT_EQ(pins[21].rises, 1);
  EXPECT_EQ(hpet.next_event(), kNever);
  EXPECT_EQ(read(kStatus), 0u) << "of level-triggered timers only";
}

TEST_F(HpetTest, ATimerOf32BitsInterruptsWheneverTheCounterGoesRound) {
  write(timer(0), kInterrupt | k32Bit | route(20));
  write(comparator(0), 50);
  EXPECT_EQ(read(comparator(0) + 4), 0u);
  write(kConfiguration, kEnable);
  run_until_count(50 + 2 * (1ull << 32));
  EXPECT_EQ(pins[20].rises, 3);
}

TEST_F(HpetTest, AComparatorInThePastIsFarAway) {
  write(kConfiguration, kEnable);
  run_until_count(1000);
  write(timer(0), kInterrupt | route(20));
  write(comparator(0), 999);
  write(comparator(0) + 4, 0);
  EXPECT_EQ(hpet.next_event(), kNever);
}

TEST_F(HpetTest, APeriodicTimerBeginsWhereItIsToldTo) {
  write(timer(0), kInterrupt | kPeriodic | kSetValue | k32Bit | route(22));
  write(comparator(0), 500);  // first
  write(comparator(0), 100);  // period
  write(kConfiguration, kEnable);
  run_until_count(499);
  EXPECT_EQ(pins[22].rises, 0);
  run_until_count(500);
  EXPECT_EQ(pins[22].rises, 1);
  EXPECT_EQ(read(comparator(0)), 600u);
  run_until_count(1000);
  EXPECT_EQ(pins[22].rises, 6);
  clock.time += 1'000'030;
  hpet.advance();
  EXPECT_EQ(pins[22].rises, 7) << "missed periods coalesce";
  EXPECT_EQ(read(comparator(0)) % 100, 0u);
  EXPECT_GT(hpet.next_event(), clock.time);
}

TEST_F(HpetTest, APeriodOf0IsNone) {
  write(timer(0), kInterrupt | kPeriodic | kSetValue | k32Bit | route(22));
  write(comparator(0), 0);
  write(kConfiguration, kEnable);
  run_until_count(1000);
  EXPECT_EQ(pins[22].rises, 1);
  EXPECT_EQ(hpet.next_event(), kNever);
}

TEST_F(HpetTest, ALevelStaysUntilItsStatusIsCleared) {
  write(timer(1), kInterrupt | kLevel | route(23));
  write(comparator(1), 10);
  write(comparator(1) + 4, 0);
  write(kConfiguration, kEnable);
  run_until_count(20);
  EXPECT_TRUE(pins[23].line.level());
  EXPECT_EQ(read(kStatus), 2u);
  write(kStatus, 1);
  EXPECT_TRUE(pins[23].line.level());
  write(kStatus, 2);
  EXPECT_FALSE(pins[23].line.level());
  EXPECT_EQ(read(kStatus), 0u);
}

TEST_F(HpetTest, ATimerThatIsDisabledWakesNobody) {
  write(timer(1), kLevel | route(23));
  write(comparator(1), 10);
  write(comparator(1) + 4, 0);
  write(kConfiguration, kEnable);
  EXPECT_EQ(hpet.next_event(), kNever);
  clock.time = 1000;
  EXPECT_EQ(read(kStatus), 2u) << "its status is right when somebody looks";
  EXPECT_FALSE(pins[23].line.level());
  write(timer(1), kLevel | kInterrupt | route(23));
  EXPECT_TRUE(pins[23].line.level());
}

TEST_F(HpetTest, AnUnconnectedRouteLeadsNowhere) {
  write(timer(0), kInterrupt | route(3));
  write(comparator(0), 10);
  write(comparator(0) + 4, 0);
  write(kConfiguration, kEnable);
  run_until_count(20);
  for (const auto& pin : pins) EXPECT_EQ(pin.rises, 0);
}

TEST_F(HpetTest, LegacyReplacementTakesTheLinesOfTheOldTimers) {
  hpet.irq0_input().set(true);
  EXPECT_TRUE(irq0.line.level()) << "passed on";
  hpet.irq0_input().set(false);
  for (unsigned n = 0; n < 2; n++) {
    write(timer(n), kInterrupt | route(20));
    write(comparator(n), 10 + 10 * n);
    write(comparator(n) + 4, 0);
  }
  write(kConfiguration, kEnable | kLegacy);
  EXPECT_TRUE(hpet.legacy_replacement());
  hpet.irq8_input().set(true);
  EXPECT_EQ(irq8.rises, 0) << "cut off";
  run_until_count(15);
  EXPECT_EQ(irq0.rises, 2);
  run_until_count(25);
  EXPECT_EQ(irq8.rises, 1);
  EXPECT_EQ(pins[20].rises, 0);
  EXPECT_TRUE(irq0.line.level()) << "as the 8259A's edge-triggered inputs need it";
  write(kConfiguration, kEnable);
  EXPECT_FALSE(irq0.line.level()) << "the 8254's again";
  EXPECT_TRUE(irq8.line.level());
}

}  // namespace
}  // namespace ringdown::testing

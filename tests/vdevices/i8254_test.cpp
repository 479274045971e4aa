#include "vdevices/i8254.h"

#include <gtest/gtest.h>

#include "tests/vdevices/edge_counter.h"
#include "tests/vdevices/fake_clock.h"

namespace ringdown {
namespace {

using testing::kSecond;

struct I8254Test : ::testing::Test {
  testing::FakeClock clock;
  testing::EdgeCounter irq0;
  I8254 pit{clock, irq0.line};
  int64_t start = 0;

  void control(uint8_t value) { pit.write_port(3, 1, value); }
  void count(unsigned counter, uint16_t value) {
    pit.write_port(static_cast<uint16_t>(counter), 1, value & 0xFF);
    pit.write_port(static_cast<uint16_t>(counter), 1, value >> 8);
    start = I8254::ticks_at(clock.time);
  }
  unsigned read_byte(unsigned counter) { return pit.read_port(static_cast<uint16_t>(counter), 1); }
  unsigned read(unsigned counter) {
    const unsigned low = read_byte(counter);
    return low | read_byte(counter) << 8;
  }
  // Puts the clock `ticks` CLK pulses after the one that loaded the last count.
  void at(int64_t ticks) { clock.time = I8254::time_of(start + 1 + ticks); }
  unsigned latched_status(unsigned counter) {
    control(static_cast<uint8_t>(0xE0 | 2u << counter));
    return read_byte(counter);
  }
};

TEST_F(I8254Test, ClockConversionIsExactAndHasNoDrift) {
  EXPECT_EQ(I8254::ticks_at(kSecond), 1193182);
  EXPECT_EQ(I8254::ticks_at(kSecond - 1), 1193181);
  EXPECT_EQ(I8254::ticks_at(1'000'000 * kSecond), 1193182'000000);
  for (int64_t tick = 1; tick < 4'000'000'000'000; tick = tick * 3 + 1) {
    EXPECT_EQ(I8254::ticks_at(I8254::time_of(tick)), tick);
    EXPECT_EQ(I8254::ticks_at(I8254::time_of(tick) - 1), tick - 1);
  }
}

TEST_F(I8254Test, Mode0InterruptOnTerminalCount) {
  control(0x30);
  count(0, 1000);
  EXPECT_FALSE(irq0.line.level());
  at(999);
  pit.advance();
  EXPECT_FALSE(pit.out(0));
  EXPECT_FALSE(irq0.line.level());
  EXPECT_EQ(pit.next_event(), I8254::time_of(start + 1 + 1000));
  at(1000);
  pit.advance();
  EXPECT_TRUE(pit.out(0));
  EXPECT_EQ(irq0.rises, 1);
  EXPECT_EQ(pit.next_event(), kNever);
  at(1001);
  EXPECT_EQ(read(0), 0xFFFFu) << "counts on after the end";
  count(0, 10);
  EXPECT_FALSE(irq0.line.level()) << "a new count takes OUT low";
}

TEST_F(I8254Test, Mode0FirstByteStopsTheCount) {
  control(0x30);
  count(0, 1000);
  at(100);
  pit.write_port(0, 1, 5);
  at(5000);
  pit.advance();
  EXPECT_FALSE(pit.out(0));
  EXPECT_EQ(irq0.rises, 0);
  EXPECT_EQ(read(0), 900u);
}

TEST_F(I8254Test, Mode0GatePausesTheCount) {
  pit.set_gate(2, true);
  control(0xB0);
  count(2, 1000);
  at(400);
  pit.set_gate(2, false);
  at(5000);
  EXPECT_EQ(read(2), 600u);
  pit.set_gate(2, true);
  at(5600);
  EXPECT_TRUE(pit.out(2));
  at(5599);
  EXPECT_EQ(read(2), 1u);
}

TEST_F(I8254Test, Mode1OneShotIsTriggeredByTheGate) {
  control(0xB2);
  EXPECT_TRUE(pit.out(2));
  count(2, 100);
  at(500);
  EXPECT_TRUE(pit.out(2)) << "not yet triggered";
  EXPECT_EQ(latched_status(2), 0xF2u) << "OUT, null count, both bytes, mode 1";
  start = I8254::ticks_at(clock.time);
  pit.set_gate(2, true);
  at(0);
  EXPECT_FALSE(pit.out(2));
  at(99);
  EXPECT_FALSE(pit.out(2));
  at(50);
  pit.set_gate(2, false);
  start = I8254::ticks_at(clock.time);
  pit.set_gate(2, true);  // retriggered: the pulse grows longer
  EXPECT_FALSE(pit.out(2));
  at(99);
  EXPECT_FALSE(pit.out(2));
  at(100);
  EXPECT_TRUE(pit.out(2));
}

TEST_F(I8254Test, Mode2DividesExactlyForever) {
  control(0x34);
  count(0, 11932);
  const int before = irq0.rises;
  clock.run_until(100 * kSecond, pit);
  EXPECT_EQ(irq0.rises - before, (100 * 1193182LL - start - 1) / 11932);
}

TEST_F(I8254Test, Mode2CountsDownToOneAndStrobes) {
  control(0x34);
  count(0, 4);
  at(0);
  EXPECT_EQ(read(0), 4u);
  at(3);
  EXPECT_EQ(read(0), 1u);
  EXPECT_FALSE(pit.out(0));
  at(4);
  EXPECT_EQ(read(0), 4u);
  EXPECT_TRUE(pit.out(0));
}

TEST_F(I8254Test, MissedTicksCoalesce) {
  control(0x34);
  count(0, 1000);
  const int before = irq0.rises;
  at(5500);
  pit.advance();
  EXPECT_EQ(irq0.rises - before, 1);
  EXPECT_EQ(pit.next_event(), I8254::time_of(start + 1 + 6000)) << "still on the original grid";
  pit.advance();
  EXPECT_EQ(irq0.rises - before, 1);
}

TEST_F(I8254Test, Mode2NewCountWaitsForTheEndOfThePeriod) {
  control(0x34);
  count(0, 1000);
  const int64_t first = start;
  at(300);
  count(0, 400);
  EXPECT_EQ(latched_status(0) & 0x40, 0x40u) << "null count";
  start = first;
  at(999);
  EXPECT_EQ(read(0), 1u);
  at(1000);
  EXPECT_EQ(read(0), 400u);
  EXPECT_EQ(latched_status(0) & 0x40, 0u);
  at(1399);
  EXPECT_EQ(read(0), 1u);
  at(1400);
  EXPECT_EQ(read(0), 400u);
}

TEST_F(I8254Test, Mode2GateLowSetsOutAndItsRiseReloads) {
  pit.set_gate(2, true);
  control(0xB4);
  count(2, 100);
  at(99);
  EXPECT_FALSE(pit.out(2));
  pit.set_gate(2, false);
  EXPECT_TRUE(pit.out(2));
  at(1000);
  start = I8254::ticks_at(clock.time);
  pit.set_gate(2, true);
  at(10);
  EXPECT_EQ(read(2), 90u);
}

TEST_F(I8254Test, Mode3SquareWaveEven) {
  control(0xB6);
  pit.set_gate(2, true);
  count(2, 6);
  const unsigned counts[] = {6, 4, 2, 6, 4, 2};
  for (int i = 0; i < 12; ++i) {
    at(i);
    EXPECT_EQ(read(2), counts[i % 6]) << i;
    EXPECT_EQ(pit.out(2), i % 6 < 3) << i;
  }
}

TEST_F(I8254Test, Mode3SquareWaveOddIsHighForTheLongerHalf) {
  control(0xB6);
  pit.set_gate(2, true);
  count(2, 5);
  const unsigned counts[] = {4, 2, 0, 4, 2};
  for (int i = 0; i < 10; ++i) {
    at(i);
    EXPECT_EQ(read(2), counts[i % 5]) << i;
    EXPECT_EQ(pit.out(2), i % 5 < 3) << i;
  }
}

TEST_F(I8254Test, Mode3NewCountIsTakenAtTheHalf) {
  pit.set_gate(2, true);
  control(0xB6);
  count(2, 100);
  const int64_t first = start;
  at(10);
  count(2, 20);
  start = first;
  at(49);
  EXPECT_TRUE(pit.out(2));
  at(50);
  EXPECT_FALSE(pit.out(2));
  EXPECT_EQ(read(2), 20u);
  at(60);
  EXPECT_TRUE(pit.out(2)) << "the low half was already the new one";
}

TEST_F(I8254Test, Mode3GivesOneRisePerPeriod) {
  control(0x36);
  count(0, 0);  // 65536: the BIOS's 18.2 Hz
  const int before = irq0.rises;
  clock.run_until(3600 * kSecond, pit);
  EXPECT_EQ(irq0.rises - before, (3600 * 1193182LL - start - 1) / 65536);
  EXPECT_EQ(irq0.rises - before, 65543);
}

TEST_F(I8254Test, Mode4SoftwareStrobe) {
  control(0x38);
  count(0, 50);
  const int before = irq0.rises;
  at(49);
  EXPECT_TRUE(pit.out(0));
  at(50);
  EXPECT_FALSE(pit.out(0));
  at(51);
  EXPECT_TRUE(pit.out(0));
  pit.advance();
  EXPECT_EQ(irq0.rises - before, 1);
  at(50 + 65536);
  EXPECT_TRUE(pit.out(0)) << "one strobe only";
}

TEST_F(I8254Test, Mode5HardwareStrobe) {
  control(0xBA);
  count(2, 50);
  at(100);
  EXPECT_TRUE(pit.out(2));
  start = I8254::ticks_at(clock.time);
  pit.set_gate(2, true);
  at(50);
  EXPECT_FALSE(pit.out(2));
  at(51);
  EXPECT_TRUE(pit.out(2));
}

TEST_F(I8254Test, BcdCounts) {
  control(0x35);
  count(0, 0x1234);
  at(35);
  EXPECT_EQ(read(0), 0x1199u);
  control(0x31);
  count(0, 0);  // 10000
  at(1);
  EXPECT_EQ(read(0), 0x9999u);
}

TEST_F(I8254Test, LatchHoldsUntilReadAndIgnoresFurtherLatches) {
  control(0x34);
  count(0, 60000);
  at(100);
  control(0x00);
  at(200);
  control(0x00);
  EXPECT_EQ(read(0), 59900u);
  EXPECT_EQ(read(0), 59800u);
}

TEST_F(I8254Test, UnlatchedReadTakesEachByteWhenItIsRead) {
  control(0x34);
  count(0, 0x1000);
  at(0x0001);
  EXPECT_EQ(read_byte(0), 0xFFu);
  at(0x0101);
  EXPECT_EQ(read_byte(0), 0x0Eu);
}

TEST_F(I8254Test, SingleByteAccess) {
  control(0x14);  // low byte only
  pit.write_port(0, 1, 100);
  start = 0;
  at(40);
  EXPECT_EQ(read_byte(0), 60u);
  EXPECT_EQ(read_byte(0), 60u);
  control(0x24);  // high byte only
  pit.write_port(0, 1, 2);
  start = I8254::ticks_at(clock.time);
  at(0x40);
  EXPECT_EQ(read_byte(0), 1u);
}

TEST_F(I8254Test, ReadBackLatchesStatusAndCountOfSeveralCounters) {
  pit.set_gate(2, true);
  control(0x34);
  control(0xB6);
  count(0, 5000);
  count(2, 5000);
  at(1000);
  control(0xC0 | 0x02 | 0x08);  // count and status of counters 0 and 2
  at(2000);
  EXPECT_EQ(read_byte(0), 0xB4u);
  EXPECT_EQ(read(0), 4000u);
  EXPECT_EQ(read_byte(2), 0xB6u);
  EXPECT_EQ(read(2), 3000u);
  EXPECT_EQ(read(0), 3000u) << "not latched any more";
}

TEST_F(I8254Test, ControlWordIsNotReadable) { EXPECT_EQ(pit.read_port(3, 1), 0xFFu); }

// How Linux calibrates the TSC: mode 0, count 65535 and watch the most significant byte.
TEST_F(I8254Test, PollingTheMsbSeesEachValueFor256Ticks) {
  pit.set_gate(2, true);
  control(0xB0);
  count(2, 0xFFFF);
  at(0);
  read_byte(2);
  unsigned last = read_byte(2);
  Nanoseconds changed = clock.time;
  for (int i = 0; i < 50; ++i) {
    unsigned msb = last;
    while (msb == last) {
      clock.time += 500;
      read_byte(2);
      msb = read_byte(2);
    }
    EXPECT_EQ(msb, last - 1);
    if (i > 0) {
      EXPECT_NEAR(static_cast<double>(clock.time - changed), 256e9 / 1193182, 501);
    }
    changed = clock.time;
    last = msb;
  }
}

}  // namespace
}  // namespace ringdown

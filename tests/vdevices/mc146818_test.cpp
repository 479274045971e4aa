#include "vdevices/mc146818.h"

#include <gtest/gtest.h>

#include "tests/vdevices/edge_counter.h"
#include "tests/vdevices/fake_clock.h"

namespace ringdown {
namespace {

using testing::kMicrosecond;
using testing::kMillisecond;
using testing::kSecond;

// 2024-02-28 23:59:58 UTC, a Wednesday before a leap day.
constexpr int64_t kBase = 1709164798;

struct Mc146818Test : ::testing::Test {
  testing::FakeClock clock;
  testing::EdgeCounter irq8;
  Mc146818 rtc{clock, irq8.line, kBase};

  uint32_t read(uint8_t index) {
    rtc.write_port(0, 1, index);
    return rtc.read_port(1, 1);
  }
  void write(uint8_t index, uint8_t value) {
    rtc.write_port(0, 1, index);
    rtc.write_port(1, 1, value);
  }
  // century, year, month, day, hours, minutes, seconds
  uint64_t time() {
    uint64_t value = 0;
    for (const uint8_t index : {0x32, 9, 8, 7, 4, 2, 0}) value = value << 8 | read(index);
    return value;
  }
};

TEST_F(Mc146818Test, TellsTheTimeInBcd) {
  EXPECT_EQ(time(), 0x20'24'02'28'23'59'58u);
  EXPECT_EQ(read(6), 4u) << "Wednesday";
  EXPECT_EQ(read(0x0D), 0x80u);
  clock.time = 2 * kSecond;
  EXPECT_EQ(time(), 0x20'24'02'29'00'00'00u);
  EXPECT_EQ(read(6), 5u);
  clock.time = (2 + 86400) * kSecond;
  EXPECT_EQ(time(), 0x20'24'03'01'00'00'00u);
}

TEST_F(Mc146818Test, CountsManyDaysAtOnce) {
  clock.time = (2 + 86400ull * 366) * kSecond;  // 2025-03-01 (2024-02-29 + 366 days)
  EXPECT_EQ(time(), 0x20'25'03'01'00'00'00u);
  EXPECT_EQ(read(6), 7u) << "Saturday";
}

TEST_F(Mc146818Test, BinaryAnd12Hours) {
  write(0x0B, 0x84);  // SET, binary, 12 hours
  const uint8_t fields[][2] = {{0x32, 19}, {9, 99}, {8, 12}, {7, 31}, {4, 0x80 | 11}, {2, 59}, {0, 59}};
  for (const auto& field : fields) write(field[0], field[1]);
  write(0x0B, 0x04);
  EXPECT_EQ(read(4), 0x8Bu) << "11 PM";
  clock.time = kSecond;
  EXPECT_EQ(read(4), 12u) << "midnight is 12 AM";
  EXPECT_EQ(read(7), 1u);
  EXPECT_EQ(read(8), 1u);
  EXPECT_EQ(read(9), 0u);
  EXPECT_EQ(read(0x32), 20u);
  clock.time = (1 + 12 * 3600) * kSecond;
  EXPECT_EQ(read(4), 0x80u | 12) << "noon is 12 PM";
}

TEST_F(Mc146818Test, SetFreezesTheRegistersAndClearsUie) {
  write(0x0B, 0x92);
  EXPECT_EQ(read(0x0B), 0x82u);
  clock.time = 10 * kSecond;
  EXPECT_EQ(read(0), 0x58u);
  write(0, 0x15);
  EXPECT_EQ(read(0x0C) & 0x10, 0u) << "no update has ended";
  write(0x0B, 0x02);
  clock.time = 11 * kSecond;
  EXPECT_EQ(read(0), 0x16u);
}

TEST_F(Mc146818Test, DividerResetDelaysTheNextUpdateByHalfASecond) {
  clock.time = 300 * kMillisecond;
  write(0x0A, 0x76);
  clock.time = 5 * kSecond;
  EXPECT_EQ(read(0), 0x58u);
  EXPECT_EQ(rtc.next_event(), kNever);
  clock.time = 5300 * kMillisecond;
  write(0x0A, 0x26);
  clock.time = 5799 * kMillisecond;
  EXPECT_EQ(read(0), 0x58u);
  clock.time = 5800 * kMillisecond;
  EXPECT_EQ(read(0), 0x59u);
  clock.time = 6800 * kMillisecond;
  EXPECT_EQ(read(0), 0x00u);
}

TEST_F(Mc146818Test, UipIsSetFor244MicrosecondsBeforeTheUpdate) {
  clock.time = kSecond - 245 * kMicrosecond;
  EXPECT_EQ(read(0x0A), 0x26u);
  clock.time = kSecond - 244 * kMicrosecond;
  EXPECT_EQ(read(0x0A), 0xA6u);
  EXPECT_EQ(read(0), 0x58u);
  clock.time = kSecond;
  EXPECT_EQ(read(0x0A), 0x26u);
  EXPECT_EQ(read(0), 0x59u);
  write(0x0B, 0x82);
  clock.time = 2 * kSecond - 1;
  EXPECT_EQ(read(0x0A), 0x26u) << "none while SET";
}

TEST_F(Mc146818Test, PeriodicInterruptRates) {
  const struct {
    uint8_t rate;
    unsigned hertz;
  } kRates[] = {{1, 256}, {2, 128}, {3, 8192}, {6, 1024}, {15, 2}};
  write(0x0B, 0x42);
  for (const auto& [rate, hertz] : kRates) {
    write(0x0A, 0x20 | rate);
    read(0x0C);
    const Nanoseconds end = clock.time + 3 * kSecond;
    unsigned interrupts = 0;
    while (rtc.next_event() <= end) {
      clock.time = rtc.next_event();
      rtc.advance();
      ASSERT_TRUE(irq8.line.level());
      EXPECT_EQ(read(0x0C) & 0xC0, 0xC0u);
      ASSERT_FALSE(irq8.line.level());
      ++interrupts;
    }
    clock.time = end;
    EXPECT_EQ(interrupts, 3 * hertz) << "rate " << int{rate};
  }
  write(0x0A, 0x20);
  EXPECT_EQ(rtc.next_event(), kNever);
}

TEST_F(Mc146818Test, UnreadRegisterCHoldsTheLineAndNeedsNoMoreEvents) {
  write(0x0B, 0x42);
  clock.time = kMillisecond;
  rtc.advance();
  EXPECT_TRUE(irq8.line.level());
  EXPECT_EQ(rtc.next_event(), kNever);
  clock.time = 10 * kMillisecond;
  rtc.advance();
  EXPECT_EQ(irq8.rises, 1);
  read(0x0C);
  EXPECT_GT(rtc.next_event(), clock.time);
  EXPECT_LT(rtc.next_event(), clock.time + kMillisecond);
}

TEST_F(Mc146818Test, UpdateEndedInterrupt) {
  write(0x0B, 0x12);
  read(0x0C);
  EXPECT_EQ(rtc.next_event(), kSecond);
  clock.run_until(kSecond, rtc);
  EXPECT_TRUE(irq8.line.level());
  EXPECT_EQ(read(0x0C), 0x80u | 0x10 | 0x40) << "the periodic flag is set even though not enabled";
  EXPECT_EQ(read(0x0C), 0u);
}

TEST_F(Mc146818Test, AlarmAtATimeOfDay) {
  write(1, 0x03);
  write(3, 0x00);
  write(5, 0x00);
  write(0x0B, 0x22);
  clock.run_until(5 * kSecond - 1, rtc);
  EXPECT_EQ(irq8.rises, 0);
  clock.run_until(5 * kSecond, rtc);
  EXPECT_EQ(irq8.rises, 1);
  EXPECT_EQ(read(0x0C) & 0xA0, 0xA0u);
  clock.time = (5 + 86400 - 1) * kSecond;
  EXPECT_EQ(read(0x0C) & 0x20, 0u);
  clock.time = (5 + 86400) * kSecond;
  EXPECT_EQ(read(0x0C) & 0x20, 0x20u);
}

TEST_F(Mc146818Test, AlarmDontCareMatchesEveryValue) {
  write(1, 0x30);
  write(3, 0xC0);
  write(5, 0xFF);
  write(0x0B, 0x22);
  int alarms = 0;
  for (int minute = 0; minute < 5; ++minute) {
    clock.run_until((32 + 60 * minute) * kSecond, rtc);
    alarms += (read(0x0C) & 0x20) != 0;
  }
  EXPECT_EQ(alarms, 5);
  EXPECT_EQ(irq8.rises, 5);
}

TEST_F(Mc146818Test, NmiMaskIsBit7OfTheIndex) {
  EXPECT_FALSE(rtc.nmi_masked());
  rtc.write_port(0, 1, 0x8D);
  EXPECT_TRUE(rtc.nmi_masked());
  EXPECT_EQ(rtc.read_port(1, 1), 0x80u) << "register D";
  EXPECT_EQ(rtc.read_port(0, 1), 0xFFu);
}

TEST_F(Mc146818Test, RamIsRamAndCAndDAreReadOnly) {
  write(0x40, 0x5A);
  EXPECT_EQ(read(0x40), 0x5Au);
  write(0x0D, 0);
  EXPECT_EQ(read(0x0D), 0x80u);
  write(0x0A, 0xFF & ~0x40);
  EXPECT_EQ(read(0x0A), 0x3Fu) << "UIP cannot be written";
}

TEST_F(Mc146818Test, MemorySizeBytes) {
  constexpr uint64_t kMiB = 1 << 20;
  rtc.set_memory_size(512 * kMiB, 1024 * kMiB);
  rtc.set_equipment(0x2F);
  EXPECT_EQ(read(0x15) | read(0x16) << 8, 640u);
  EXPECT_EQ(read(0x17) | read(0x18) << 8, 0xFFFFu);
  EXPECT_EQ(read(0x30) | read(0x31) << 8, 0xFFFFu);
  EXPECT_EQ(read(0x34) | read(0x35) << 8, 496u * 16);
  EXPECT_EQ(read(0x5B) | read(0x5C) << 8 | read(0x5D) << 16, 16384u);
  EXPECT_EQ(read(0x14), 0x2Fu);
  unsigned sum = 0;
  for (uint8_t i = 0x10; i < 0x2E; ++i) sum += read(i);
  EXPECT_EQ(read(0x2E) << 8 | read(0x2F), sum);
  rtc.set_memory_size(8 * kMiB, 0);
  EXPECT_EQ(read(0x30) | read(0x31) << 8, 7u * 1024);
  EXPECT_EQ(read(0x34) | read(0x35) << 8, 0u);
}

TEST_F(Mc146818Test, NonsenseInTheRegistersGivesSomeTime) {
  for (uint8_t index = 0; index < 10; ++index) write(index, 0xFF);
  write(0x32, 0xFF);
  clock.time = 100 * kSecond;
  EXPECT_LE(read(0), 0x59u);
  EXPECT_LE(read(8), 0x12u);
  EXPECT_GE(read(8), 0x01u);
}

}  // namespace
}  // namespace ringdown

#include "vdevices/acpi_pm.h"

#include <gtest/gtest.h>

#include "tests/vdevices/fake_clock.h"
#include "vdevices/apm_ports.h"
#include "vdevices/port_bus.h"
#include "vdevices/ticks.h"

namespace ringdown {
namespace {

using namespace testing;

constexpr uint16_t kStatus = 0, kEnable = 2, kControl = 4, kTimer = 8;
constexpr unsigned kTimerOverflow = 1 << 0, kPowerButton = 1 << 8;
constexpr unsigned kSciEnable = 1, kSuspendEnable = 1 << 13;
constexpr unsigned suspend_type(unsigned type) { return type << 10; }
constexpr int64_t kHalfPeriod = 0x800000;

Nanoseconds time_of(int64_t tick) { return time_of_tick(tick, AcpiPm::kTimerFrequency); }

struct AcpiPmTest : ::testing::Test {
  FakeClock clock;
  Line sci;
  int power_offs = 0;
  AcpiPm pm{clock, sci, [this] { power_offs++; }};
  PortBus bus;

  AcpiPmTest() { bus.map(0, AcpiPm::kPorts, pm, 4); }
};

TEST_F(AcpiPmTest, TimerCountsItsFrequencyIn24Bits) {
  EXPECT_EQ(bus.read(kTimer, 4), 0u);
  clock.time = kSecond;
  EXPECT_EQ(bus.read(kTimer, 4), 3579545u);
  clock.time = 1'000'000 * kSecond;
  EXPECT_EQ(bus.read(kTimer, 4), 3579545'000000u & 0xFFFFFF);
  clock.time = time_of(0xFFFFFF);
  EXPECT_EQ(bus.read(kTimer, 4), 0xFFFFFFu);
  clock.time = time_of(0x1000000);
  EXPECT_EQ(bus.read(kTimer, 4), 0u);
}

TEST_F(AcpiPmTest, PartsOfTheTimerAreReadByTheirPorts) {
  clock.time = time_of(0x123456);
  EXPECT_EQ(bus.read(kTimer, 2), 0x3456u);
  EXPECT_EQ(bus.read(kTimer + 1, 1), 0x34u);
  EXPECT_EQ(bus.read(kTimer + 2, 2), 0x12u);
  EXPECT_EQ(bus.read(kTimer - 2, 4), 0x34560000u);
  bus.write(kTimer, 4, 0);
  EXPECT_EQ(bus.read(kTimer, 4), 0x123456u);
}

TEST_F(AcpiPmTest, EachChangeOfBit23IsAnOverflow) {
  for (const int64_t change : {kHalfPeriod, 2 * kHalfPeriod, 3 * kHalfPeriod}) {
    clock.time = time_of(change) - 1;
    EXPECT_EQ(bus.read(kStatus, 2), 0u);
    clock.time = time_of(change);
    EXPECT_EQ(bus.read(kStatus, 2), kTimerOverflow);
    bus.write(kStatus, 2, kTimerOverflow);
    EXPECT_EQ(bus.read(kStatus, 2), 0u);
  }
}

TEST_F(AcpiPmTest, OverflowsThatNobodyLookedAtAreOne) {
  clock.time = time_of(7 * kHalfPeriod + 5);
  EXPECT_EQ(bus.read(kStatus, 2), kTimerOverflow);
  bus.write(kStatus, 2, kTimerOverflow);
  EXPECT_EQ(bus.read(kStatus, 2), 0u);
  clock.time = time_of(8 * kHalfPeriod);
  EXPECT_EQ(bus.read(kStatus, 2), kTimerOverflow);
}

TEST_F(AcpiPmTest, OverflowInterruptsWhenItIsDue) {
  bus.write(kEnable, 2, kTimerOverflow);
  EXPECT_EQ(pm.next_event(), kNever) << "ACPI is not enabled";
  bus.write(kControl, 2, kSciEnable);
  EXPECT_EQ(pm.next_event(), time_of(kHalfPeriod));
  clock.run_until(time_of(kHalfPeriod) - 1, pm);
  EXPECT_FALSE(sci.level());
  clock.run_until(time_of(kHalfPeriod), pm);
  EXPECT_TRUE(sci.level());
  EXPECT_EQ(pm.next_event(), kNever) << "it interrupts already";
  bus.write(kStatus, 2, kTimerOverflow);
  EXPECT_FALSE(sci.level());
  EXPECT_EQ(pm.next_event(), time_of(2 * kHalfPeriod));
  bus.write(kEnable, 2, 0);
  EXPECT_EQ(pm.next_event(), kNever);
}

TEST_F(AcpiPmTest, PowerButtonInterruptsUntilItsStatusIsCleared) {
  bus.write(kEnable, 2, kPowerButton);
  bus.write(kControl, 2, kSciEnable);
  pm.press_power_button();
  EXPECT_TRUE(sci.level());
  EXPECT_EQ(bus.read(kStatus, 2), kPowerButton);
  bus.write(kStatus, 2, 0xFFFF & ~kPowerButton);
  EXPECT_TRUE(sci.level());
  bus.write(kStatus + 1, 1, kPowerButton >> 8);
  EXPECT_FALSE(sci.level());
  EXPECT_EQ(bus.read(kStatus, 2), 0u);
}

TEST_F(AcpiPmTest, AnEventThatIsNotEnabledWaits) {
  pm.press_power_button();
  bus.write(kControl, 2, kSciEnable);
  EXPECT_FALSE(sci.level());
  bus.write(kEnable, 2, kPowerButton);
  EXPECT_TRUE(sci.level());
  pm.set_sci_enable(false);
  EXPECT_FALSE(sci.level());
  EXPECT_EQ(bus.read(kControl, 2), 0u);
  pm.set_sci_enable(true);
  EXPECT_TRUE(sci.level());
  EXPECT_EQ(bus.read(kControl, 2), kSciEnable);
}

TEST_F(AcpiPmTest, RegistersHoldTheirBitsOnly) {
  bus.write(kEnable, 2, 0xFFFF);
  EXPECT_EQ(bus.read(kEnable, 2), 0x0521u);
  bus.write(kEnable, 1, 0);
  EXPECT_EQ(bus.read(kEnable, 2), 0x0500u);
  bus.write(kControl, 2, 0xFFFF & ~kSuspendEnable);
  EXPECT_EQ(bus.read(kControl, 2), 0x1C03u);
  for (uint16_t offset = 12; offset < AcpiPm::kPorts; offset += 4) {
    bus.write(offset, 4, 0xFFFFFFFF);
    EXPECT_EQ(bus.read(offset, 4), 0u) << offset;
  }
  EXPECT_EQ(power_offs, 0);
}

TEST_F(AcpiPmTest, SoftOffSwitchesOff) {
  bus.write(kControl, 2, suspend_type(0) | kSciEnable);
  EXPECT_EQ(power_offs, 0);
  bus.write(kControl, 2, suspend_type(0) | kSuspendEnable | kSciEnable);
  EXPECT_EQ(power_offs, 1);
  EXPECT_EQ(bus.read(kControl, 2), kSciEnable) << "SUS_EN reads 0";
  bus.write(kControl, 1, kSciEnable);
  EXPECT_EQ(power_offs, 1);
  bus.write(kControl + 1, 1, (suspend_type(0) | kSuspendEnable) >> 8);
  EXPECT_EQ(power_offs, 2);
}

TEST_F(AcpiPmTest, OtherSleepStatesDoNothing) {
  for (unsigned type = 1; type < 8; type++) bus.write(kControl, 2, suspend_type(type) | kSuspendEnable);
  EXPECT_EQ(power_offs, 0);
  EXPECT_EQ(bus.read(kControl, 2), suspend_type(7));
}

TEST(ApmPortsTest, PassesOnWhatIsAboutAcpi) {
  std::vector<bool> asked;
  ApmPorts ports([&](bool enable) { asked.push_back(enable); });
  ports.write_port(0, 1, 0x00);
  ports.write_port(1, 1, ApmPorts::kAcpiEnable);
  EXPECT_TRUE(asked.empty());
  ports.write_port(0, 1, ApmPorts::kAcpiEnable);
  ports.write_port(0, 1, ApmPorts::kAcpiDisable);
  EXPECT_EQ(asked, (std::vector{true, false}));
  EXPECT_EQ(ports.read_port(0, 1), uint32_t{ApmPorts::kAcpiDisable});
  EXPECT_EQ(ports.read_port(1, 1), uint32_t{ApmPorts::kAcpiEnable});
}

}  // namespace
}  // namespace ringdown

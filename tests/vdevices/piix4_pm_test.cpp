#include "vdevices/piix4_pm.h"

#include <gtest/gtest.h>

#include "tests/vdevices/fake_clock.h"
#include "vdevices/acpi_events.h"
#include "vdevices/debug_exit.h"

namespace ringdown {
namespace {

constexpr uint8_t kCommand = 0x04, kPmba = 0x40, kDevactb = 0x58, kPmregmisc = 0x80, kSmbba = 0x90,
                  kSmbhstcfg = 0xD2;
constexpr uint16_t kPm = 0xB000, kSmbus = 0xB100;
constexpr uint16_t kSmbusStatus = kSmbus, kSmbusControl = kSmbus + 2, kSmbusBlock = kSmbus + 7;

struct Piix4PmTest : ::testing::Test {
  testing::FakeClock clock;
  PortBus bus;
  Line irq9;
  int power_offs = 0;
  Piix4Pm function{clock, bus, irq9, [this] { power_offs++; }, {.com1 = true}};

  // As SeaBIOS does.
  void set_up() {
    function.write_config(kPmba, 4, kPm | 1);
    function.write_config(kPmregmisc, 1, 1);
    function.write_config(kSmbba, 4, kSmbus | 1);
    function.write_config(kSmbhstcfg, 1, 9);
    function.write_config(kCommand, 2, 0x0103);
  }
};

TEST_F(Piix4PmTest, SaysWhatItIs) {
  EXPECT_EQ(function.read_config(0x00, 4), 0x71138086u);
  EXPECT_EQ(function.read_config(0x08, 4), 0x06800003u);
  EXPECT_EQ(function.read_config(0x3C, 2), 0x0100u) << "INTA#";
  EXPECT_EQ(function.read_config(0x67, 1), 0x08u) << "there is a serial port";
  EXPECT_EQ(function.read_config(kDevactb, 4), 0x02000000u);
  function.write_config(kPmba, 4, 0xFFFFFFFF);
  EXPECT_EQ(function.read_config(kPmba, 4), 0x0000FFC1u);
  function.write_config(kSmbba, 4, 0xFFFFFFFF);
  EXPECT_EQ(function.read_config(kSmbba, 4), 0x0000FFF1u);
}

TEST_F(Piix4PmTest, DecodesNothingAfterReset) { EXPECT_TRUE(bus.is_free(0, 0xFFFF)); }

TEST_F(Piix4PmTest, PutsItsPortsWhereTheGuestWantsThem) {
  set_up();
  EXPECT_FALSE(bus.is_free(kPm, 1));
  EXPECT_FALSE(bus.is_free(kPm + AcpiPm::kPorts - 1, 1));
  EXPECT_FALSE(bus.is_free(kSmbus, 1));
  EXPECT_TRUE(bus.is_free(kPm + AcpiPm::kPorts, kSmbus - kPm - AcpiPm::kPorts));
  bus.write(kPm + 2, 2, 0x0100);
  function.write_config(kPmba + 1, 1, 0x06);
  EXPECT_TRUE(bus.is_free(kPm, AcpiPm::kPorts));
  EXPECT_EQ(bus.read(0x602, 2), 0x0100u);
  function.write_config(kPmregmisc, 1, 0);
  EXPECT_TRUE(bus.is_free(0x600, AcpiPm::kPorts));
  function.write_config(kCommand, 1, 0);
  EXPECT_TRUE(bus.is_free(0, 0xFFFF));
}

TEST_F(Piix4PmTest, LeavesPortsThatAreTaken) {
  DebugExit other{[](uint32_t) {}};
  bus.map(kPm + 63, 2, other);
  set_up();
  EXPECT_TRUE(bus.is_free(kPm, 63));
  function.write_config(kPmba, 4, kSmbus);
  EXPECT_TRUE(bus.is_free(kPm, 63));
  function.write_config(kPmba, 4, 0);
  EXPECT_TRUE(bus.is_free(0, kPm)) << "0 is no place";
}

TEST_F(Piix4PmTest, BothPartsHoldTheOneInterrupt) {
  set_up();
  bus.write(kPm + 4, 2, 1);
  bus.write(kPm + 2, 2, 0x0100);
  function.acpi().press_power_button();
  EXPECT_TRUE(irq9.level());
  bus.write(kSmbusControl, 1, 0x41);
  EXPECT_TRUE(irq9.level());
  bus.write(kPm, 2, 0x0100);
  EXPECT_TRUE(irq9.level());
  bus.write(kSmbusStatus, 1, 0xFF);
  EXPECT_FALSE(irq9.level());
}

TEST_F(Piix4PmTest, NobodyAnswersOnTheSmbus) {
  set_up();
  for (unsigned address = 0; address < 0x100; address++) {
    bus.write(kSmbus + 4, 1, address);
    bus.write(kSmbusControl, 1, 0x48);
    EXPECT_EQ(bus.read(kSmbusStatus, 1), 0x04u) << "DEV_ERR, and not busy";
    bus.write(kSmbusStatus, 1, 0x04);
    EXPECT_EQ(bus.read(kSmbusStatus, 1), 0u);
  }
  EXPECT_EQ(bus.read(kSmbusControl, 1), 0x08u) << "START reads 0";
  bus.write(kSmbusControl, 1, 0x02);
  EXPECT_EQ(bus.read(kSmbusStatus, 1), 0x10u) << "FAILED: it was killed";
  EXPECT_FALSE(irq9.level());
}

TEST_F(Piix4PmTest, BlockOfTheSmbusHoldsWhatIsWritten) {
  set_up();
  bus.read(kSmbusControl, 1);
  for (unsigned i = 0; i < 100; i++) bus.write(kSmbusBlock, 1, i);
  bus.read(kSmbusControl, 1);
  EXPECT_EQ(bus.read(kSmbusBlock, 1), 96u);
  EXPECT_EQ(bus.read(kSmbusBlock, 1), 97u);
}

TEST_F(Piix4PmTest, SwitchesOffThroughItsPorts) {
  set_up();
  bus.write(kPm + 4, 2, 0x2001);
  EXPECT_EQ(power_offs, 1);
}

TEST(AcpiEventsTest, NoneOccursAndNoSlotIsRemovable) {
  AcpiEvents events;
  PciHotPlug slots;
  PortBus bus;
  bus.map(0xAFE0, AcpiEvents::kPorts, events);
  bus.map(0xAE00, PciHotPlug::kPorts, slots, 4);
  bus.write(0xAFE0, 4, 0xFFFFFFFF);
  EXPECT_EQ(bus.read(0xAFE0, 4), 0xFFFF0000u);
  bus.write(0xAE08, 4, 0xFFFFFFFF);
  for (uint16_t port = 0xAE00; port < 0xAE10; port += 4) EXPECT_EQ(bus.read(port, 4), 0u);
}

}  // namespace
}  // namespace ringdown

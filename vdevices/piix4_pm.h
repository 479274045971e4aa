#pragma once
#include <cstdint>
#include <functional>

#include "vdevices/acpi_pm.h"
#include "vdevices/clock.h"
#include "vdevices/line.h"
#include "vdevices/pci_function.h"
#include "vdevices/port_bus.h"
#include "vdevices/smbus_host.h"

namespace ringdown {

// The power management function of the PIIX4, 82371AB, function 3 (its data sheet, chapter 7.1). Registers:
// PCICMD (04h, r/w: 0 decode the SMBus host), PMBA (40h-43h, r/w: 15-6 where the 64 ports of AcpiPm are),
// PMREGMISC (80h, r/w: 0 decode them), SMBBA (90h-93h, r/w: 15-4 where the 16 ports of SmbusHost are),
// SMBHSTCFG (D2h, r/w: 0 enable it; its choice of interrupt has no effect). What of the others can be written
// (44h-7Fh, D3h-D5h) holds its value: DEVRESC (64h-67h) says that a serial port is there, which ACPI's tables
// read. DEVACTB (58h-5Bh) has APMC_EN (bit 25) set from reset on: there is no SMM for a BIOS to set up.
//
// Ports that another device has are left to that. Both parts interrupt by IRQ 9, which the chip does not
// route.
class Piix4Pm : public PciFunction {
 public:
  struct Ports {
    bool com1 = false;  // is at 3F8h
  };

  // None is owned. `irq9` is driven level-triggered; `power_off` is called from within the access that asks.
  Piix4Pm(const Clock& clock, PortBus& bus, Line& irq9, std::function<void()> power_off, const Ports& ports);

  AcpiPm& acpi() { return acpi_; }

 private:
  void config_written(uint8_t offset) override;
  void update_irq() { irq9_.set(sci_.level() || smbus_irq_.level()); }
  void place_ports();
  void place(PortDevice& device, uint8_t base_register, uint16_t count, unsigned access_size);

  PortBus& bus_;
  Line& irq9_;
  Line sci_{[this](bool) { update_irq(); }};
  Line smbus_irq_{[this](bool) { update_irq(); }};
  AcpiPm acpi_;
  SmbusHost smbus_{smbus_irq_};
};

}  // namespace ringdown

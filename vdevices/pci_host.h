#pragma once
#include <array>
#include <cstdint>

#include "vdevices/pci_function.h"
#include "vdevices/port_device.h"

namespace ringdown {

// The way from ports to PCI configuration space: mechanism 1 (PCI Local Bus Specification 2.1, 3.7.4.1), for
// bus 0. Ports (PC: CF8h): +0 CONFADD (r/w, as a dword only): 31 enable, 23-16 bus, 15-11 device, 10-8
// function, 7-2 register; +4 to +7 CONFDATA (r/w). Port +1 as a byte is not a PCI register, but the PIIX's
// reset control.
class PciHost : public PortDevice {
 public:
  static constexpr unsigned kFunctions = 8;
  static constexpr uint8_t address(unsigned device, unsigned function) {
    return static_cast<uint8_t>(device * kFunctions + function);
  }

  // Not owned.
  explicit PciHost(PortDevice& reset_control) : reset_control_(reset_control) {}

  // Puts a function (not owned) at its place on bus 0.
  void add(uint8_t address, PciFunction& function) { functions_[address] = &function; }
  // Null for none.
  const PciFunction* function(uint8_t address) const { return functions_[address]; }

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

 private:
  static constexpr uint16_t kResetControl = 1, kData = 4;

  PciFunction* selected() const;
  uint8_t data_register(uint16_t offset) const;

  PortDevice& reset_control_;
  std::array<PciFunction*, 256> functions_{};
  uint32_t confadd_ = 0;
};

}  // namespace ringdown

#pragma once
#include <array>
#include <cstdint>

#include "vdevices/port_device.h"

// What QEMU's pc adds to the PIIX4 for ACPI (QEMU, docs/specs/acpi_pci_hotplug.rst), and SeaBIOS's tables
// use.
namespace ringdown {

// The block of general-purpose events 0 to 15 (PC: AFE0h; ACPI specification 1.0b, chapter 4.7.4.3): +0, +1
// GPE0_STS (r/w, a written 1 clears), +2, +3 GPE0_EN (r/w). No event is wired, so none occurs.
class AcpiEvents : public PortDevice {
 public:
  static constexpr uint16_t kPorts = 4;

  uint32_t read_port(uint16_t offset, unsigned) override { return offset < 2 ? 0 : enable_[offset & 1]; }
  void write_port(uint16_t offset, unsigned, uint32_t value) override {
    if (offset >= 2) enable_[offset & 1] = static_cast<uint8_t>(value);
  }

 private:
  std::array<uint8_t, 2> enable_{};
};

// Hot plug of PCI slots (PC: AE00h), dwords with a bit for each slot: +0 plugged (r), +4 to be removed (r),
// +8 eject (w), +0Ch can be removed (r). Of the slots here none can.
class PciHotPlug : public PortDevice {
 public:
  static constexpr uint16_t kPorts = 16;

  uint32_t read_port(uint16_t, unsigned) override { return 0; }
  void write_port(uint16_t, unsigned, uint32_t) override {}
};

}  // namespace ringdown

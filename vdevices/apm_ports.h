#pragma once
#include <cstdint>
#include <functional>

#include "vdevices/port_device.h"

namespace ringdown {

// The Advanced Power Management ports of the PIIX4 (82371AB data sheet, chapter 4.2.7; PC: B2h). +0 APMC
// (r/w): a write asks the BIOS for something, on hardware by an SMI. There is no SMM, so the machine does at
// once what its BIOS would do. +1 APMS (r/w): a latch.
class ApmPorts : public PortDevice {
 public:
  // What SeaBIOS's ACPI tables name for these requests (FADT: ACPI_ENABLE, ACPI_DISABLE).
  static constexpr uint8_t kAcpiDisable = 0xF0, kAcpiEnable = 0xF1;

  // `on_acpi` is told whether ACPI is to be enabled or disabled.
  explicit ApmPorts(std::function<void(bool)> on_acpi) : on_acpi_(std::move(on_acpi)) {}

  uint32_t read_port(uint16_t offset, unsigned) override { return registers_[offset & 1]; }
  void write_port(uint16_t offset, unsigned, uint32_t value) override {
    registers_[offset & 1] = static_cast<uint8_t>(value);
    if (offset == 0 && (value == kAcpiEnable || value == kAcpiDisable)) on_acpi_(value == kAcpiEnable);
  }

 private:
  std::function<void(bool)> on_acpi_;
  uint8_t registers_[2] = {};
};

}  // namespace ringdown

#include "vdevices/piix4_pm.h"

#include <utility>

namespace ringdown {
namespace {

constexpr uint8_t kPmba = 0x40, kCnta = 0x44, kDevactb = 0x58, kDevresc = 0x64, kPmregmisc = 0x80,
                  kSmbba = 0x90, kSmbhstcfg = 0xD2, kSmbshdw2 = 0xD5;
constexpr uint8_t kIoEnable = 0x01;    // PCICMD
constexpr uint8_t kIoSpace = 0x01;     // PMBA and SMBBA
constexpr uint8_t kPmIoEnable = 0x01;  // PMREGMISC
constexpr uint8_t kHostEnable = 0x01;  // SMBHSTCFG
constexpr uint8_t kApmcEnable = 0x02;  // DEVACTB, its byte 3
constexpr uint8_t kComaEnable = 0x08;  // DEVRESC, its byte 3: COM A decoded, at 3F8h
constexpr uint8_t kInterruptPinA = 0x01;

}  // namespace

Piix4Pm::Piix4Pm(const Clock& clock, PortBus& bus, Line& irq9, std::function<void()> power_off,
                 const Ports& ports)
    : PciFunction({.vendor = 0x8086,
                   .device = 0x7113,
                   .revision = 3,
                   .class_code = 0x068000,  // another bridge
                   .header_type = 0,
                   .subsystem_vendor = 0x1AF4,
                   .subsystem = 0x1100}),
      bus_(bus),
      irq9_(irq9),
      acpi_(clock, sci_, std::move(power_off)) {
  define(pci::kCommand, 0, kIoEnable);
  define(pci::kStatus, 0x80);
  define(pci::kStatus + 1, 0x02);
  define(pci::kInterruptLine, 0, 0xFF);
  define(pci::kInterruptPin, kInterruptPinA);
  for (uint8_t offset = kCnta; offset < kPmregmisc; offset++) define(offset, 0, 0xFF);
  define(kPmba, kIoSpace, 0xC0);
  define(kPmba + 1, 0, 0xFF);
  define(kDevactb + 3, kApmcEnable, 0xFF);
  define(kDevresc + 3, ports.com1 ? kComaEnable : 0, 0xFF);
  define(kPmregmisc, 0, kPmIoEnable);
  define(kSmbba, kIoSpace, 0xF0);
  define(kSmbba + 1, 0, 0xFF);
  define(kSmbhstcfg, 0, 0x0F);
  for (uint8_t offset = kSmbhstcfg + 1; offset <= kSmbshdw2; offset++) define(offset, 0, 0xFF);
}

void Piix4Pm::config_written(uint8_t offset) {
  switch (offset) {
    case pci::kCommand:
    case kPmba:
    case kPmba + 1:
    case kPmregmisc:
    case kSmbba:
    case kSmbba + 1:
    case kSmbhstcfg:
      return place_ports();
    default:
      return;
  }
}

void Piix4Pm::place_ports() {
  bus_.unmap(acpi_);
  bus_.unmap(smbus_);
  if (config(kPmregmisc) & kPmIoEnable) place(acpi_, kPmba, AcpiPm::kPorts, 4);
  if ((config(pci::kCommand) & kIoEnable) && (config(kSmbhstcfg) & kHostEnable))
    place(smbus_, kSmbba, SmbusHost::kPorts, 1);
}

void Piix4Pm::place(PortDevice& device, uint8_t base_register, uint16_t count, unsigned access_size) {
  const auto base = static_cast<uint16_t>(read_config(base_register, 2) & ~uint32_t{kIoSpace});
  if (base != 0 && bus_.is_free(base, count)) bus_.map(base, count, device, access_size);
}

}  // namespace ringdown

#include "vdevices/pci_function.h"

namespace ringdown {

PciFunction::PciFunction(const Identity& identity) {
  define_word(pci::kVendor, identity.vendor);
  define_word(pci::kDevice, identity.device);
  define(pci::kRevision, identity.revision);
  define(pci::kClassCode, static_cast<uint8_t>(identity.class_code));
  define_word(pci::kClassCode + 1, static_cast<uint16_t>(identity.class_code >> 8));
  define(pci::kHeaderType, identity.header_type);
  define_word(pci::kSubsystemVendor, identity.subsystem_vendor);
  define_word(pci::kSubsystem, identity.subsystem);
}

void PciFunction::define(uint8_t offset, uint8_t value, uint8_t writable) {
  registers_[offset] = value;
  writable_[offset] = writable;
}

void PciFunction::define_word(uint8_t offset, uint16_t value) {
  define(offset, static_cast<uint8_t>(value));
  define(offset + 1, static_cast<uint8_t>(value >> 8));
}

uint32_t PciFunction::read_config(uint8_t offset, unsigned size) const {
  uint32_t value = 0;
  for (unsigned i = 0; i < size; i++) value |= uint32_t{registers_[(offset + i) & 0xFF]} << (8 * i);
  return value;
}

void PciFunction::write_config(uint8_t offset, unsigned size, uint32_t value) {
  for (unsigned i = 0; i < size; i++) {
    const auto at = static_cast<uint8_t>(offset + i);
    const auto byte = static_cast<uint8_t>(value >> (8 * i));
    registers_[at] = (registers_[at] & ~writable_[at]) | (byte & writable_[at]);
    config_written(at);
  }
}

}  // namespace ringdown

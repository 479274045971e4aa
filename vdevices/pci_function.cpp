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

void PciFunction::define_range(uint8_t offset, uint32_t bytes, uint8_t fixed, uint8_t enable) {
  const uint32_t writable = ~(bytes - 1) | enable;
  for (unsigned i = 0; i < 4; i++)
    define(static_cast<uint8_t>(offset + i), i == 0 ? fixed : 0, static_cast<uint8_t>(writable >> 8 * i));
  define(pci::kCommand, config(pci::kCommand), writable_[pci::kCommand] | pci::kMemoryEnable);
}

void PciFunction::define_memory_range(uint8_t offset, uint32_t bytes, bool prefetchable) {
  define_range(offset, bytes, prefetchable ? pci::kPrefetchable : 0, 0);
}

// Address 0 is that of a register which nobody has set yet.
std::optional<uint32_t> PciFunction::memory_range(uint8_t offset) const {
  const uint32_t address = read_config(offset, 4) & ~0xFu;
  if (address == 0 || !(config(pci::kCommand) & pci::kMemoryEnable)) return std::nullopt;
  return address;
}

std::optional<uint32_t> PciFunction::rom_range() const {
  if (!(config(pci::kRom) & pci::kRomEnable)) return std::nullopt;
  return memory_range(pci::kRom);
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
  const auto writes = [&](unsigned first, unsigned end) { return offset < end && offset + size > first; };
  if (writes(pci::kCommand, pci::kCommand + 1) || writes(pci::kBar0, pci::kBarsEnd) ||
      writes(pci::kRom, pci::kRom + 4))
    ranges_written();
}

}  // namespace ringdown

#include "vdevices/pci_host.h"

namespace ringdown {
namespace {

constexpr uint32_t kEnable = 1u << 31;
constexpr uint32_t kReserved = 0x7F000003;

bool is_address(uint16_t offset, unsigned size) { return offset == 0 && size == 4; }

}  // namespace

// nullptr: the cycle ends in a master abort.
PciFunction* PciHost::selected() const {
  const bool bus_0 = (confadd_ >> 16 & 0xFF) == 0;
  return (confadd_ & kEnable) && bus_0 ? functions_[confadd_ >> 8 & 0xFF] : nullptr;
}

uint8_t PciHost::data_register(uint16_t offset) const {
  return static_cast<uint8_t>((confadd_ & 0xFC) + (offset - kData));
}

uint32_t PciHost::read_port(uint16_t offset, unsigned size) {
  if (is_address(offset, size)) return confadd_;
  if (offset == kResetControl && size == 1) return reset_control_.read_port(0, 1);
  const PciFunction* const function = offset >= kData ? selected() : nullptr;
  return function ? function->read_config(data_register(offset), size) : ~0u >> (32 - 8 * size);
}

void PciHost::write_port(uint16_t offset, unsigned size, uint32_t value) {
  if (is_address(offset, size)) {
    confadd_ = value & ~kReserved;
    return;
  }
  if (offset == kResetControl && size == 1) return reset_control_.write_port(0, 1, value);
  if (PciFunction* const function = offset >= kData ? selected() : nullptr)
    function->write_config(data_register(offset), size, value);
}

}  // namespace ringdown

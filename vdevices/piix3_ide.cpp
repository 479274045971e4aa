#include "vdevices/piix3_ide.h"

namespace ringdown {
namespace {

constexpr uint8_t kBmiba = 0x20, kIdetim = 0x40, kSidetim = 0x44;
constexpr uint8_t kIoEnable = 0x01, kMasterEnable = 0x04;  // PCICMD
constexpr uint8_t kIoSpace = 0x01;                         // BMIBA
constexpr uint32_t kPortSpace = 0x10000;
constexpr uint8_t kDecode = 0x80;  // the upper byte of IDETIM

}  // namespace

Piix3Ide::Piix3Ide(PortBus& ports, AtaChannel& primary, AtaChannel& secondary, DmaMemory& memory)
    : PciFunction({.vendor = 0x8086,
                   .device = 0x7010,
                   .revision = 0,
                   .class_code = 0x010180,  // channels at fixed ports, with a bus master
                   .header_type = 0,
                   .subsystem_vendor = 0,
                   .subsystem = 0}),
      ports_(ports),
      channels_{&primary, &secondary},
      memory_(*this, memory),
      bus_master_(primary, secondary, memory_) {
  define(pci::kCommand, 0, kIoEnable | kMasterEnable);
  define(pci::kStatus, 0x80);
  define(pci::kStatus + 1, 0x02);
  define(kBmiba, kIoSpace, 0xF0);
  for (uint8_t offset = kBmiba + 1; offset < kBmiba + 4; offset++) define(offset, 0, 0xFF);
  for (uint8_t offset = kIdetim; offset < kSidetim; offset++) define(offset, 0, 0xFF);
  define(kSidetim, 0, 0xFF);
}

bool Piix3Ide::is_bus_master() const { return config(pci::kCommand) & kMasterEnable; }

void Piix3Ide::config_written(uint8_t offset) {
  if (offset == pci::kCommand || (offset >= kBmiba && offset < kBmiba + 4) ||
      (offset >= kIdetim && offset < kSidetim))
    place_ports();
}

void Piix3Ide::place_ports() {
  ports_.unmap(bus_master_);
  for (AtaChannel* channel : channels_) {
    ports_.unmap(channel->command_block());
    ports_.unmap(channel->control_block());
  }
  if (!(config(pci::kCommand) & kIoEnable)) return;
  for (unsigned i = 0; i < channels_.size(); i++) {
    if (!(config(static_cast<uint8_t>(kIdetim + 2 * i + 1)) & kDecode)) continue;
    place(channels_[i]->command_block(), kAtaPorts[i].command, kAtaCommandPorts, 4);
    place(channels_[i]->control_block(), kAtaPorts[i].control, 1, 1);
  }
  const uint32_t base = read_config(kBmiba, 4) & ~uint32_t{kIoSpace};
  if (base != 0 && base < kPortSpace)
    place(bus_master_, static_cast<uint16_t>(base), BusMasterIde::kPorts, 4);
}

void Piix3Ide::place(PortDevice& device, uint16_t first, uint16_t count, unsigned access_size) {
  if (ports_.is_free(first, count)) ports_.map(first, count, device, access_size);
}

}  // namespace ringdown

#include "vdevices/vga_pci.h"

#include <algorithm>
#include <bit>

namespace ringdown {
namespace {

constexpr uint8_t kIoEnable = 0x01;
constexpr uint32_t kLeastRom = 2048;

}  // namespace

VgaPci::VgaPci(Vga& vga, MemoryBus& memory, std::span<const uint8_t> rom)
    : PciFunction({.vendor = 0x1234,
                   .device = 0x1111,
                   .revision = 2,
                   .class_code = 0x030000,
                   .header_type = 0,
                   .subsystem_vendor = 0x1AF4,
                   .subsystem = 0x1100}),
      vga_(vga),
      memory_(memory),
      rom_(rom),
      rom_bytes_(std::max(std::bit_ceil(static_cast<uint32_t>(rom.size())), kLeastRom)) {
  define(pci::kCommand, 0, kIoEnable);
  define_memory_range(pci::kBar0, VgaMemory::kBytes, true);
  define_memory_range(pci::kBar2, Vga::kMmioBytes);
  if (!rom.empty()) define_rom_range(rom_bytes_);
}

uint32_t VgaPci::Rom::read_memory(uint32_t offset, unsigned size) {
  uint32_t value = 0;
  for (unsigned i = 0; i < size; i++)
    value |= (offset + i < bytes.size() ? bytes[offset + i] : 0xFFu) << 8 * i;
  return value;
}

void VgaPci::ranges_written() {
  vga_.set_frame_buffer(memory_range(pci::kBar0));
  place(vga_.mmio(), memory_range(pci::kBar2), Vga::kMmioBytes);
  place(rom_, rom_range(), rom_bytes_);
}

void VgaPci::place(MemoryDevice& device, std::optional<uint32_t> address, uint32_t bytes) {
  memory_.unmap(device);
  if (address && memory_.is_free(*address, bytes)) memory_.map(*address, bytes, device);
}

}  // namespace ringdown

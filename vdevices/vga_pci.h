#pragma once
#include <cstdint>
#include <span>

#include "vdevices/memory_bus.h"
#include "vdevices/memory_device.h"
#include "vdevices/pci_function.h"
#include "vdevices/vga.h"

namespace ringdown {

// A Vga as a function on PCI, 1234h:1111h (QEMU: docs/specs/standard-vga). Base address registers: 0 the
// frame buffer, 2 Vga::mmio(); and the expansion ROM, which has the BIOS of the VGA. The registers of a VGA
// and its window are where they always are, whatever the command register has. Ranges that another device has
// are left to that.
class VgaPci : public PciFunction {
 public:
  // None is owned. Without a `rom` there is no expansion ROM.
  VgaPci(Vga& vga, MemoryBus& memory, std::span<const uint8_t> rom);

 private:
  // Behind its end all ones.
  struct Rom : MemoryDevice {
    explicit Rom(std::span<const uint8_t> r) : bytes(r) {}
    uint32_t read_memory(uint32_t offset, unsigned size) override;
    void write_memory(uint32_t, unsigned, uint32_t) override {}
    std::span<const uint8_t> bytes;
  };

  void ranges_written() override;
  void place(MemoryDevice& device, std::optional<uint32_t> address, uint32_t bytes);

  Vga& vga_;
  MemoryBus& memory_;
  Rom rom_;
  const uint32_t rom_bytes_;  // of its range
};

}  // namespace ringdown

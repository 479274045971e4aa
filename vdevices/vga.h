#pragma once
#include <cstdint>
#include <optional>

#include "vdevices/clock.h"
#include "vdevices/memory_device.h"
#include "vdevices/port_device.h"
#include "vdevices/vga_dispi.h"
#include "vdevices/vga_memory.h"
#include "vdevices/vga_registers.h"
#include "vdevices/vga_screen.h"
#include "vdevices/video_memory.h"

namespace ringdown {

// The display adapter that Bochs and QEMU have ("std"): a VGA with 16 MiB of memory and the registers of
// DISPI. Where accesses have no effect but on memory the guest reaches that directly: in the frame buffer
// always, in the VGA's window as its registers are.
class Vga {
 public:
  static constexpr uint16_t kDispiPorts = 4;
  static constexpr uint32_t kMmioBytes = 4096;

  // Not owned. `storage` has VgaMemory::kStorageBytes.
  Vga(const Clock& clock, VideoMemory& storage);
  Vga(const Vga&) = delete;

  // The VGA's registers (PC: VgaRegisters::kPorts from 3B0h on), by bytes.
  PortDevice& ports() { return ports_; }
  // DISPI (PC: from 1CEh on), by words: +0 index, +1 and +2 data.
  PortDevice& dispi_ports() { return dispi_ports_; }
  // VgaMemory::kWindowBytes from VgaMemory::kWindow on.
  MemoryDevice& window() { return window_; }
  // On PCI (QEMU: docs/specs/standard-vga): +400h to +41Fh the VGA's ports from 3C0h on, +500h to +515h
  // DISPI's registers. What is between reads 0: there is no EDID.
  MemoryDevice& mmio() { return mmio_; }
  // Where all of the memory is seen, if anywhere.
  void set_frame_buffer(std::optional<uint32_t> address);

  Screen& screen() { return screen_; }

 private:
  struct Ports : PortDevice {
    explicit Ports(Vga& v) : vga(v) {}
    uint32_t read_port(uint16_t offset, unsigned size) override;
    void write_port(uint16_t offset, unsigned size, uint32_t value) override;
    Vga& vga;
  };
  struct DispiPorts : PortDevice {
    explicit DispiPorts(Vga& v) : vga(v) {}
    uint32_t read_port(uint16_t offset, unsigned size) override;
    void write_port(uint16_t offset, unsigned size, uint32_t value) override;
    Vga& vga;
    uint16_t index = 0;
  };
  struct Window : MemoryDevice {
    explicit Window(Vga& v) : vga(v) {}
    uint32_t read_memory(uint32_t offset, unsigned size) override;
    void write_memory(uint32_t offset, unsigned size, uint32_t value) override;
    Vga& vga;
  };
  struct Mmio : MemoryDevice {
    explicit Mmio(Vga& v) : vga(v) {}
    uint32_t read_memory(uint32_t offset, unsigned size) override;
    void write_memory(uint32_t offset, unsigned size, uint32_t value) override;
    Vga& vga;
  };

  void write_register(uint16_t port, uint8_t value);
  void write_dispi(uint16_t index, uint16_t value);
  void registers_written();
  void window_accessed();
  void set_direct(std::optional<VgaMemory::Linear> direct);
  void set_apertures();

  VideoMemory& storage_;
  VgaRegisters registers_;
  VgaDispi dispi_{VgaMemory::kBytes};
  VgaMemory memory_;
  VgaScreen screen_;
  std::optional<uint32_t> frame_buffer_;
  std::optional<VgaMemory::Linear> direct_;  // the part of the window that the guest reaches directly
  unsigned accesses_ = 0;                    // by way of window(), since it could have been so
  Ports ports_{*this};
  DispiPorts dispi_ports_{*this};
  Window window_{*this};
  Mmio mmio_{*this};
};

}  // namespace ringdown

#pragma once
#include <array>
#include <cstdint>

#include "vdevices/port_device.h"

namespace ringdown {

// The 64 Ki I/O ports of the processor. Each access is one table look-up and one virtual call, because
// translated code calls read() and write() for every IN and OUT.
//
// A port that no device claims floats: it reads all ones and swallows writes, as on the ISA bus. An access
// wider than its device takes, or one that crosses from a device into its neighbour, is split into halves,
// low half first.
class PortBus {
 public:
  // Puts `device` (not owned; it must outlive the bus or be unmapped) at ports [first, first + count).
  // `max_access_size` is the widest access in bytes that the device itself decodes: 1, 2 or 4. Overlapping
  // another mapping, or a range past port FFFFh, is a bug of the machine's and aborts.
  void map(uint16_t first, uint16_t count, PortDevice& device, unsigned max_access_size = 1);

  // Removes every range of `device`: for PCI devices, whose ranges the guest moves.
  void unmap(const PortDevice& device);

  // True if nothing is mapped in [first, first + count): to be asked before a guest-chosen range is mapped.
  bool is_free(uint16_t first, uint16_t count) const;

  // `size` is 1, 2 or 4. Ports past FFFFh wrap to 0.
  uint32_t read(uint16_t port, unsigned size) {
    const Mapping& mapping = mappings_[index_[port]];
    if (size <= mapping.max_access_size && port + size <= mapping.end) [[likely]] {
      return mapping.device->read_port(static_cast<uint16_t>(port - mapping.first), size);
    }
    return read_slow(port, size);
  }

  // Bits of `value` above `size` bytes are ignored.
  void write(uint16_t port, unsigned size, uint32_t value) {
    const Mapping& mapping = mappings_[index_[port]];
    if (size <= mapping.max_access_size && port + size <= mapping.end) [[likely]] {
      mapping.device->write_port(static_cast<uint16_t>(port - mapping.first), size, low_bytes(value, size));
      return;
    }
    write_slow(port, size, value);
  }

  // Reads and writes, of any size, that found no device.
  uint64_t unassigned_accesses() const { return unassigned_accesses_; }

 private:
  // Slot 0 stands for "no device": its max_access_size of 0 sends every access down the slow path.
  struct Mapping {
    PortDevice* device = nullptr;
    uint32_t end = 0;  // one past the last port
    uint16_t first = 0;
    uint16_t max_access_size = 0;
  };
  static constexpr unsigned kMaxMappings = 256;

  static uint32_t low_bytes(uint32_t value, unsigned size) { return value & (~0u >> (32 - 8 * size)); }
  bool is_unassigned(uint16_t port, unsigned size) const;
  uint8_t free_slot() const;
  uint32_t read_slow(uint16_t port, unsigned size);
  void write_slow(uint16_t port, unsigned size, uint32_t value);

  std::array<uint8_t, 65536> index_{};
  std::array<Mapping, kMaxMappings> mappings_{};
  uint64_t unassigned_accesses_ = 0;
};

}  // namespace ringdown

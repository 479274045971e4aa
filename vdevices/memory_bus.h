#pragma once
#include <cstdint>
#include <vector>

#include "vdevices/memory_device.h"

namespace ringdown {

// The physical addresses below 4 GiB that are neither RAM nor ROM. What no device claims reads all ones and
// swallows writes.
class MemoryBus {
 public:
  // Puts `device` (not owned; it must outlive the bus or be unmapped) at [first, first + bytes). Overlapping
  // another mapping, or a range past 4 GiB, is a bug of the machine's and aborts: see is_free().
  void map(uint32_t first, uint64_t bytes, MemoryDevice& device);

  // Removes every range of `device`: for PCI devices, whose ranges the guest moves.
  void unmap(const MemoryDevice& device);

  // True if nothing is mapped in [first, first + bytes): to be asked before a guest-chosen range is mapped.
  bool is_free(uint32_t first, uint64_t bytes) const;

  // `size` is 1, 2 or 4, and `physical` a multiple of it.
  uint32_t read(uint32_t physical, unsigned size) const;
  void write(uint32_t physical, unsigned size, uint32_t value);

 private:
  struct Mapping {
    uint32_t first;
    uint64_t end;
    MemoryDevice* device;
  };
  const Mapping* find(uint32_t physical, unsigned size) const;

  std::vector<Mapping> mappings_;
};

}  // namespace ringdown

#pragma once
#include <algorithm>
#include <vector>

#include "vdevices/dma_memory.h"

namespace ringdown::testing {

// RAM from address 0 on, and nothing behind it.
struct FlatMemory : DmaMemory {
  explicit FlatMemory(size_t size) : bytes(size) {}
  std::vector<uint8_t> bytes;

  bool read(uint32_t address, std::span<uint8_t> to) override {
    if (!holds(address, to.size())) return false;
    std::copy_n(bytes.begin() + address, to.size(), to.begin());
    return true;
  }
  bool write(uint32_t address, std::span<const uint8_t> from) override {
    if (!holds(address, from.size())) return false;
    std::copy(from.begin(), from.end(), bytes.begin() + address);
    return true;
  }
  void set_dword(uint32_t address, uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) bytes[address + i] = static_cast<uint8_t>(value >> (8 * i));
  }

 private:
  bool holds(uint32_t address, size_t size) const {
    return address <= bytes.size() && size <= bytes.size() - address;
  }
};

}  // namespace ringdown::testing

#include "cpu/physical_memory.h"

namespace ringdown {

void PhysicalMemory::read_slowly(uint64_t physical, void* to, unsigned length) const {
  for (unsigned i = 0; i < length; i++) {
    const bool ram = within_ram(physical + i, 1);
    static_cast<uint8_t*>(to)[i] = ram ? ram_[physical + i] : 0xFF;
  }
}

void PhysicalMemory::write_slowly(uint64_t physical, const void* from, unsigned length) {
  for (unsigned i = 0; i < length; i++) {
    if (within_ram(physical + i, 1)) write_bytes(physical + i, static_cast<const uint8_t*>(from) + i, 1);
  }
}

}  // namespace ringdown

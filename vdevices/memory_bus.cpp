#include "vdevices/memory_bus.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace ringdown {

void MemoryBus::map(uint32_t first, uint64_t bytes, MemoryDevice& device) {
  if (bytes == 0 || !is_free(first, bytes)) {
    std::fprintf(stderr, "memory bus: cannot map %llu bytes at %08xh\n",
                 static_cast<unsigned long long>(bytes), first);
    std::abort();
  }
  mappings_.push_back({first, first + bytes, &device});
}

void MemoryBus::unmap(const MemoryDevice& device) {
  std::erase_if(mappings_, [&](const Mapping& mapping) { return mapping.device == &device; });
}

bool MemoryBus::is_free(uint32_t first, uint64_t bytes) const {
  const uint64_t end = first + bytes;
  return end <= uint64_t{1} << 32 && std::ranges::none_of(mappings_, [&](const Mapping& mapping) {
           return first < mapping.end && mapping.first < end;
         });
}

const MemoryBus::Mapping* MemoryBus::find(uint32_t physical, unsigned size) const {
  const auto found = std::ranges::find_if(mappings_, [&](const Mapping& mapping) {
    return physical >= mapping.first && uint64_t{physical} + size <= mapping.end;
  });
  return found == mappings_.end() ? nullptr : &*found;
}

uint32_t MemoryBus::read(uint32_t physical, unsigned size) const {
  const Mapping* const mapping = find(physical, size);
  return mapping ? mapping->device->read_memory(physical - mapping->first, size) : ~0u >> (32 - 8 * size);
}

void MemoryBus::write(uint32_t physical, unsigned size, uint32_t value) {
  if (const Mapping* const mapping = find(physical, size))
    mapping->device->write_memory(physical - mapping->first, size, value & (~0u >> (32 - 8 * size)));
}

}  // namespace ringdown

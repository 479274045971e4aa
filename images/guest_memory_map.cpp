#include "images/guest_memory_map.h"

namespace ringdown {

std::vector<E820Entry> pc_memory_map(uint64_t ram_bytes) {
  const uint64_t end = ram_bytes & ~uint64_t{kPageSize - 1};
  return {
      {0, kLowRamEnd, E820Type::kUsable},
      {kLowRamEnd, 0xA0000 - kLowRamEnd, E820Type::kReserved},
      {0xF0000, kHighRamBase - 0xF0000, E820Type::kReserved},
      {kHighRamBase, end - kHighRamBase, E820Type::kUsable},
  };
}

Expected<Done> check_ram_size(uint64_t ram_bytes) {
  if (ram_bytes >= kMinRamBytes && ram_bytes <= kMaxRamBytes) return Done{};
  return image_error("RAM", "%llu bytes: a machine has 2 MiB to 3 GiB",
                     static_cast<unsigned long long>(ram_bytes));
}

bool is_usable_ram(uint64_t ram_bytes, uint64_t base, uint64_t size) {
  for (const E820Entry& entry : pc_memory_map(ram_bytes)) {
    if (entry.type != E820Type::kUsable || base < entry.base) continue;
    const uint64_t offset = base - entry.base;
    if (offset <= entry.size && size <= entry.size - offset) return true;
  }
  return false;
}

uint32_t extended_memory_kib(uint64_t ram_bytes) {
  return static_cast<uint32_t>((ram_bytes - kHighRamBase) / 1024);
}

}  // namespace ringdown

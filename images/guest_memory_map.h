#pragma once
#include <cstdint>
#include <vector>

#include "images/expected.h"

namespace ringdown {

constexpr uint32_t kPageSize = 4096;
constexpr uint32_t kLowRamEnd = 0x9FC00;     // the extended BIOS data area (EBDA) starts here
constexpr uint32_t kHighRamBase = 0x100000;  // RAM above the hole of video memory and ROMs
constexpr uint64_t kMinRamBytes = 2ull << 20;
constexpr uint64_t kMaxRamBytes = 3ull << 30;

// ACPI specification, "System Address Map Interfaces" (INT 15h, E820h).
enum class E820Type : uint32_t { kUsable = 1, kReserved = 2 };

struct E820Entry {
  uint64_t base;
  uint64_t size;  // bytes
  E820Type type;

  bool operator==(const E820Entry&) const = default;
};

// The map of a PC with `ram_bytes` of RAM, contiguous from address 0, sorted, without overlaps. Expects
// kMinRamBytes <= ram_bytes <= kMaxRamBytes; a last, partial page is not given to the guest.
std::vector<E820Entry> pc_memory_map(uint64_t ram_bytes);

// Error: a size that this map cannot describe.
Expected<Done> check_ram_size(uint64_t ram_bytes);

// Whether [base, base + size) lies in one usable range of that map. Never overflows.
bool is_usable_ram(uint64_t ram_bytes, uint64_t base, uint64_t size);

// RAM above 1 MiB in KiB: Linux's alt_mem_k, multiboot's mem_upper.
uint32_t extended_memory_kib(uint64_t ram_bytes);

}  // namespace ringdown

#include "cpu/physical_memory.h"

namespace ringdown {
namespace {

constexpr uint64_t kRomEnd = uint64_t{1} << 32;
// From here on the end of ROM is seen below 1 MiB, too (82371SB data sheet: XBCS).
constexpr uint64_t kLowRomStart = 0xE0000;

}  // namespace

bool PhysicalMemory::set_upper_memory(unsigned segment, UpperMemoryAccess access) {
  const uint32_t bit = 1u << segment % kUpperSegments;
  const uint32_t reads = access.reads_ram ? upper_reads_ | bit : upper_reads_ & ~bit;
  const uint32_t writes = access.writes_ram ? upper_writes_ | bit : upper_writes_ & ~bit;
  if (reads == upper_reads_ && writes == upper_writes_) return false;
  upper_reads_ = reads;
  upper_writes_ = writes;
  return true;
}

uint8_t PhysicalMemory::read_byte(uint64_t physical) const {
  if (within_ram(physical, 1, upper_reads_)) return ram_[physical];
  if (physical >= kLowRomStart && physical < kUpperEnd) physical += kRomEnd - kUpperEnd;
  const bool rom = physical < kRomEnd && kRomEnd - physical <= rom_.size();
  return rom ? rom_[rom_.size() - (kRomEnd - physical)] : 0xFF;
}

void PhysicalMemory::read_slowly(uint64_t physical, void* to, unsigned length) const {
  for (unsigned i = 0; i < length; i++) static_cast<uint8_t*>(to)[i] = read_byte(physical + i);
}

void PhysicalMemory::write_slowly(uint64_t physical, const void* from, unsigned length) {
  for (unsigned i = 0; i < length; i++) {
    if (within_ram(physical + i, 1, upper_writes_))
      write_bytes(physical + i, static_cast<const uint8_t*>(from) + i, 1);
  }
}

}  // namespace ringdown

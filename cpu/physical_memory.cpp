#include "cpu/physical_memory.h"

namespace ringdown {
namespace {

constexpr uint64_t kRomEnd = uint64_t{1} << 32;
// From here on the end of ROM is seen below 1 MiB, too (82371SB data sheet: XBCS).
constexpr uint64_t kLowRomStart = 0xE0000;
constexpr uint64_t kA20 = 1 << 20;

}  // namespace

void PhysicalMemory::copy_rom_to_upper_memory() {
  const uint64_t size = std::min<uint64_t>(rom_.size(), kUpperEnd - kLowRomStart);
  std::memcpy(ram_.data() + kUpperEnd - size, rom_.data() + rom_.size() - size, size);
}

bool PhysicalMemory::set_upper_memory(unsigned segment, UpperMemoryAccess access) {
  const uint32_t bit = 1u << segment % kUpperSegments;
  const uint32_t reads = access.reads_ram ? upper_reads_ | bit : upper_reads_ & ~bit;
  const uint32_t writes = access.writes_ram ? upper_writes_ | bit : upper_writes_ & ~bit;
  if (reads == upper_reads_ && writes == upper_writes_) return false;
  upper_reads_ = reads;
  upper_writes_ = writes;
  return true;
}

bool PhysicalMemory::set_a20(bool open) { return std::exchange(masked_, open ? 0 : kA20) != masked_; }

void PhysicalMemory::set_apertures(std::span<const DeviceAperture> apertures) {
  apertures_.assign(apertures.begin(), apertures.end());
  std::ranges::fill(device_page_watched_, false);
}

uint64_t PhysicalMemory::device_page(uint64_t frame) const {
  if (is_masked(frame << kPageShift)) return kNoStorage;
  for (const DeviceAperture& a : apertures_) {
    if (frame - a.frame < a.pages && !is_rom(frame << kPageShift, kPageSize))
      return holds_code_.size() + a.page + (frame - a.frame);
  }
  return kNoStorage;
}

bool PhysicalMemory::announce_write(uint64_t frame) {
  if (is_ram_page(frame)) return holds_code_[frame];
  const uint64_t page = device_page(frame);
  if (page != kNoStorage) device_page_watched_[page - holds_code_.size()] = false;
  return false;
}

bool PhysicalMemory::is_watched(uint64_t frame) const {
  if (is_ram_page(frame)) return holds_code_[frame];
  const uint64_t page = device_page(frame);
  return page != kNoStorage && device_page_watched_[page - holds_code_.size()];
}

bool PhysicalMemory::is_rom(uint64_t physical, unsigned length) const {
  return physical + length <= kRomEnd && kRomEnd - physical <= rom_.size();
}

// What lies within one aligned dword, and so is of one kind.
void PhysicalMemory::read_piece(uint64_t physical, void* to, unsigned size) const {
  if (within_ram(physical, size, upper_reads_)) {
    std::memcpy(to, ram_.data() + physical, size);
    return;
  }
  if (physical >= kLowRomStart && physical < kUpperEnd) physical += kRomEnd - kUpperEnd;
  if (is_rom(physical, size)) {
    std::memcpy(to, rom_.data() + (rom_.size() - (kRomEnd - physical)), size);
    return;
  }
  const uint64_t page = device_page(physical >> kPageShift);
  uint32_t value = ~0u;
  if (page != kNoStorage)
    std::memcpy(&value, ram_.data() + (page << kPageShift | (physical & kPageMask)), size);
  else if (devices_ && physical < kRomEnd)
    value = devices_->read_device(static_cast<uint32_t>(physical), size);
  std::memcpy(to, &value, size);
}

void PhysicalMemory::write_piece(uint64_t physical, const void* from, unsigned size) {
  if (within_ram(physical, size, upper_writes_)) return write_bytes(physical, from, size);
  const uint64_t frame = physical >> kPageShift;
  const uint64_t page = device_page(frame);
  if (page != kNoStorage) {
    announce_write(frame);
    std::memcpy(ram_.data() + (page << kPageShift | (physical & kPageMask)), from, size);
  } else if (devices_ && physical < kRomEnd) {
    uint32_t value = 0;
    std::memcpy(&value, from, size);
    devices_->write_device(static_cast<uint32_t>(physical), size, value);
  }
}

namespace {

// Calls `act` with the naturally aligned pieces of up to 4 bytes that make up an access: address, offset,
// size.
template <class F>
void for_pieces(uint64_t physical, unsigned length, F act) {
  for (unsigned done = 0; done < length;) {
    unsigned size = 4;
    while (size > length - done || ((physical + done) & (size - 1))) size /= 2;
    act(physical + done, done, size);
    done += size;
  }
}

}  // namespace

void PhysicalMemory::read_slowly(uint64_t physical, void* to, unsigned length) const {
  for_pieces(physical, length, [&](uint64_t at, unsigned offset, unsigned size) {
    read_piece(at & ~masked_, static_cast<uint8_t*>(to) + offset, size);
  });
}

void PhysicalMemory::write_slowly(uint64_t physical, const void* from, unsigned length) {
  for_pieces(physical, length, [&](uint64_t at, unsigned offset, unsigned size) {
    write_piece(at & ~masked_, static_cast<const uint8_t*>(from) + offset, size);
  });
}

}  // namespace ringdown

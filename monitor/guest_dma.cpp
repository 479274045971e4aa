#include "monitor/guest_dma.h"

#include <algorithm>

namespace ringdown {
namespace {

// How much of `size` bytes lies in the page of `address`.
unsigned in_page(uint64_t address, size_t size) {
  return static_cast<unsigned>(std::min<size_t>(size, kPageSize - (address & kPageMask)));
}

}  // namespace

bool GuestDma::is_ram(uint64_t address, size_t size) const {
  const uint64_t end = address + size;
  for (uint64_t frame = address >> kPageShift; frame << kPageShift < end; frame++) {
    if (!memory_.is_ram_of_bus(frame)) return false;
  }
  return true;
}

bool GuestDma::read(uint32_t address, std::span<uint8_t> to) {
  if (!is_ram(address, to.size())) return false;
  std::copy_n(memory_.ram() + address, to.size(), to.begin());
  return true;
}

// Page by page: PhysicalMemory looks for code where a write begins and where it ends.
bool GuestDma::write(uint32_t address, std::span<const uint8_t> from) {
  if (!is_ram(address, from.size())) return false;
  const uint64_t changes = memory_.watch_changes();
  for (uint64_t at = address; !from.empty();) {
    const unsigned length = in_page(at, from.size());
    memory_.write_ram(at, from.data(), length);
    at += length;
    from = from.subspan(length);
  }
  if (memory_.watch_changes() != changes) code_written_();
  return true;
}

}  // namespace ringdown

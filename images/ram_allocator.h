#pragma once
#include <cstdint>
#include <optional>

#include "images/guest_ram.h"

namespace ringdown {

// Hands out ascending, page-aligned ranges of RAM behind what has been loaded so far.
class RamAllocator {
 public:
  // [first, end): both are addresses in RAM.
  RamAllocator(uint64_t first, uint64_t end) : next_(page_align_up(first)), end_(page_align_down(end)) {}

  // The address of `size` bytes, or nothing if they do not fit.
  std::optional<uint32_t> take(uint64_t size) {
    if (next_ > end_ || size > end_ - next_) return std::nullopt;
    const uint64_t base = next_;
    next_ = page_align_up(base + size);
    return static_cast<uint32_t>(base);
  }

  uint64_t room() const { return next_ < end_ ? end_ - next_ : 0; }

 private:
  uint64_t next_;
  uint64_t end_;
};

}  // namespace ringdown

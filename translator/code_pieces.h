#pragma once
#include <cstdint>
#include <unordered_map>

#include "cpu/physical_memory.h"
#include "translator/block.h"

namespace ringdown {

// Which pieces of guest memory translated code was made from: what is written elsewhere in the same page
// leaves it as it is. Small programs have code and data in one page.
class CodePieces {
 public:
  static constexpr unsigned kShift = 6;
  static constexpr uint32_t kBytes = 1u << kShift;
  // Writes beside the code of a page until those who make them look before: the page might never have code
  // again.
  static constexpr unsigned kFewWrites = 4;

  void add(const Block& block) {
    const uint64_t first = block.key.physical, last = first + block.guest_bytes - 1;
    if (!block.crosses_page()) return add(first, last);
    add(first, first | kPageMask);
    add(block.second_frame << kPageShift, block.second_frame << kPageShift | (last & kPageMask));
  }
  bool holds(uint64_t physical, unsigned length) const {
    const uint64_t end = physical + length;
    for (uint64_t at = physical & ~uint64_t{kBytes - 1}; at < end; at += kBytes) {
      const auto page = pages_.find(at >> kPageShift);
      if (page != pages_.end() && page->second.pieces & bit(at)) return true;
    }
    return false;
  }
  // True once there were more than a few.
  bool note_write_beside(uint64_t frame) { return ++pages_[frame].writes_beside > kFewWrites; }
  void forget(uint64_t frame) { pages_[frame].pieces = 0; }
  void clear() { pages_.clear(); }

 private:
  struct Page {
    uint64_t pieces = 0;  // bit n: piece n holds code
    unsigned writes_beside = 0;
  };
  static_assert(kPageSize / kBytes == 64);

  static uint64_t bit(uint64_t physical) { return uint64_t{1} << ((physical & kPageMask) >> kShift); }
  void add(uint64_t first, uint64_t last) {
    Page& page = pages_[first >> kPageShift];
    for (uint64_t at = first & ~uint64_t{kBytes - 1}; at <= last; at += kBytes) page.pieces |= bit(at);
  }

  std::unordered_map<uint64_t, Page> pages_;  // by frame
};

}  // namespace ringdown

#pragma once
#include <cstdint>
#include <unordered_map>

#include "cpu/physical_memory.h"

namespace ringdown {

// Pages of an address space that interrupts find it in again and again, or that it passes through.
class HotPages {
 public:
  static constexpr unsigned kEnough = 2;

  void note(uint32_t eip) {
    if (found_.size() >= kMost) found_.clear();
    found_[eip >> kPageShift]++;
  }
  void forget(uint32_t eip) { found_.erase(eip >> kPageShift); }
  bool contains(uint32_t linear) const {
    const auto page = found_.find(linear >> kPageShift);
    return page != found_.end() && page->second >= kEnough;
  }

 private:
  static constexpr size_t kMost = 1024;

  std::unordered_map<uint32_t, unsigned> found_;  // by linear page number
};

}  // namespace ringdown

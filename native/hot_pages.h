#pragma once
#include <cstdint>
#include <unordered_map>

#include "cpu/physical_memory.h"

namespace ringdown {

// Pages of an address space in which interrupts from outside found user code: with two, it is in a loop
// there.
class HotPages {
 public:
  void note(uint32_t eip) {
    if (found_.size() >= kMost) found_.clear();
    found_[eip >> kPageShift]++;
  }
  bool contains(uint32_t linear) const {
    const auto page = found_.find(linear >> kPageShift);
    return page != found_.end() && page->second >= kLoops;
  }

 private:
  static constexpr size_t kMost = 1024;
  static constexpr uint32_t kLoops = 2;

  std::unordered_map<uint32_t, uint32_t> found_;  // by linear page number: how often
};

}  // namespace ringdown

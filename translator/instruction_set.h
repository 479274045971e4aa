#pragma once
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <unordered_set>

#include "cpu/physical_memory.h"

namespace ringdown {

// Instructions by physical address. Each that is translated is asked for, mostly in vain: what is in no set
// is told by a bit that lies in a cache. Where whole blocks are asked for, the same is told of their page.
class InstructionSet {
 public:
  // False: it is there already.
  bool insert(uint64_t instruction) {
    some_.set(bit_of<kBits>(instruction));
    pages_.set(bit_of<kPageBits>(instruction >> kPageShift));
    return all_.insert(instruction).second;
  }
  bool contains(uint64_t instruction) const {
    return some_.test(bit_of<kBits>(instruction)) && all_.contains(instruction);
  }
  // False: there is none in its page.
  bool may_have_in_page_of(uint64_t instruction) const {
    return pages_.test(bit_of<kPageBits>(instruction >> kPageShift));
  }
  void erase(uint64_t instruction) { all_.erase(instruction); }  // its bits may be others' as well
  void clear() {
    some_.reset();
    pages_.reset();
    all_.clear();
  }

 private:
  static constexpr unsigned kBits = 16, kPageBits = 12;
  template <unsigned kBitsOfAll>
  static size_t bit_of(uint64_t number) {
    return number * 0x9E3779B97F4A7C15ull >> (64 - kBitsOfAll);
  }

  std::bitset<1 << kBits> some_;
  std::bitset<1 << kPageBits> pages_;
  std::unordered_set<uint64_t> all_;
};

}  // namespace ringdown

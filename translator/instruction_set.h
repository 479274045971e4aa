#pragma once
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <unordered_set>

namespace ringdown {

// Instructions by physical address. Each that is translated is asked for, mostly in vain: what is in no set
// is told by a bit that lies in the first-level cache.
class InstructionSet {
 public:
  // False: it is there already.
  bool insert(uint64_t instruction) {
    some_.set(bit_of(instruction));
    return all_.insert(instruction).second;
  }
  bool contains(uint64_t instruction) const {
    return some_.test(bit_of(instruction)) && all_.contains(instruction);
  }
  void erase(uint64_t instruction) { all_.erase(instruction); }  // its bit may be another's as well
  void clear() {
    some_.reset();
    all_.clear();
  }

 private:
  static constexpr unsigned kBits = 12;
  static size_t bit_of(uint64_t instruction) { return instruction * 0x9E3779B97F4A7C15ull >> (64 - kBits); }

  std::bitset<1 << kBits> some_;
  std::unordered_set<uint64_t> all_;
};

}  // namespace ringdown

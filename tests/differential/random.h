#pragma once
#include <cstdint>
#include <initializer_list>
#include <span>

namespace ringdown::differential {

// SplitMix64: small, seedable, and the same on every host, so that a seed repeats a case anywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  // The generator of case `index` of a run: each case can be made without those before it.
  Random(uint64_t seed, uint64_t index) : state_(seed ^ (index + 1) * 0xD1B54A32D192ED03) { next(); }

  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
  }
  uint32_t word() { return static_cast<uint32_t>(next() >> 32); }
  uint8_t byte() { return static_cast<uint8_t>(next() >> 56); }
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>((next() >> 32) * bound >> 32); }
  bool percent(unsigned chance) { return below(100) < chance; }
  template <class T>
  const T& pick(std::span<const T> choices) {
    return choices[below(static_cast<uint32_t>(choices.size()))];
  }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[below(static_cast<uint32_t>(choices.size()))];
  }

 private:
  uint64_t state_;
};

}  // namespace ringdown::differential

#pragma once
#include <cstdint>

namespace ringdown {

// What a run did, counted. Every field is written by the vCPU thread alone, with a plain `counters().x++`,
// and is read when that thread has ended: another thread that counts needs a counter of its own. Wraps at
// 2^64.
struct Counters {
#define RINGDOWN_COUNTER(name, meaning) uint64_t name = 0;
#include "host-driver/counters.inc"
#undef RINGDOWN_COUNTER
};

namespace internal {
inline constinit Counters process_counters;
}

// One set for the process: translated code increments its fields by their absolute addresses.
inline Counters& counters() noexcept { return internal::process_counters; }

// Adds to a counter the cycles of the time-stamp counter that pass while it lives: of something short. What
// took longer than any of it can was interrupted for others of the host's processes, and does not count.
class CountedCycles {
 public:
  explicit CountedCycles(uint64_t& counter) : counter_(counter), start_(__builtin_ia32_rdtsc()) {}
  ~CountedCycles() {
    const uint64_t passed = __builtin_ia32_rdtsc() - start_;
    if (passed < kInterrupted) counter_ += passed;
  }
  CountedCycles(const CountedCycles&) = delete;

 private:
  static constexpr uint64_t kInterrupted = 1'000'000;

  uint64_t& counter_;
  uint64_t start_;
};

}  // namespace ringdown

#include "host-driver/tsc_frequency.h"

#include <time.h>
#include <x86intrin.h>

#include <limits>

namespace ringdown {
namespace {

constexpr int64_t kLeastNanoseconds = 10'000'000;
constexpr int kTries = 8;

int64_t monotonic_nanoseconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

TscFrequency::TscFrequency() : start_(sample()) {}

// The clock is read between two readings of the counter. Of several tries the one counts that took least:
// nothing came between.
TscFrequency::Sample TscFrequency::sample() {
  Sample best{};
  uint64_t shortest = std::numeric_limits<uint64_t>::max();
  for (int n = 0; n < kTries; n++) {
    const uint64_t before = __rdtsc();
    const int64_t now = monotonic_nanoseconds();
    const uint64_t took = __rdtsc() - before;
    if (took >= shortest) continue;
    shortest = took;
    best = {.tsc = before + took / 2, .nanoseconds = now};
  }
  return best;
}

uint32_t TscFrequency::measure_khz() const {
  Sample end = sample();
  while (end.nanoseconds - start_.nanoseconds < kLeastNanoseconds) end = sample();
  const auto cycles = static_cast<double>(end.tsc - start_.tsc);
  return static_cast<uint32_t>(cycles * 1e6 / static_cast<double>(end.nanoseconds - start_.nanoseconds) +
                               0.5);
}

}  // namespace ringdown

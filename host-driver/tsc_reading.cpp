#include "host-driver/tsc_reading.h"

#include <time.h>
#include <x86intrin.h>

#include <limits>

namespace ringdown {

Nanoseconds monotonic_time() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<Nanoseconds>(t.tv_sec) * 1'000'000'000 + static_cast<Nanoseconds>(t.tv_nsec);
}

// The clock is read between two readings of the counter. Of several tries the one counts that took least:
// nothing came between.
TscReading read_tsc_and_clock() {
  constexpr int kTries = 8;
  TscReading best{};
  uint64_t shortest = std::numeric_limits<uint64_t>::max();
  for (int n = 0; n < kTries; n++) {
    const uint64_t before = __rdtsc();
    const Nanoseconds now = monotonic_time();
    const uint64_t took = __rdtsc() - before;
    if (took >= shortest) continue;
    shortest = took;
    best = {.tsc = before + took / 2, .time = now};
  }
  return best;
}

}  // namespace ringdown

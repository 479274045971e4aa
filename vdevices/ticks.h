#pragma once
#include <cstdint>

#include "vdevices/clock.h"

namespace ringdown {

constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;

// Pulses of `frequency` Hz in the first `time` nanoseconds, rounded down; exact for ever, as no remainder is
// carried.
constexpr int64_t ticks_at(Nanoseconds time, uint64_t frequency) {
  const uint64_t seconds = time / kNanosecondsPerSecond, rest = time % kNanosecondsPerSecond;
  return static_cast<int64_t>(seconds * frequency + rest * frequency / kNanosecondsPerSecond);
}

// The earliest time at which ticks_at() is `tick`.
constexpr Nanoseconds time_of_tick(int64_t tick, uint64_t frequency) {
  const uint64_t seconds = static_cast<uint64_t>(tick) / frequency;
  const uint64_t rest = static_cast<uint64_t>(tick) % frequency;
  return seconds * kNanosecondsPerSecond + (rest * kNanosecondsPerSecond + frequency - 1) / frequency;
}

}  // namespace ringdown

#pragma once
#include <cstdint>

#include "vdevices/clock.h"

namespace ringdown {

// The host's time stamp counter and its CLOCK_MONOTONIC, at the same moment.
struct TscReading {
  uint64_t tsc;
  Nanoseconds time;
};

Nanoseconds monotonic_time();
TscReading read_tsc_and_clock();

}  // namespace ringdown

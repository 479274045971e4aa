#pragma once
#include <cstdint>

#include "host-driver/tsc_reading.h"

namespace ringdown {

// Measures the frequency of the host's time stamp counter, which no unprivileged interface tells, against
// CLOCK_MONOTONIC: from the construction of this object to the call.
class TscFrequency {
 public:
  // In kHz. Waits until 10 ms have passed since the construction, which makes the answer exact to some parts
  // in a million.
  uint32_t measure_khz() const;

 private:
  const TscReading start_ = read_tsc_and_clock();
};

}  // namespace ringdown

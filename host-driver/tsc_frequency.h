#pragma once
#include <cstdint>

namespace ringdown {

// Measures the frequency of the host's time stamp counter, which no unprivileged interface tells, against
// CLOCK_MONOTONIC: from the construction of this object to the call.
class TscFrequency {
 public:
  TscFrequency();
  // In kHz. Waits until 10 ms have passed since the construction, which makes the answer exact to some parts
  // in a million.
  uint32_t measure_khz() const;

 private:
  struct Sample {
    uint64_t tsc;
    int64_t nanoseconds;
  };
  static Sample sample();

  Sample start_;
};

}  // namespace ringdown

#pragma once
#include <time.h>

#include "vdevices/clock.h"

namespace ringdown {

// The host's monotonic clock, from 0 when this was made.
class HostClock final : public Clock {
 public:
  HostClock() : start_(host_now()) {}
  Nanoseconds now() const override { return host_now() - start_; }

 private:
  static Nanoseconds host_now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<Nanoseconds>(t.tv_sec) * 1'000'000'000 + static_cast<Nanoseconds>(t.tv_nsec);
  }
  Nanoseconds start_;
};

}  // namespace ringdown

#pragma once
#include <cstdint>
#include <optional>

#include "host-driver/tsc_reading.h"

namespace ringdown {

// What a clock shows between two readings of it, by the time stamp counter. The rate is that of the last two
// readings, so that it follows a clock that is slewed. A counter that once does not keep to it, because the
// machine was suspended or moved to another one, is not asked again.
class TscTimeline {
 public:
  // A reading is good for so long, and the next one of use after so long.
  static constexpr Nanoseconds kReach = 100'000'000, kLeastApart = 10'000'000;

  explicit TscTimeline(TscReading first) : last_(first) {}

  // Nothing: read the clock, and tell it to add().
  std::optional<Nanoseconds> at(uint64_t tsc) const {
    const uint64_t ticks = tsc - last_.tsc;
    if (ticks >= reach_) return std::nullopt;
    return last_.time + (ticks * rate_ >> kRateShift);
  }
  void add(TscReading reading);
  // False: at() will never know anything again.
  bool is_trusted() const { return trusted_; }

 private:
  static constexpr unsigned kRateShift = 32;

  TscReading last_;
  uint64_t rate_ = 0;   // nanoseconds per tick, shifted by kRateShift; 0: not known
  uint64_t reach_ = 0;  // ticks
  bool trusted_ = true;
};

}  // namespace ringdown

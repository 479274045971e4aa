#pragma once
#include <algorithm>

#include "vdevices/clock.h"

namespace ringdown {

// When to look at an address space that is new, by a timer of ours: many programs have ended after a few of
// the guest's ticks. Where they have gone before the first look, as a shell's forks, the next ones are not
// waited for.
class Looks {
 public:
  static constexpr Nanoseconds kDistance = 1'000'000;
  static constexpr unsigned kLooks = 8, kMostSkipped = 63;

  // Another address space is entered. `wanted`: it is new, and may be worth it.
  void enter_space(bool wanted) {
    if (left_ == kLooks) to_skip_ = std::min(2 * to_skip_ + 1, kMostSkipped);
    left_ = wanted && !skips() ? kLooks : 0;
  }
  // It has been looked at. `again`: nothing is decided yet.
  void looked(bool again) {
    to_skip_ = 0;
    left_ = again ? left_ - 1 : 0;
  }
  // For a stretch of running that begins now; kNever: no look.
  Nanoseconds next(Nanoseconds now) const { return left_ ? now + kDistance : kNever; }

 private:
  bool skips() {
    if (skipped_++ < to_skip_) return true;
    skipped_ = 0;
    return false;
  }

  unsigned left_ = 0;  // for the current address space
  unsigned to_skip_ = 0, skipped_ = 0;
};

}  // namespace ringdown

#pragma once
#include <cstdint>

#include "vdevices/clock.h"

namespace ringdown {

// When the host's timer kicks the vCPU thread, and how to set it for the next deadline of a device. For a
// guest that halts between ticks at even distances, each of which it programs anew, the timer goes on by
// itself: one call to the host less for each.
class KickSchedule {
 public:
  // A kick may come so late if that saves setting the timer: what Linux allows itself for any sleep.
  static constexpr Nanoseconds kSlack = 50'000;

  // From now, and between one kick and the next; 0: there is only one. `first` kNever: none.
  struct Setting {
    Nanoseconds first, period;
  };

  // Whether there will be a kick in time. An earlier one is cheaper than a call for each change.
  bool covers(Nanoseconds deadline) const {
    return next_ != kUnknown && deadline >= next_ - (period_ ? kSlack : 0);
  }
  // For a deadline that is not covered: what the timer is to be set to.
  Setting set_for(Nanoseconds deadline, Nanoseconds now);
  // A sleep has ended, by a kick or by another thread. `next_event`: the board's.
  void slept(Nanoseconds now, Nanoseconds next_event);
  // Somebody else has set the timer: it covers nothing.
  void lost();

 private:
  static constexpr Nanoseconds kUnknown = 0, kLeastPeriod = 10 * kSlack;

  Nanoseconds distance_to(Nanoseconds deadline) const;

  // The kicks to come.
  Nanoseconds next_ = kNever, period_ = 0;
  // What the timer was set for last, how far that was behind the one before, and whether a sleep has ended
  // since.
  Nanoseconds deadline_ = 0, distance_ = 0;
  bool slept_ = false;
};

}  // namespace ringdown

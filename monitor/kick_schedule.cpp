#include "monitor/kick_schedule.h"

namespace ringdown {

// Behind the deadline that the timer was set for last; on average, if there were ticks at even distances
// since.
Nanoseconds KickSchedule::distance_to(Nanoseconds deadline) const {
  if (!slept_) return 0;
  const Nanoseconds distance = deadline - deadline_;
  const uint64_t ticks = period_ ? (distance + period_ / 2) / period_ : 1;
  return ticks ? distance / ticks : 0;
}

// Ticks are even if their distance is the one before, give or take half the slack. The average keeps pace for
// longer each time.
KickSchedule::Setting KickSchedule::set_for(Nanoseconds deadline, Nanoseconds now) {
  const Nanoseconds distance = distance_to(deadline);
  const bool even = distance > kLeastPeriod && distance - distance_ + kSlack / 2 < kSlack;
  period_ = even ? distance : 0;
  deadline_ = deadline;
  distance_ = distance;
  slept_ = false;
  next_ = deadline;
  if (deadline == kNever) return {.first = kNever, .period = 0};
  if (period_) next_ += kSlack / 2;
  return {.first = next_ > now ? next_ - now : 1, .period = period_};
}

void KickSchedule::slept(Nanoseconds now, Nanoseconds next_event) {
  slept_ = true;
  if (!period_) {
    next_ = kNever;
    return;
  }
  if (now < next_) return;
  while (next_ <= now) next_ += period_;
  if (next_event > now) next_ = kUnknown;  // too early a kick, or the ticks have ended
}

void KickSchedule::lost() {
  next_ = kUnknown;
  period_ = 0;
}

}  // namespace ringdown

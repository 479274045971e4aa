#include "monitor/kick_schedule.h"

namespace ringdown {

// The period is the average since the timer was set last, if that is the one before, give or take half the
// slack: each time it keeps pace for longer.
KickSchedule::Setting KickSchedule::set_for(Nanoseconds deadline, Nanoseconds now) {
  const Nanoseconds distance = kicks_ ? (deadline - deadline_) / kicks_ : 0;
  const bool even = distance > kLeastPeriod && distance - distance_ + kSlack / 2 < kSlack;
  period_ = even ? distance : 0;
  deadline_ = deadline;
  distance_ = distance;
  kicks_ = 0;
  next_ = deadline;
  if (deadline == kNever) return {.first = kNever, .period = 0};
  if (period_) next_ += kSlack / 2;
  return {.first = next_ > now ? next_ - now : 1, .period = period_};
}

void KickSchedule::slept(Nanoseconds now, Nanoseconds next_event) {
  if (!period_) {
    next_ = kNever;
    kicks_ = 1;
    return;
  }
  if (now < next_) return;
  for (; next_ <= now; kicks_++) next_ += period_;
  if (next_event > now) next_ = kUnknown;  // the guest's ticks have ended
}

void KickSchedule::lost() {
  next_ = kUnknown;
  period_ = 0;
}

}  // namespace ringdown

#include "native/conduct.h"

#include <algorithm>

namespace ringdown {

// How many it takes to go native: twice as many after each return that counts.
unsigned Conduct::stretches_wanted() const {
  return 1u << std::min(returns_ - std::min(returns_, kForgiven), kMostDoublings);
}

bool Conduct::note_translated(Nanoseconds elapsed, uint64_t kernel_entries) {
  const bool computes = elapsed >= kernel_entries * kWorthwhile;
  stretches_ = computes ? stretches_ + 1 : 0;
  if (stretches_ < stretches_wanted()) return false;
  stretches_ = traps_ = 0;
  judged_time_ = native_time_ = 0;
  return true;
}

bool Conduct::note_native(Nanoseconds elapsed, bool trapped) {
  judged_time_ += elapsed;
  native_time_ += elapsed;
  traps_ += trapped;
  if (traps_ < kTrapsToJudge) return false;
  const bool computes = judged_time_ >= traps_ * kWorthwhile;
  traps_ = 0;
  judged_time_ = 0;
  if (!computes) returns_ = native_time_ >= kLasting ? 0 : returns_ + 1;
  return !computes;
}

}  // namespace ringdown

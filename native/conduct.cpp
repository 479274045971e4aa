#include "native/conduct.h"

#include <algorithm>

namespace ringdown {

bool Conduct::note_translated(Nanoseconds elapsed, uint64_t kernel_entries) {
  const bool computes = elapsed >= kernel_entries * kWorthwhile;
  stretches_ = computes ? stretches_ + 1 : 0;
  if (stretches_ < stretches_wanted_) return false;
  stretches_ = traps_ = 0;
  native_time_ = 0;
  return true;
}

bool Conduct::note_native(Nanoseconds elapsed, bool trapped) {
  native_time_ += elapsed;
  traps_ += trapped;
  if (traps_ < kTrapsToJudge) return false;
  const bool computes = native_time_ >= traps_ * kWorthwhile;
  traps_ = 0;
  native_time_ = 0;
  if (computes) return false;
  stretches_wanted_ = std::min(2 * stretches_wanted_, kMostStretches);
  return true;
}

}  // namespace ringdown

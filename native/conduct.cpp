#include "native/conduct.h"

#include <algorithm>
#include <utility>

namespace ringdown {

bool Conduct::note(bool native, Nanoseconds elapsed, uint64_t entries) {
  elapsed_ += elapsed;
  entries_ += entries;
  const bool is_over = elapsed_ >= kWindow || (native && entries_ >= kEntriesOfWindow);
  if (!is_over) return native;
  const Nanoseconds distance = std::exchange(elapsed_, 0) /
                               std::max<Nanoseconds>(1, static_cast<Nanoseconds>(std::exchange(entries_, 0)));
  return native ? after_native(distance) : after_translated(distance);
}

bool Conduct::after_translated(Nanoseconds distance) {
  translated_ = distance;
  settles_ = true;
  if (distance >= kWorthwhile) return true;
  if (wait_ > 0) wait_--;
  return wait_ == 0 && distance >= kPossible;
}

// What it did translated says something about what it does now only if that was in between as well.
bool Conduct::after_native(Nanoseconds distance) {
  if (distance >= kWorthwhile) return true;
  if (translated_ >= kWorthwhile) return false;
  if (std::exchange(settles_, false)) return true;
  if (distance <= translated_) {
    failures_ = 0;
    if (++better_ < kTrusted) return true;
    better_ = 0;
    return false;
  }
  better_ = 0;
  failures_ = std::min(failures_ + 1, kMostDoublings);
  wait_ = kFirstWait << failures_;
  return false;
}

}  // namespace ringdown

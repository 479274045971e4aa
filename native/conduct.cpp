#include "native/conduct.h"

#include <algorithm>
#include <utility>

namespace ringdown {
namespace {

Nanoseconds distance_of(const Conduct::Stretch& window) {
  return window.elapsed / std::max<Nanoseconds>(1, static_cast<Nanoseconds>(window.kernel_entries));
}

}  // namespace

bool Conduct::note(bool native, const Stretch& stretch, Nanoseconds quiet) {
  const bool is_quiet = !native && stretch.kernel_entries == 0 && stretch.elapsed >= quiet;
  if (is_quiet) window_ = {};
  window_.elapsed += stretch.elapsed;
  window_.kernel_entries += stretch.kernel_entries;
  window_.instructions_translated += stretch.instructions_translated;
  const bool is_over =
      is_quiet || window_.elapsed >= kWindow || (native && window_.kernel_entries >= kEntriesOfWindow);
  if (!is_over) return native;
  const Stretch window = std::exchange(window_, {});
  if (native) return after_native(window);
  const bool is_new_code =
      static_cast<Nanoseconds>(window.instructions_translated) * kTranslation * kLargePart > window.elapsed;
  return after_translated(distance_of(window), window.kernel_entries == 0, is_new_code);
}

bool Conduct::after_translated(Nanoseconds distance, bool without_entry, bool is_new_code) {
  translated_ = translated_ ? (translated_ * (kAveraged - 1) + distance) / kAveraged : distance;
  settles_ = true;
  native_time_ = 0;
  trial_ = {};
  trial_windows_ = 0;
  is_trial_ = is_new_code || distance < kWorthwhile;
  translating_ = is_new_code ? translating_ + 1 : 0;
  if (is_new_code && failures_ == 0 && returns_ == 0)
    return translating_ >= kNewCodeWindows && distance >= kPossible;
  if (distance >= kWorthwhile) return computes(without_entry);
  computing_ = 0;
  if (wait_ > 0) wait_--;
  return wait_ == 0 && distance >= kPossible;
}

// Two windows, or one without any entry; twice as many after each return that came soon.
bool Conduct::computes(bool without_entry) {
  computing_ += without_entry ? 2 : 1;
  return computing_ >= 2u << std::min(returns_, kMostDoublings);
}

// If it computed, it stays for as long as it does. If it was in between, or its time went into translation,
// it must not become slower.
bool Conduct::after_native(const Stretch& window) {
  native_time_ += window.elapsed;
  const Nanoseconds distance = distance_of(window);
  if (window.kernel_entries == 0 || (!is_trial_ && distance >= kWorthwhile)) return true;
  computing_ = 0;
  if (!is_trial_) {
    returns_ = native_time_ < kLasting ? returns_ + 1 : 0;
    return false;
  }
  return std::exchange(settles_, false) || judge_trial(window);
}

// On a busy host each hand-off may take milliseconds, and whatever enters the kernel seems to compute: that
// is far worse, too. Where entries come too often natively, it does something else than it did.
bool Conduct::judge_trial(const Stretch& window) {
  if (distance_of(window) > translated_ * kFarWorse) return end_trial();
  trial_.elapsed += window.elapsed;
  trial_.kernel_entries += window.kernel_entries;
  if (++trial_windows_ < kJudgedTogether) return true;
  trial_windows_ = 0;
  const Nanoseconds distance = distance_of(std::exchange(trial_, {}));
  if (distance > translated_ || distance < kPossible) return end_trial();
  failures_ = 0;
  if (++better_ < kTrusted) return true;
  better_ = 0;
  return false;
}

bool Conduct::end_trial() {
  better_ = 0;
  failures_ = std::min(failures_ + 1, kMostDoublings);
  wait_ = kFirstWait << failures_;
  return false;
}

}  // namespace ringdown

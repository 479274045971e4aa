#include "native/conduct.h"

#include <algorithm>
#include <utility>

namespace ringdown {

bool Conduct::note(bool native, const Stretch& stretch, Nanoseconds quiet) {
  const bool is_quiet = !native && stretch.kernel_entries == 0 && stretch.elapsed >= quiet;
  if (is_quiet) window_ = {};
  window_.elapsed += stretch.elapsed;
  window_.kernel_entries += stretch.kernel_entries;
  window_.instructions_translated += stretch.instructions_translated;
  const bool is_over =
      is_quiet || window_.elapsed >= kWindow || (native && window_.kernel_entries >= kEntriesOfWindow);
  if (!is_over) return native;
  const auto [elapsed, entries, instructions] = std::exchange(window_, {});
  const Nanoseconds distance = elapsed / std::max<Nanoseconds>(1, static_cast<Nanoseconds>(entries));
  if (native) native_time_ += elapsed;
  const bool is_new_code = static_cast<Nanoseconds>(instructions) * kTranslation * kLargePart > elapsed;
  return native ? after_native(distance, entries == 0)
                : after_translated(distance, entries == 0, is_new_code);
}

bool Conduct::after_translated(Nanoseconds distance, bool without_entry, bool is_new_code) {
  translated_ = distance;
  was_new_code_ = is_new_code;
  settles_ = true;
  native_time_ = 0;
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
// it must not become slower: on a busy host each hand-off may take milliseconds, and whatever enters the
// kernel seems to compute.
bool Conduct::after_native(Nanoseconds distance, bool without_entry) {
  const bool computed = translated_ >= kWorthwhile && !was_new_code_;
  if (without_entry || (computed && distance >= kWorthwhile)) return true;
  computing_ = 0;
  if (computed) {
    returns_ = native_time_ < kLasting ? returns_ + 1 : 0;
    return false;
  }
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

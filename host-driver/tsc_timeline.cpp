#include "host-driver/tsc_timeline.h"

#include <cmath>

namespace ringdown {
namespace {

// Nanoseconds per tick of any processor's counter.
constexpr double kLeast = 0.05, kMost = 10;
// Clocks are slewed by less (adjtimex: 500 parts in a million).
constexpr double kGreatestChange = 0.001;

}  // namespace

void TscTimeline::add(TscReading reading) {
  const Nanoseconds passed = reading.time - last_.time;
  if (passed < kLeastApart) return;
  const double one = std::ldexp(1, kRateShift);
  const double rate = static_cast<double>(passed) / static_cast<double>(reading.tsc - last_.tsc) * one;
  const auto before = static_cast<double>(rate_);
  const bool plausible = rate > kLeast * one && rate < kMost * one &&
                         (rate_ == 0 || std::abs(rate - before) < kGreatestChange * before);
  trusted_ = trusted_ && plausible;
  last_ = reading;
  rate_ = trusted_ ? static_cast<uint64_t>(rate) : 0;
  reach_ = trusted_ ? (kReach << kRateShift) / rate_ : 0;
}

}  // namespace ringdown

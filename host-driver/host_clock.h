#pragma once
#include <optional>

#include "host-driver/tsc_timeline.h"
#include "vdevices/clock.h"

namespace ringdown {

// The host's monotonic clock, from 0 when this was made. Where the host itself goes by the time stamp
// counter, most readings are of that, without the cache lines and pages that a reading of the host's clock
// needs: an idle guest finds them cold at each of its timer's interrupts. For one thread.
class HostClock final : public Clock {
 public:
  HostClock();
  // Never less than before.
  Nanoseconds now() const override;
  // Stands still from now on; goes on from there. Each does nothing if it is so already.
  void pause();
  void resume();

 private:
  Nanoseconds monotonic() const;

  const TscReading start_ = read_tsc_and_clock();
  const bool by_tsc_;
  mutable TscTimeline timeline_{start_};
  mutable Nanoseconds latest_ = start_.time;
  std::optional<Nanoseconds> paused_at_;
  Nanoseconds paused_for_ = 0;  // in all
};

}  // namespace ringdown

#include "host-driver/host_clock.h"

#include <x86intrin.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

namespace ringdown {
namespace {

// The kernel chooses the counter if it runs at one rate in all processors and at all times.
bool host_goes_by_tsc() {
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string name;
  return file >> name && name == "tsc";
}

}  // namespace

HostClock::HostClock() : by_tsc_(host_goes_by_tsc()) {}

Nanoseconds HostClock::now() const {
  if (paused_at_) return *paused_at_;
  latest_ = std::max(latest_, monotonic());
  return latest_ - start_.time - paused_for_;
}

void HostClock::pause() { paused_at_ = now(); }

void HostClock::resume() {
  if (!paused_at_) return;
  const Nanoseconds then = *std::exchange(paused_at_, std::nullopt);
  paused_for_ += now() - then;
}

Nanoseconds HostClock::monotonic() const {
  if (!by_tsc_ || !timeline_.is_trusted()) return monotonic_time();
  if (const auto time = timeline_.at(__rdtsc())) return *time;
  const TscReading reading = read_tsc_and_clock();
  timeline_.add(reading);
  return reading.time;
}

}  // namespace ringdown

#pragma once
#include <cstdint>
#include <limits>

namespace ringdown {

using Nanoseconds = uint64_t;
constexpr Nanoseconds kNever = std::numeric_limits<Nanoseconds>::max();

// Virtual time since the machine was switched on. Devices are handed a clock and never ask the host.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Nanoseconds now() const = 0;
};

// A device whose outputs change by themselves as time passes.
class TimedDevice {
 public:
  virtual ~TimedDevice() = default;
  // The absolute time at which the device next needs advance() (kNever if it has nothing to wait for). Can
  // change with every access to the device.
  Nanoseconds next_event() const { return next_event_; }
  // Brings outputs (interrupt lines above all) to their state at the clock's now().
  virtual void advance() = 0;

 protected:
  void set_next_event(Nanoseconds time) { next_event_ = time; }

 private:
  Nanoseconds next_event_ = kNever;
};

}  // namespace ringdown

#pragma once
#include "vdevices/clock.h"

namespace ringdown::testing {

struct FakeClock : Clock {
  Nanoseconds time = 0;
  Nanoseconds now() const override { return time; }

  // Lets time pass as the machine does: every device event is served when it is due.
  void run_until(Nanoseconds end, TimedDevice& device) {
    while (device.next_event() <= end) {
      if (device.next_event() > time) time = device.next_event();
      device.advance();
    }
    time = end;
    device.advance();
  }
};

constexpr Nanoseconds kMicrosecond = 1'000;
constexpr Nanoseconds kMillisecond = 1'000'000;
constexpr Nanoseconds kSecond = 1'000'000'000;

}  // namespace ringdown::testing

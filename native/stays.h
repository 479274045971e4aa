#pragma once
#include <algorithm>
#include <cstdint>

#include "vdevices/clock.h"

namespace ringdown {

// For how long those address spaces stayed native that went so last. A sandbox takes time to make and to end,
// so where they did not stay, another one has to compute for longer before it goes native. A counter of two
// bits, as of branches.
class Stays {
 public:
  static constexpr Nanoseconds kShort = 5'000'000;

  // Whether the next one is expected to stay.
  bool are_long() const { return trust_ >= kTrusting; }
  // The address space of `cr3` goes native: the one before it is judged.
  void begin(uint32_t cr3) {
    if (time_ >= kShort)
      trust_ = std::min(trust_ + 1, kMost);
    else if (trust_ > 0)
      trust_--;
    cr3_ = cr3;
    time_ = 0;
  }
  // That of `cr3` has run natively.
  void add(uint32_t cr3, Nanoseconds time) {
    if (cr3 == cr3_) time_ += time;
  }

 private:
  static constexpr unsigned kTrusting = 2, kMost = 3;

  unsigned trust_ = kTrusting;
  uint32_t cr3_ = 0;  // the last one
  Nanoseconds time_ = kShort;
};

}  // namespace ringdown

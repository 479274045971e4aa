#pragma once
#include <cstdint>

#include "vdevices/clock.h"

namespace ringdown {

// How the user code of an address space behaves, to tell whether it is better off natively: there it computes
// faster, but each trap costs a hand-off between processes and back, some 10 to 30 us.
class Conduct {
 public:
  // Between two traps on average, for a hand-off to cost less than what translation does.
  static constexpr Nanoseconds kWorthwhile = 200'000;

  // A stretch of time in which it ran translated, and how often it entered the guest's kernel by itself.
  // True: it computes, and should run natively.
  bool note_translated(Nanoseconds elapsed, uint64_t kernel_entries);
  // A stretch of time that it ran natively; `trapped`: until it entered the guest's kernel by itself. True:
  // it does that too often.
  bool note_native(Nanoseconds elapsed, bool trapped);

 private:
  static constexpr unsigned kTrapsToJudge = 16;
  static constexpr unsigned kMostDoublings = 6;
  // A return that comes later is no reason to wait longer the next time; nor are the first ones, since a
  // program may do nothing but touch new memory before each of its computations.
  static constexpr Nanoseconds kLasting = 50'000'000;
  static constexpr unsigned kForgiven = 2;

  unsigned stretches_wanted() const;

  unsigned stretches_ = 0;  // of computing, one after another
  unsigned returns_ = 0;    // that came early
  unsigned traps_ = 0;      // of those that are judged together, and the time until the last
  Nanoseconds judged_time_ = 0, native_time_ = 0;
};

}  // namespace ringdown

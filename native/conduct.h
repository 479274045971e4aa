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
  static constexpr unsigned kTrapsToJudge = 16, kMostStretches = 64;

  // Stretches of computing that it takes to go native: more each time that it did not last.
  unsigned stretches_wanted_ = 1, stretches_ = 0;
  unsigned traps_ = 0;
  Nanoseconds native_time_ = 0;
};

}  // namespace ringdown

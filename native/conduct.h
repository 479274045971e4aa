#pragma once
#include <cstdint>

#include "vdevices/clock.h"

namespace ringdown {

// How the user code of an address space behaves, to tell whether it is better off natively. There it runs
// faster, by nothing or by a factor, and nothing has to be translated; but each entry of the guest's kernel
// costs a hand-off between processes and back, some 10 to 30 us, as does much of what it touches anew.
//
// What computes for long between two entries is better off. What enters all the time is not. In between it is
// tried: the time from one entry to the next, all included, in windows of a few milliseconds, one way and the
// other way. Programs go on from one thing to another, so several windows are compared with several.
class Conduct {
 public:
  // Time from one entry to the next. From kWorthwhile on a hand-off costs a few per cent; below kPossible
  // it costs more than running natively can save.
  static constexpr Nanoseconds kWorthwhile = 200'000, kPossible = 25'000;

  // With so many entries a native window is over, however short it is.
  static constexpr uint64_t kEntriesOfWindow = 32;

  // Time in this address space, its kernel's included.
  struct Stretch {
    Nanoseconds elapsed;
    uint64_t kernel_entries;
    uint64_t instructions_translated;
  };
  static constexpr Nanoseconds kWindow = 3'000'000, kQuiet = 900'000;
  // It ran natively, or did not. Returns whether it is to do so from now on. A translated stretch of `quiet`
  // and more without any entry is a window by itself, whatever was before: kWindow, or kQuiet if what goes
  // native is expected to stay.
  bool note(bool native, const Stretch& stretch, Nanoseconds quiet);

 private:
  // Native windows of a trial that are judged together; and so many judgements in a row that it was better,
  // then it is time to ask again.
  static constexpr unsigned kJudgedTogether = 4, kTrusted = 16;
  // A window that is so many times worse need not wait for the others.
  static constexpr Nanoseconds kFarWorse = 2;
  // Of translated windows the average is kept, in which each counts for one part of so many.
  static constexpr Nanoseconds kAveraged = 4;
  static constexpr unsigned kMostDoublings = 6;
  // To come back later than that is not soon.
  static constexpr Nanoseconds kLasting = 50'000'000;
  // Most programs have ended by then, and a trial takes some milliseconds.
  static constexpr unsigned kFirstWait = 10;

  // Roughly what it takes to translate one instruction; and of a window to be spent on that, so that
  // translation is what it suffers from.
  static constexpr Nanoseconds kTranslation = 400;
  static constexpr unsigned kLargePart = 4;  // a fourth
  // So many such windows in a row: most programs start up in less, and a sandbox takes time to make and to
  // fill.
  static constexpr unsigned kNewCodeWindows = 3;

  bool after_translated(Nanoseconds distance, bool without_entry, bool is_new_code);
  bool computes(bool without_entry);
  bool after_native(const Stretch& window);
  bool judge_trial(const Stretch& window);
  bool end_trial();

  Stretch window_{};             // the current one
  Nanoseconds translated_ = 0;   // the distance of entries, averaged; 0: not known yet
  unsigned translating_ = 0;     // translated windows in a row that were spent on that
  unsigned computing_ = 0;       // translated windows in a row that computed; without any entry: two
  bool is_trial_ = false;        // it is native, but not because it computed
  unsigned returns_ = 0;         // from computing natively, in a row, that came soon
  Nanoseconds native_time_ = 0;  // since it went native
  bool settles_ = false;         // the native window has to bring its pages there
  Stretch trial_{};              // the windows that are to be judged
  unsigned trial_windows_ = 0;   // how many they are
  unsigned better_ = 0;          // judgements in a row that it was
  unsigned failures_ = 0;        // trials in a row that were not worth it
  unsigned wait_ = kFirstWait;   // translated windows before the next trial
};

}  // namespace ringdown

#pragma once
#include <sys/syscall.h>

#include <csignal>
#include <cstdint>
#include <ctime>

#include "host-driver/counters.h"

namespace ringdown {

// A host timer that sends the kick signal to the thread which created it. Also what another thread
// uses to kick that thread. Kicks are hints: the receiver looks for itself what is to be done.
class KickTimer {
 public:
  static int signal_number();

  KickTimer();
  ~KickTimer();
  KickTimer(const KickTimer&) = delete;
  KickTimer& operator=(const KickTimer&) = delete;

  // Async-signal-safe. Replaces what was armed before. With a period it goes on kicking at that distance.
  void arm(uint64_t nanoseconds_from_now, uint64_t period = 0);
  void disarm();
  // Any thread: kicks now.
  void kick();

  // The thread that is kicked: until there is a kick, which its handler then does not see, or another signal.
  // A kick just before it falls asleep is the handler's alone: that has to arm the timer for another one.
  void sleep() const;

 private:
  timer_t timer_;
  int thread_;
  sigset_t kicks_;
};

// Linux takes a signal that comes meanwhile for this call's, blocked or not (rt_sigtimedwait). In line and
// without the C library, whose function is a cancellation point: an idle guest finds what is elsewhere cold.
inline void KickTimer::sleep() const {
  counters().host_syscalls_sleep++;
  constexpr size_t kKernelSignalSetBytes = 8;
  register size_t set_bytes asm("r10") = kKernelSignalSetBytes;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(SYS_rt_sigtimedwait), "D"(&kicks_), "S"(nullptr), "d"(nullptr), "r"(set_bytes)
               : "rcx", "r11", "memory");
}

}  // namespace ringdown

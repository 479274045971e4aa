#pragma once
#include <csignal>
#include <cstdint>
#include <ctime>

namespace ringdown {

// A one-shot host timer that sends the kick signal to the thread which created it. Also what another thread
// uses to kick that thread. Kicks are hints: the receiver looks for itself what is to be done.
class KickTimer {
 public:
  static int signal_number();

  KickTimer();
  ~KickTimer();
  KickTimer(const KickTimer&) = delete;
  KickTimer& operator=(const KickTimer&) = delete;

  // Async-signal-safe. Replaces what was armed before.
  void arm(uint64_t nanoseconds_from_now);
  void disarm();
  // Any thread: kicks now.
  void kick();

  // While one lives, kicks of this thread wait, and end its sleep instead of interrupting it.
  class Held {
   public:
    Held();
    ~Held();
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    // Until there is a kick, which its handler then does not see, or another signal.
    void sleep() const;

   private:
    sigset_t kick_, before_;
  };

 private:
  timer_t timer_;
  int thread_;
};

}  // namespace ringdown

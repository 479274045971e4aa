#include "host-driver/kick_timer.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "host-driver/counters.h"
#include "host-driver/host_error.h"

namespace ringdown {

int KickTimer::signal_number() { return SIGRTMIN + 1; }

KickTimer::KickTimer() : thread_(gettid()) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = signal_number();
  event._sigev_un._tid = thread_;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer_) < 0) host_refuses("timer_create");
}

KickTimer::~KickTimer() { timer_delete(timer_); }

void KickTimer::arm(uint64_t nanoseconds_from_now) {
  counters().host_syscalls_timer++;
  const uint64_t delay = std::max<uint64_t>(nanoseconds_from_now, 1);
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(delay / 1'000'000'000);
  when.it_value.tv_nsec = static_cast<long>(delay % 1'000'000'000);
  timer_settime(timer_, 0, &when, nullptr);
}

void KickTimer::disarm() {
  counters().host_syscalls_timer++;
  const itimerspec never{};
  timer_settime(timer_, 0, &never, nullptr);
}

void KickTimer::kick() { syscall(SYS_tgkill, getpid(), thread_, signal_number()); }

KickTimer::Held::Held() {
  sigemptyset(&kick_);
  sigaddset(&kick_, signal_number());
  pthread_sigmask(SIG_BLOCK, &kick_, &before_);
}

KickTimer::Held::~Held() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void KickTimer::Held::sleep() const {
  counters().host_syscalls_sleep++;
  sigwaitinfo(&kick_, nullptr);
}

}  // namespace ringdown

#include "host-driver/kick_timer.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "host-driver/counters.h"
#include "host-driver/host_error.h"

namespace ringdown {
namespace {

timespec timespec_of(uint64_t nanoseconds) {
  return {.tv_sec = static_cast<time_t>(nanoseconds / 1'000'000'000),
          .tv_nsec = static_cast<long>(nanoseconds % 1'000'000'000)};
}

}  // namespace

int KickTimer::signal_number() { return SIGRTMIN + 1; }

KickTimer::KickTimer() : thread_(gettid()) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = signal_number();
  event._sigev_un._tid = thread_;
  sigemptyset(&kicks_);
  sigaddset(&kicks_, signal_number());
  if (timer_create(CLOCK_MONOTONIC, &event, &timer_) < 0) host_refuses("timer_create");
}

KickTimer::~KickTimer() { timer_delete(timer_); }

void KickTimer::arm(uint64_t nanoseconds_from_now, uint64_t period) {
  counters().host_syscalls_timer++;
  const itimerspec when{.it_interval = timespec_of(period),
                        .it_value = timespec_of(std::max<uint64_t>(nanoseconds_from_now, 1))};
  timer_settime(timer_, 0, &when, nullptr);
}

void KickTimer::disarm() {
  counters().host_syscalls_timer++;
  const itimerspec never{};
  timer_settime(timer_, 0, &never, nullptr);
}

void KickTimer::kick() { syscall(SYS_tgkill, getpid(), thread_, signal_number()); }

}  // namespace ringdown

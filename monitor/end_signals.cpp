#include "monitor/end_signals.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "host-driver/kick_timer.h"

namespace ringdown {
namespace {

constexpr std::array kEndSignals{SIGTERM, SIGINT, SIGHUP};

volatile sig_atomic_t received_signal = 0;
std::function<void()> act;

void handle(int signal) {
  const int saved_errno = errno;
  received_signal = signal;
  if (act) act();
  errno = saved_errno;
}

bool has_handler(int signal, void (*handler)(int)) {
  struct sigaction present {};
  sigaction(signal, nullptr, &present);
  return present.sa_handler == handler;
}

}  // namespace

EndSignals::EndSignals(std::function<void()> on_signal) {
  act = std::move(on_signal);
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_ONSTACK | SA_RESTART | SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  // A kick must find the code that was interrupted, not this handler.
  sigaddset(&action.sa_mask, KickTimer::signal_number());
  for (const int signal : kEndSignals) {
    if (has_handler(signal, SIG_DFL)) sigaction(signal, &action, nullptr);
  }
}

EndSignals::~EndSignals() {
  for (const int signal : kEndSignals) {
    if (has_handler(signal, handle)) std::signal(signal, SIG_DFL);
  }
  act = nullptr;
}

int EndSignals::received() { return received_signal; }

void die_of(int signal) {
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  ::_exit(128 + signal);  // it is blocked
}

}  // namespace ringdown

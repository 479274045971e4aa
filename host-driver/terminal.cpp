#include "host-driver/terminal.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "host-driver/terminal_guardian.h"

namespace ringdown {
namespace {

// Written before `is_raw` is set, read by handlers only while it is.
TerminalSettings settings;
TerminalGuardian guardian;
std::atomic<bool> is_raw{false};

// Signals whose default action ends the process. A fault handler of the monitor, installed later, replaces
// ours.
constexpr std::array kFatalSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV,
                                   SIGBUS, SIGILL,  SIGFPE, SIGXCPU, SIGPIPE};

bool in_foreground() { return ::tcgetpgrp(settings.fd) == ::getpgrp() || ::tcgetpgrp(settings.fd) < 0; }

void end_by_signal(int signal) {
  restore_terminal();
  // The handler is gone (SA_RESETHAND): the parent process must see which signal it was.
  ::raise(signal);
}

void stop_by_signal(int) {
  const int saved_errno = errno;
  if (is_raw) restore_settings_if_ours(settings);
  ::raise(SIGSTOP);
  errno = saved_errno;
}

void continue_raw(int) {
  const int saved_errno = errno;
  if (is_raw && in_foreground()) ::tcsetattr(settings.fd, TCSANOW, &settings.ours);
  errno = saved_errno;
}

void handle(int signal, void (*handler)(int), int flags) {
  struct sigaction present {};
  ::sigaction(signal, nullptr, &present);
  if (present.sa_handler != SIG_DFL) return;
  struct sigaction ours {};
  ours.sa_handler = handler;
  ours.sa_flags = flags | SA_ONSTACK;
  sigemptyset(&ours.sa_mask);
  ::sigaction(signal, &ours, nullptr);
}

void install_handlers() {
  for (const int signal : kFatalSignals) handle(signal, end_by_signal, SA_RESETHAND | SA_NODEFER);
  handle(SIGTSTP, stop_by_signal, SA_RESTART);
  handle(SIGCONT, continue_raw, SA_RESTART);
  static const int once = std::atexit(restore_terminal);
  (void)once;
}

termios raw_settings(termios t, TerminalSignals signals) {
  t.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  t.c_oflag |= OPOST;
  t.c_lflag &= ~(ECHO | ECHONL | ICANON | IEXTEN);
  if (signals == TerminalSignals::kToGuest) t.c_lflag &= ~ISIG;
  t.c_cflag = (t.c_cflag & ~(CSIZE | PARENB)) | CS8;
  t.c_cc[VMIN] = 1;
  t.c_cc[VTIME] = 0;
  return t;
}

}  // namespace

bool make_terminal_raw(int fd, TerminalSignals signals) {
  restore_terminal();
  termios original;
  if (::tcgetattr(fd, &original) != 0) return false;
  return set_terminal(fd, raw_settings(original, signals));
}

bool set_terminal(int fd, const termios& wanted) {
  restore_terminal();
  termios original;
  if (::tcgetattr(fd, &original) != 0) return false;
  install_handlers();
  settings = {fd, original, wanted};
  guardian = {};
  is_raw = true;
  // In the background this stops us, as a job that wants the terminal should be.
  if (::tcsetattr(fd, TCSANOW, &wanted) != 0) {
    is_raw = false;
    return false;
  }
  ::tcgetattr(fd, &settings.ours);
  guardian = start_terminal_guardian(settings);
  return true;
}

void restore_terminal() noexcept {
  if (!is_raw.exchange(false)) return;
  const int saved_errno = errno;
  restore_settings_if_ours(settings);
  dismiss_terminal_guardian(guardian);
  errno = saved_errno;
}

bool open_missing_standard_files() {
  const bool has_input = ::fcntl(STDIN_FILENO, F_GETFD) >= 0;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest free number is given out, and all below `fd` are taken by now.
    if (::fcntl(fd, F_GETFD) < 0) (void)!::open("/dev/null", O_RDWR);
  }
  return !has_input;
}

}  // namespace ringdown

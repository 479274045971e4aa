#include "host-driver/terminal_guardian.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace ringdown {
namespace {

bool same_settings(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag &&
         a.c_lflag == b.c_lflag && a.c_cc[VMIN] == b.c_cc[VMIN] && a.c_cc[VTIME] == b.c_cc[VTIME];
}

void close_from(int first) {
  if (::syscall(SYS_close_range, first, ~0U, 0) == 0) return;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const int end = static_cast<int>(std::min<rlim_t>(files.rlim_cur, 65536));
  for (int fd = first; fd < end; ++fd) ::close(fd);
}

// Runs in the child of a process that may have threads: async-signal-safe calls only. Every signal is
// blocked.
[[noreturn]] void guard(TerminalSettings settings, int pipe) {
  ::setsid();
  ::prctl(PR_SET_NAME, "ringdown-tty");
  // Whoever waits for the end of our output must not wait for the guardian: keep the two files it needs.
  const int terminal = ::fcntl(settings.fd, F_DUPFD, 3);
  const int parent = ::fcntl(pipe, F_DUPFD, 3);
  settings.fd = ::dup2(terminal, 0);
  ::dup2(parent, 1);
  close_from(2);
  if (::chdir("/") != 0) ::_exit(1);
  char byte;
  ssize_t count;
  do count = ::read(1, &byte, 1);
  while (count < 0 && errno == EINTR);
  if (count == 0) restore_settings_if_ours(settings);
  ::_exit(0);
}

}  // namespace

void restore_settings_if_ours(const TerminalSettings& settings) noexcept {
  termios now;
  if (::tcgetattr(settings.fd, &now) != 0 || !same_settings(now, settings.ours)) return;
  sigset_t background, before;
  sigemptyset(&background);
  sigaddset(&background, SIGTTOU);
  ::pthread_sigmask(SIG_BLOCK, &background, &before);
  ::tcsetattr(settings.fd, TCSANOW, &settings.original);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TerminalGuardian start_terminal_guardian(const TerminalSettings& settings) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) guard(settings, ends[0]);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(ends[0]);
  if (pid < 0) {
    ::close(ends[1]);
    return {};
  }
  return {pid, ends[1]};
}

void dismiss_terminal_guardian(const TerminalGuardian& guardian) noexcept {
  if (guardian.pid < 0) return;
  const ssize_t written = ::write(guardian.pipe, "", 1);
  ::close(guardian.pipe);
  if (written != 1) return;
  while (::waitpid(guardian.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace ringdown

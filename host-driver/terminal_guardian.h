#pragma once
#include <sys/types.h>
#include <termios.h>

namespace ringdown {

// A terminal's settings before and after we changed them. `ours` is what the host made of what we asked for.
struct TerminalSettings {
  int fd = -1;
  termios original{};
  termios ours{};
};

// Puts the original settings back if the present ones are still ours: after a kill, the shell may have taken
// the terminal back before us. Async-signal-safe, and legal for a process in the background.
void restore_settings_if_ours(const TerminalSettings& settings) noexcept;

// A child process that waits until its parent dies, then restores the terminal. SIGKILL leaves no other way.
// It holds nothing but the terminal and a pipe, lives in a session of its own (a kill of the whole process
// group misses it) and ends when it is dismissed or its parent is gone.
struct TerminalGuardian {
  pid_t pid = -1;
  int pipe = -1;  // the write end: a byte dismisses, end of file means that the parent died
};

// pid is -1 if the host refuses to fork; then only SIGKILL leaves the terminal raw.
TerminalGuardian start_terminal_guardian(const TerminalSettings& settings);

// Ends the guardian and reaps it. Async-signal-safe.
void dismiss_terminal_guardian(const TerminalGuardian& guardian) noexcept;

}  // namespace ringdown

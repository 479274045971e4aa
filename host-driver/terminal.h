#pragma once
#include <termios.h>

namespace ringdown {

// The user's terminal. It is one for the process, so this is a module and not a class.

// Who gets ^C, ^\ and ^Z: the host's signals, or the guest as bytes.
enum class TerminalSignals { kKeep, kToGuest };

// Puts the terminal behind `fd` into raw mode: bytes arrive as they are typed and are not echoed, line ends
// of output are still translated. From now on its settings are put back when the process ends by exit or by a
// signal, and, by a small child process, even when it is killed. Handlers are installed only for signals that
// have none. False, and nothing done, when `fd` is not a terminal.
//
// Call it before guest memory is mapped and before threads are started: it forks.
bool make_terminal_raw(int fd, TerminalSignals signals);
// The same with these settings.
bool set_terminal(int fd, const termios& wanted);

// Puts the settings back, unless another program has changed them since. Async-signal-safe; does nothing when
// there is nothing to put back. A handler that ends the process for a fault of its own calls this first.
void restore_terminal() noexcept;

// Opens /dev/null in place of a standard file that the caller closed, so that no file of ours gets its
// number. True if standard input was among them.
bool open_missing_standard_files();

}  // namespace ringdown

#pragma once
#include <functional>

namespace ringdown {

// SIGTERM, SIGINT and SIGHUP as requests to end in order: the first one calls `on_signal`, a second one of
// its kind ends the process at once, as if nobody listened. A signal that the caller of this program ignores
// stays ignored (nohup). One at a time; without an object the signals do what they did before.
class EndSignals {
 public:
  // `on_signal` runs in the signal handler, on the vCPU thread: async-signal-safe calls only.
  explicit EndSignals(std::function<void()> on_signal);
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  // The signal that asked for the end, 0 if none did. Stays when the object is gone.
  static int received();
};

// Ends the process by this signal, so that its parent sees why it ended.
[[noreturn]] void die_of(int signal);

}  // namespace ringdown

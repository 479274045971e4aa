#pragma once
#include <sys/types.h>

#include <memory>
#include <string>
#include <variant>

namespace ringdown {

// Opened by the caller, who keeps them.
struct ChildFiles {
  int ram, reports, shared, orders;
};

// A process that runs the stub (stub_image.h) and nothing else: no memory of ours, no privileges, and once
// the stub has started no files but guest RAM and a pipe, which only its mapper has. Killed and reaped by the
// destructor; dies with the thread that made it, which therefore has to be the one that lives longest
// (prctl(2), PR_SET_PDEATHSIG).
class ChildProcess {
 public:
  // The second alternative says what the host refuses. That the child could not
  // go on later than that, in the stub's own start, is seen by its death.
  static std::variant<std::unique_ptr<ChildProcess>, std::string> start(const ChildFiles& files);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Until the destructor, also when the child has died.
  pid_t pid() const { return pid_; }
  bool is_dead() const;
  // Waits for its end: the status, if it has ended by itself; otherwise 0.
  int exit_status() const;
  // Async-signal-safe.
  void kill(int signal) const;

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}

  const pid_t pid_;
};

}  // namespace ringdown

#pragma once
#include <sys/types.h>

#include <memory>
#include <string>
#include <variant>

#include "host-driver/file_descriptor.h"

namespace ringdown {

// A process that runs the stub (stub_image.h) and nothing else: no memory of ours, no privileges, guest RAM
// its only file once the stub has started. Killed and reaped by the destructor; dies with the thread that
// made it, which therefore has to be the one that lives longest (prctl(2), PR_SET_PDEATHSIG).
class ChildProcess {
 public:
  // The files stay the caller's. The second alternative says what the host refuses. That the child could not
  // go on later than that, in the stub's own start, is seen by its death.
  static std::variant<std::unique_ptr<ChildProcess>, std::string> start(int ram_file, int shared_file);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Where the kernel asks about the stub's mappings (seccomp_unotify(2)).
  int listener() const { return listener_.get(); }
  // Until the destructor, also when the child has died.
  pid_t pid() const { return pid_; }
  bool is_dead() const;
  // Its exit status, if it is dead and has ended by itself; otherwise 0.
  int exit_status() const;
  // Async-signal-safe.
  void kill(int signal) const;

 private:
  ChildProcess(pid_t pid, FileDescriptor listener) : pid_(pid), listener_(std::move(listener)) {}

  pid_t pid_;
  FileDescriptor listener_;
};

}  // namespace ringdown

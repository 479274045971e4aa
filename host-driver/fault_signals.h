#pragma once
#include <ucontext.h>

#include <csignal>

namespace ringdown {

// Who is asked about the host's synchronous faults and about kicks, on the thread that they happen on.
// Called from signal handlers, on an alternate stack: translated code keeps the guest's ESP in RSP.
class HostFaultHandler {
 public:
  virtual ~HostFaultHandler() = default;
  // False: the fault is not the guest's doing.
  virtual bool on_fault(int signal, siginfo_t& info, ucontext_t& host) = 0;
  virtual void on_kick(ucontext_t& host) = 0;
};

// Installs handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP and the kick signal, and an alternate stack
// for the calling thread. A fault that `handler` does not take is a bug of ours: `on_bug` is called (to
// restore the terminal), then the process dies of the signal. One at a time; the destructor puts back what
// was there.
class FaultSignals {
 public:
  FaultSignals(HostFaultHandler& handler,
               void (*on_bug)(int signal, const siginfo_t& info, const ucontext_t& host));
  ~FaultSignals();
  FaultSignals(const FaultSignals&) = delete;
  FaultSignals& operator=(const FaultSignals&) = delete;

 private:
  void* stack_;
};

}  // namespace ringdown

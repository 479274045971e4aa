#include "host-driver/fault_signals.h"

#include <sys/mman.h>

#include <array>

#include "host-driver/counters.h"
#include "host-driver/host_error.h"
#include "host-driver/kick_timer.h"

namespace ringdown {
namespace {

constexpr size_t kStackBytes = 256 * 1024;
constexpr std::array kFaults = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

HostFaultHandler* current_handler = nullptr;
void (*current_on_bug)(int, const siginfo_t&, const ucontext_t&) = nullptr;
std::array<struct sigaction, kFaults.size()> previous;

void handle_fault(int signal, siginfo_t* info, void* context) {
  counters().host_signals++;
  counters().host_signals_page_fault += signal == SIGSEGV;
  auto& host = *static_cast<ucontext_t*>(context);
  const bool is_sent = info->si_code <= 0;  // by kill or abort: no instruction has done it
  if (!is_sent && current_handler->on_fault(signal, *info, host)) return;
  current_on_bug(signal, *info, host);
  // The instruction is repeated when this returns, and then the signal is fatal.
  std::signal(signal, SIG_DFL);
  if (is_sent) std::raise(signal);
}

void handle_kick(int, siginfo_t*, void* context) {
  counters().host_signals++;
  counters().host_signals_kick++;
  current_handler->on_kick(*static_cast<ucontext_t*>(context));
}

void install(int signal, void (*handler)(int, siginfo_t*, void*), struct sigaction* old) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  // Faults are not deferred: one inside of a handler is a bug of ours and must be seen as such.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, KickTimer::signal_number());
  if (sigaction(signal, &action, old) < 0) host_refuses("sigaction");
}

}  // namespace

FaultSignals::FaultSignals(HostFaultHandler& handler,
                           void (*on_bug)(int signal, const siginfo_t& info, const ucontext_t& host)) {
  current_handler = &handler;
  current_on_bug = on_bug;
  stack_ = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack_ == MAP_FAILED) host_refuses("a stack for signals");
  const stack_t stack{.ss_sp = stack_, .ss_flags = 0, .ss_size = kStackBytes};
  if (sigaltstack(&stack, nullptr) < 0) host_refuses("sigaltstack");
  for (size_t n = 0; n < kFaults.size(); n++) install(kFaults[n], handle_fault, &previous[n]);
  install(KickTimer::signal_number(), handle_kick, nullptr);
}

FaultSignals::~FaultSignals() {
  std::signal(KickTimer::signal_number(), SIG_IGN);
  for (size_t n = 0; n < kFaults.size(); n++) sigaction(kFaults[n], &previous[n], nullptr);
  const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  sigaltstack(&none, nullptr);
  munmap(stack_, kStackBytes);
}

}  // namespace ringdown

#include "host-driver/io_thread.h"

#include <csignal>
#include <initializer_list>

namespace ringdown {

void block_signals_of_io_thread() {
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int own : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTTIN, SIGTTOU}) sigdelset(&blocked, own);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
}

}  // namespace ringdown

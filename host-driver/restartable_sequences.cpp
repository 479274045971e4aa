#include "host-driver/restartable_sequences.h"

#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringdown {

// rseq(2): the area, its size and the signature must be those of the registration.
void give_up_restartable_sequences() {
  char* const area = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  syscall(SYS_rseq, area, sizeof(struct rseq), RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

}  // namespace ringdown

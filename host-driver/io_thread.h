#pragma once
#include <cerrno>

namespace ringdown {

// For a thread that does the host's I/O: signals for the process must find the vCPU thread. Delivered here
// are a fault of this thread itself, and the stop that a job in the background gets when it reads or sets the
// terminal.
void block_signals_of_io_thread();

// Is this an errno of a call that may work the next time?
inline bool try_again(int error) { return error == EINTR || error == EAGAIN; }

}  // namespace ringdown

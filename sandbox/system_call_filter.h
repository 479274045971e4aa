#pragma once
#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace ringdown {

// Where the stub's system-call instructions end, in the child: what the kernel shows to a filter as the
// caller's address.
struct StubCallSites {
  uint64_t futex, call, sigreturn;
};

// The first filter of seccomp(2): an mmap or munmap by the stub's `call` waits until the monitor, which holds
// the listener, has compared its arguments. Everything else passes. It is put in place before the child's
// program is executed.
std::vector<sock_filter> mapping_filter(const StubCallSites& sites);

// The second, put in place by the stub before any guest code runs. 32-bit system calls, by whichever
// instruction, become SIGSYS. Of 64-bit ones the three sites may make those they are for, with the arguments
// that they make them with; anything else is the child's end.
std::vector<sock_filter> confining_filter(const StubCallSites& sites);

}  // namespace ringdown

#pragma once
#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "sandbox/stub_layout.h"

namespace ringdown {

// What the child's files are, by number, when its program begins.
constexpr int kChildRam = 0, kChildReports = STUB_REPORTS_FILE, kChildShared = 2, kChildOrders = 3,
              kChildImage = 4;

// Where the stub's system-call instructions end, in the child: what the kernel shows to a filter as the
// caller's address.
struct StubCallSites {
  uint64_t futex, sigreturn, arch_prctl, prctl;
  uint64_t mapper_call, mapper_futex, mapper_write, mapper_wake;
};

// The filters of seccomp(2), which each thread puts in place for itself before any guest code runs. What they
// do not name is the child's end.
//
// The guest's thread: 32-bit system calls, by whichever instruction, become SIGSYS. Of 64-bit ones the four
// sites may make those they are for, with the arguments that they make them with: rt_sigreturn, futex on the
// turn, arch_prctl that makes CPUID trap, and prctl that makes RDTSC trap or not.
std::vector<sock_filter> guest_filter(const StubCallSites& sites);
// The mapper: mmap of guest RAM and munmap, both below 4 GiB; the same arch_prctl; waiting for its orders;
// its reports; waking the guest's thread.
std::vector<sock_filter> mapper_filter(const StubCallSites& sites);

}  // namespace ringdown

#include "sandbox/system_call_filter.h"

#include <asm/prctl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <initializer_list>

#include "sandbox/stub_layout.h"

namespace ringdown {
namespace {

using Filter = std::vector<sock_filter>;

constexpr uint32_t kNumber = offsetof(seccomp_data, nr), kArchitecture = offsetof(seccomp_data, arch),
                   kCaller = offsetof(seccomp_data, instruction_pointer);
constexpr uint32_t argument(unsigned index) {
  return static_cast<uint32_t>(offsetof(seccomp_data, args) + index * sizeof(uint64_t));
}

sock_filter load(uint32_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset); }
sock_filter verdict(uint32_t value) { return BPF_STMT(BPF_RET | BPF_K, value); }

void append(Filter& filter, const Filter& more) { filter.insert(filter.end(), more.begin(), more.end()); }

// `body` for those calls whose 32 bits at `offset` are `value`; others go on behind it.
Filter when(uint32_t offset, uint32_t value, const Filter& body) {
  Filter filter{load(offset), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0)};
  filter.back().jf = static_cast<uint8_t>(body.size());
  append(filter, body);
  return filter;
}

// A 64-bit value: little-endian, the lower half first.
Filter when_64(uint32_t offset, uint64_t value, const Filter& body) {
  return when(offset, static_cast<uint32_t>(value),
              when(offset + 4, static_cast<uint32_t>(value >> 32), body));
}

Filter one_of(std::initializer_list<Filter> parts) {
  Filter filter;
  for (const Filter& part : parts) append(filter, part);
  return filter;
}

constexpr Filter::value_type kAllow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

// Without a time limit.
Filter allow_futex(uint64_t word, std::initializer_list<uint64_t> operations) {
  Filter any;
  for (const uint64_t operation : operations)
    append(any, when_64(argument(1), operation, when_64(argument(3), 0, {kAllow})));
  return when(kNumber, SYS_futex, when_64(argument(0), word, any));
}

Filter allow_trapping_cpuid() {
  return when(kNumber, SYS_arch_prctl,
              when_64(argument(0), ARCH_SET_CPUID, when_64(argument(1), 0, {kAllow})));
}

Filter allow_setting_tsc() { return when(kNumber, SYS_prctl, when_64(argument(0), PR_SET_TSC, {kAllow})); }

Filter only_64_bit(const Filter& body) {
  Filter filter = when(kArchitecture, AUDIT_ARCH_X86_64, body);
  filter.push_back(verdict(SECCOMP_RET_KILL_PROCESS));
  return filter;
}

}  // namespace

std::vector<sock_filter> guest_filter(const StubCallSites& sites) {
  Filter filter = when(kArchitecture, AUDIT_ARCH_I386, {verdict(SECCOMP_RET_TRAP)});
  append(filter,
         only_64_bit(one_of(
             {when_64(kCaller, sites.sigreturn, when(kNumber, SYS_rt_sigreturn, {kAllow})),
              when_64(kCaller, sites.arch_prctl, allow_trapping_cpuid()),
              when_64(kCaller, sites.prctl, allow_setting_tsc()),
              when_64(kCaller, sites.futex,
                      allow_futex(STUB_SHARED + STUB_TURN, {FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET}))})));
  return filter;
}

std::vector<sock_filter> mapper_filter(const StubCallSites& sites) {
  constexpr uint32_t kUpperHalfOfAddress = argument(0) + 4;
  const Filter map_or_unmap = one_of({when(kNumber, SYS_mmap, when_64(argument(4), kChildRam, {kAllow})),
                                      when(kNumber, SYS_munmap, {kAllow})});
  return only_64_bit(
      one_of({when_64(kCaller, sites.mapper_call,
                      one_of({when(kUpperHalfOfAddress, 0, map_or_unmap), allow_trapping_cpuid()})),
              when_64(kCaller, sites.mapper_futex, allow_futex(STUB_ORDERS + ORDERS_SEQUENCE, {FUTEX_WAIT})),
              when_64(kCaller, sites.mapper_wake, allow_futex(STUB_SHARED + STUB_TURN, {FUTEX_WAKE_BITSET})),
              when_64(kCaller, sites.mapper_write,
                      when(kNumber, SYS_write, when_64(argument(0), kChildReports, {kAllow})))}));
}

}  // namespace ringdown

#include "sandbox/host_processor.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringdown {

// To allow CPUID, which is allowed already, fails only where it cannot be forbidden.
const HostProcessor& HostProcessor::this_one() {
  static const HostProcessor host{.has_sysenter = __builtin_cpu_is("intel") != 0,
                                  .traps_cpuid = syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1) == 0};
  return host;
}

void set_cpuid_trapping(bool traps) {
  static thread_local bool trapping = false;
  if (trapping == traps) return;
  trapping = traps;
  syscall(SYS_arch_prctl, ARCH_SET_CPUID, traps ? 0 : 1);
}

}  // namespace ringdown

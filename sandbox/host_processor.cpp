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

}  // namespace ringdown

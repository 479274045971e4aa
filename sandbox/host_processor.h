#pragma once

namespace ringdown {

// Where the host's processor, and its kernel, differ in what 32-bit code of ring 3 meets there.
struct HostProcessor {
  // Whether SYSENTER enters the host's kernel, where EIP and ESP are lost; SYSCALL is #UD then. Elsewhere it
  // is the reverse (SDM vol. 2, SYSENTER, SYSCALL; AMD64 manual vol. 3, the same).
  bool has_sysenter;
  // Whether CPUID can be made to trap (CPUID faulting: arch_prctl(2), ARCH_SET_CPUID).
  bool traps_cpuid;

  static const HostProcessor& this_one();
};

// Whether CPUID of the calling thread traps from now on; only if HostProcessor::traps_cpuid. The host's
// kernel writes a model-specific register whenever it changes between a thread of one kind and one of the
// other, which costs a virtual machine 5 us: so the monitor's thread is of its sandbox's kind while they
// alternate.
void set_cpuid_trapping(bool traps);

}  // namespace ringdown

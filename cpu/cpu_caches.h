#pragma once
#include <span>

#include "cpu/cpu_model.h"

namespace ringdown {

// A processor's caches, nearest first, each as CPUID leaf 4 describes it (SDM vol. 2, CPUID) to a processor
// that shares them with no other. They live as long as the program.
std::span<const CpuidResult> n270_caches();
// The host's, by which a guest's C library chooses how to copy; the N270's if the host does not say.
std::span<const CpuidResult> host_caches();

// What the other two leaves say of the same caches.
CpuidResult cache_descriptors(std::span<const CpuidResult> caches);  // leaf 2
uint32_t extended_l2(std::span<const CpuidResult> caches);           // 80000006h, ECX

}  // namespace ringdown

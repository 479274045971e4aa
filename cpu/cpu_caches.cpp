#include "cpu/cpu_caches.h"

#include <cpuid.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace ringdown {
namespace {

constexpr uint32_t kType = 0x1F, kUnified = 3;

constexpr uint32_t level_of(const CpuidResult& cache) { return cache.eax >> 5 & 7; }
constexpr uint32_t ways_of(const CpuidResult& cache) { return (cache.ebx >> 22) + 1; }
constexpr uint32_t line_of(const CpuidResult& cache) { return (cache.ebx & 0xFFF) + 1; }
constexpr uint32_t bytes_of(const CpuidResult& cache) {
  const uint32_t partitions = (cache.ebx >> 12 & 0x3FF) + 1;
  return ways_of(cache) * partitions * line_of(cache) * (cache.ecx + 1);
}

constexpr CpuidResult cache(uint32_t type, uint32_t level, uint32_t ways, uint32_t sets) {
  constexpr uint32_t kLine = 64, kSelfInitialising = 1u << 8;
  return {type | level << 5 | kSelfInitialising, (ways - 1) << 22 | (kLine - 1), sets - 1, 0};
}

constexpr CpuidResult kN270Caches[] = {cache(1, 1, 6, 64), cache(2, 1, 8, 64), cache(kUnified, 2, 8, 1024)};

// Intel's leaf, and AMD's of the same form. Empty if the host has neither.
std::vector<CpuidResult> read_host_caches() {
  constexpr uint32_t kLeaves[] = {4, 0x8000001D}, kMost = 16;
  constexpr uint32_t kWithoutSharing = 0x3FFF;  // of EAX
  for (const uint32_t leaf : kLeaves) {
    std::vector<CpuidResult> caches;
    CpuidResult r{};
    while (caches.size() < kMost &&
           __get_cpuid_count(leaf, static_cast<uint32_t>(caches.size()), &r.eax, &r.ebx, &r.ecx, &r.edx) &&
           (r.eax & kType)) {
      r.eax &= kWithoutSharing;
      caches.push_back(r);
    }
    if (!caches.empty()) return caches;
  }
  return {};
}

}  // namespace

std::span<const CpuidResult> n270_caches() { return kN270Caches; }

std::span<const CpuidResult> host_caches() {
  static const std::vector<CpuidResult> caches = read_host_caches();
  return caches.empty() ? n270_caches() : caches;
}

// The TLBs and the caches of the N270; of other caches, that leaf 4 has them (FFh).
CpuidResult cache_descriptors(std::span<const CpuidResult> caches) {
  constexpr uint32_t kTlbs = 0x4FBA5901, kTlbsAndN270Caches = 0x0E3080C0, kTlbsAndLeaf4 = 0x0000FFC0;
  return {kTlbs, 0, 0, caches.data() == kN270Caches ? kTlbsAndN270Caches : kTlbsAndLeaf4};
}

uint32_t extended_l2(std::span<const CpuidResult> caches) {
  const auto l2 = std::ranges::find_if(
      caches, [](const CpuidResult& c) { return level_of(c) == 2 && (c.eax & kType) == kUnified; });
  if (l2 == caches.end()) return 0;
  constexpr std::pair<uint32_t, uint32_t> kWays[] = {{1, 1},   {2, 2},   {4, 4},   {8, 6},   {16, 8},
                                                     {32, 10}, {48, 11}, {64, 12}, {96, 13}, {128, 14}};
  constexpr uint32_t kSeeLeaf4 = 7;
  const auto ways = std::ranges::find(kWays, ways_of(*l2), &std::pair<uint32_t, uint32_t>::first);
  const uint32_t code = ways == std::end(kWays) ? kSeeLeaf4 : ways->second;
  return bytes_of(*l2) >> 10 << 16 | code << 12 | line_of(*l2);
}

}  // namespace ringdown

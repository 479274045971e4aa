// What CPUID answers (SDM vol. 2, CPUID).
#include <algorithm>
#include <cstring>

#include "cpu/cpu_caches.h"
#include "cpu/cpu_model.h"

namespace ringdown {
namespace {

// Nobody else's signature: a guest must not take us for a hypervisor whose calls it knows. Linux then treats
// the machine as real hardware, except that it skips loading microcode, which is what the bit is set for.
constexpr char kHypervisorSignature[] = "RingdownRing";
constexpr uint32_t kHypervisorLeaf = 0x40000000, kExtendedLeaf = 0x80000000, kLastExtendedLeaf = 0x80000008;
constexpr uint32_t kTscFrequencyLeaf = 0x15, kProcessorFrequencyLeaf = 0x16;
constexpr uint32_t kPhysicalAddressBits = 36, kLinearAddressBits = 32;

uint32_t four_characters(std::string_view text, size_t at) {
  uint32_t word = 0;
  if (at < text.size()) std::memcpy(&word, text.data() + at, std::min<size_t>(4, text.size() - at));
  return word;
}

// Of a line that CLFLUSH writes back.
constexpr uint32_t kLineSize = 64;

struct Ratio {
  uint32_t numerator, denominator;
};

// Of the time stamp counter to the crystal, as near as can be: some multiply the crystal's kHz by the
// numerator in 32 bits.
Ratio tsc_ratio(uint32_t tsc_khz) {
  constexpr uint32_t crystal = CpuModel::kCrystalKhz;
  const uint32_t last = (~0u - crystal / 2) / tsc_khz;
  const auto nearest = [=](uint32_t d) { return Ratio{(tsc_khz * d + crystal / 2) / crystal, d}; };
  const auto error = [=](Ratio r) {
    return std::abs(int64_t{r.numerator} * crystal - int64_t{tsc_khz} * r.denominator) /
           double(r.denominator);
  };
  Ratio best = nearest(1);
  for (uint32_t d = 2; d <= last; d++) {
    if (error(nearest(d)) < error(best)) best = nearest(d);
  }
  return best;
}

}  // namespace

uint32_t CpuModel::signature() const {
  const auto& id = *identity_;
  return (id.model >> 4u) << 16 | id.family << 8u | (id.model & 0xFu) << 4 | id.stepping;
}

uint32_t CpuModel::word(CpuidWord w) const {
  uint32_t value = 0;
  for (const auto& d : feature_descriptions())
    if (d.word == w && has(d.feature)) value |= 1u << d.bit;
  return value;
}

uint32_t CpuModel::max_basic_leaf() const {
  const bool tells_frequency = tsc_khz_ != 0 && has(Feature::kInvtsc) && identity_->trimmed_to_host;
  return tells_frequency ? kProcessorFrequencyLeaf : identity_->max_basic_leaf;
}

std::span<const CpuidResult> CpuModel::caches() const {
  return identity_->trimmed_to_host ? host_caches() : n270_caches();
}

CpuidResult CpuModel::cpuid(uint32_t leaf, uint32_t subleaf) const {
  if (leaf >= kExtendedLeaf && leaf <= kLastExtendedLeaf && !identity_->brand.empty())
    return extended_leaf(leaf);
  if (leaf == kHypervisorLeaf && has(Feature::kHypervisor))
    return {kHypervisorLeaf, four_characters(kHypervisorSignature, 0),
            four_characters(kHypervisorSignature, 4), four_characters(kHypervisorSignature, 8)};
  // A leaf beyond the last is answered like the last basic one.
  return basic_leaf(std::min(leaf, max_basic_leaf()), subleaf);
}

CpuidResult CpuModel::basic_leaf(uint32_t leaf, uint32_t subleaf) const {
  constexpr std::string_view vendor = "GenuineIntel";
  switch (leaf) {
    case 0:
      return {max_basic_leaf(), four_characters(vendor, 0), four_characters(vendor, 8),
              four_characters(vendor, 4)};
    case 1: {
      const uint32_t clflush_line = has(Feature::kClflush) ? kLineSize / 8 << 8 : 0;
      return {signature(), clflush_line, word(CpuidWord::k1Ecx), word(CpuidWord::k1Edx)};
    }
    case 2:
      return cache_descriptors(caches());
    case 4:
      return subleaf < caches().size() ? caches()[subleaf] : CpuidResult{};
    case 7:
      return subleaf == 0 ? CpuidResult{0, word(CpuidWord::k7Ebx), 0, 0} : CpuidResult{};
    // Told the frequency, a guest need not measure it against the 8254, which fails while the host is busy:
    // Linux then lives by counting timer interrupts, and loses time.
    case kTscFrequencyLeaf: {
      const Ratio ratio = tsc_ratio(tsc_khz_);
      return {ratio.denominator, ratio.numerator, kCrystalKhz * 1000, 0};
    }
    case kProcessorFrequencyLeaf: {
      const uint32_t mhz = (tsc_khz_ + 500) / 1000;
      return {mhz, mhz, 100, 0};
    }
  }
  return {};  // serial number, MONITOR, power management: none
}

CpuidResult CpuModel::extended_leaf(uint32_t leaf) const {
  const std::string_view brand = identity_->brand;
  switch (leaf) {
    case 0x80000000:
      return {kLastExtendedLeaf, 0, 0, 0};
    case 0x80000001:
      return {0, 0, 0, word(CpuidWord::k80000001Edx)};
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const size_t at = (leaf - 0x80000002) * 16;
      return {four_characters(brand, at), four_characters(brand, at + 4), four_characters(brand, at + 8),
              four_characters(brand, at + 12)};
    }
    case 0x80000006:
      return {0, 0, extended_l2(caches()), 0};
    case 0x80000007:
      return {0, 0, 0, word(CpuidWord::k80000007Edx)};
    case 0x80000008:
      return {kPhysicalAddressBits | kLinearAddressBits << 8, 0, 0, 0};
  }
  return {};
}

}  // namespace ringdown

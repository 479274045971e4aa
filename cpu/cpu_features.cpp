#include "cpu/cpu_features.h"

#include <Zydis/Zydis.h>
#include <cpuid.h>

#include <algorithm>
#include <string>
#include <utility>

#include "cpu/state.h"

namespace ringdown {
namespace {

using enum Feature;
using enum CpuidWord;
constexpr bool kHostExecutes = true, kOwn = false;
constexpr FeatureSet kNothing = 0;

template <auto... kSets>
struct IsaSets {
  static constexpr std::array<uint8_t, sizeof...(kSets)> value = {static_cast<uint8_t>(kSets)...};
};

constexpr FeatureDescription kDescriptions[] = {
#define FEATURE(identifier, name, word, number, execution, cr4_bits, needs, ...) \
  {identifier, name, word, number, execution, cr4_bits, needs, IsaSets<__VA_ARGS__>::value},
#include "cpu/cpu_features.inc"
#undef FEATURE
};

constexpr std::pair<std::string_view, Feature> kAliases[] = {
    {"pni", kSse3}, {"sse4-1", kSse41}, {"sse4-2", kSse42}};

constexpr MnemonicRequirement kMnemonicRequirements[] = {
    {ZYDIS_MNEMONIC_CMPXCHG8B, kCx8},
    {ZYDIS_MNEMONIC_RDTSC, kTsc},
    {ZYDIS_MNEMONIC_RDMSR, kMsr},
    {ZYDIS_MNEMONIC_WRMSR, kMsr},
    {ZYDIS_MNEMONIC_SYSENTER, kSep},
    {ZYDIS_MNEMONIC_SYSEXIT, kSep},
    {ZYDIS_MNEMONIC_FCOMI, kCmov},
    {ZYDIS_MNEMONIC_FCOMIP, kCmov},
    {ZYDIS_MNEMONIC_FUCOMI, kCmov},
    {ZYDIS_MNEMONIC_FUCOMIP, kCmov},
    // The MMX instructions that came with SSE.
    {ZYDIS_MNEMONIC_MASKMOVQ, kSse},
    {ZYDIS_MNEMONIC_MOVNTQ, kSse},
    {ZYDIS_MNEMONIC_PAVGB, kSse},
    {ZYDIS_MNEMONIC_PAVGW, kSse},
    {ZYDIS_MNEMONIC_PEXTRW, kSse},
    {ZYDIS_MNEMONIC_PINSRW, kSse},
    {ZYDIS_MNEMONIC_PMAXSW, kSse},
    {ZYDIS_MNEMONIC_PMAXUB, kSse},
    {ZYDIS_MNEMONIC_PMINSW, kSse},
    {ZYDIS_MNEMONIC_PMINUB, kSse},
    {ZYDIS_MNEMONIC_PMULHUW, kSse},
    {ZYDIS_MNEMONIC_PSADBW, kSse},
    {ZYDIS_MNEMONIC_PSHUFW, kSse},
};

using HostWords = std::array<uint32_t, static_cast<size_t>(kNumberOfWords)>;

HostWords read_host_words() {
  HostWords words{};
  auto word = [&](CpuidWord w) -> uint32_t& { return words[static_cast<size_t>(w)]; };
  uint32_t eax, ebx, ecx, edx;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) word(k1Ecx) = ecx, word(k1Edx) = edx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) word(k7Ebx) = ebx;
  if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx)) word(k80000001Edx) = edx;
  if (__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx)) word(k80000007Edx) = edx;
  return words;
}

}  // namespace

std::span<const FeatureDescription> feature_descriptions() { return kDescriptions; }

const FeatureDescription& describe(Feature f) { return kDescriptions[static_cast<size_t>(f)]; }

std::span<const MnemonicRequirement> mnemonic_requirements() { return kMnemonicRequirements; }

std::optional<Feature> find_feature(std::string_view spelled) {
  std::string name(spelled);
  std::replace(name.begin(), name.end(), '_', '-');
  for (const auto& d : kDescriptions)
    if (d.name == name) return d.feature;
  for (const auto& [alias, feature] : kAliases)
    if (alias == name) return feature;
  return std::nullopt;
}

FeatureSet features_possible_on_host() {
  static const HostWords host = read_host_words();
  FeatureSet possible = 0;
  for (const auto& d : kDescriptions)
    if (!d.host_executes || host[static_cast<size_t>(d.word)] >> d.bit & 1) possible |= bit(d.feature);
  return without_unsatisfied(possible);
}

FeatureSet with_needed(FeatureSet set) {
  for (FeatureSet before = 0; before != set;) {
    before = set;
    for (const auto& d : kDescriptions)
      if (set & bit(d.feature)) set |= d.needs;
  }
  return set;
}

FeatureSet without_unsatisfied(FeatureSet set) {
  for (FeatureSet before = 0; before != set;) {
    before = set;
    for (const auto& d : kDescriptions)
      if (d.needs & ~set) set &= ~bit(d.feature);
  }
  return set;
}

}  // namespace ringdown

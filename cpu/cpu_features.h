#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ringdown {

// One per line of cpu_features.inc.
enum class Feature : uint8_t {
#define FEATURE(identifier, ...) identifier,
#include "cpu/cpu_features.inc"
#undef FEATURE
  kNumberOfFeatures
};

using FeatureSet = uint64_t;  // bit n: Feature n
static_assert(static_cast<unsigned>(Feature::kNumberOfFeatures) <= 64);

constexpr FeatureSet bit(Feature f) { return FeatureSet{1} << static_cast<unsigned>(f); }

// The CPUID output words that hold feature bits.
enum class CpuidWord : uint8_t { k1Edx, k1Ecx, k7Ebx, k80000001Edx, k80000007Edx, kNumberOfWords };

struct FeatureDescription {
  Feature feature;
  std::string_view name;
  CpuidWord word;
  uint8_t bit;
  bool host_executes;                 // its instructions run on the host, which must have it
  uint32_t cr4;                       // bits that it makes writable
  FeatureSet needs;                   // directly
  std::span<const uint8_t> isa_sets;  // ZydisISASet values
};

// All features, indexed by Feature.
std::span<const FeatureDescription> feature_descriptions();
const FeatureDescription& describe(Feature f);

// By QEMU's name; `_` and `-` are the same, and pni, sse4-1, sse4-2 are understood.
std::optional<Feature> find_feature(std::string_view name);

// A feature that instructions depend on one by one, because their ZydisISASet is wider than the feature.
struct MnemonicRequirement {
  uint16_t mnemonic;  // ZydisMnemonic
  Feature feature;
};
std::span<const MnemonicRequirement> mnemonic_requirements();

// Everything except what the host's CPUID denies.
FeatureSet features_possible_on_host();

// The set with all that its members need, and without all that lacks something that it needs.
FeatureSet with_needed(FeatureSet set);
FeatureSet without_unsatisfied(FeatureSet set);

}  // namespace ringdown

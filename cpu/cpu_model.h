#pragma once
#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "cpu/cpu_features.h"
#include "cpu/instruction.h"

namespace ringdown {

struct CpuidResult {
  uint32_t eax, ebx, ecx, edx;
};

// Who a processor is, before its features: one per name of -cpu.
struct CpuIdentity {
  std::string_view name;   // of -cpu
  std::string_view brand;  // CPUID 80000002h..4h, at most 47 characters; empty: no extended leaves
  uint8_t family, model, stepping;
  uint8_t max_basic_leaf;
  FeatureSet features;  // of the plain model
  // Leaves out what the host lacks instead of failing, and has the caches that the host has.
  bool trimmed_to_host;
};

// The processor that the guest sees: identity and features, from which CPUID, the writable bits of CR0, CR4
// and EFER, the MSRs and the set of instructions that do not raise #UD all follow.
class CpuModel {
 public:
  CpuModel();  // default_model()
  // The default model: as many features as the host has and a guest that saves state by FXSAVE can use.
  static CpuModel default_model();

  CpuidResult cpuid(uint32_t leaf, uint32_t subleaf) const;
  // The core crystal clock, which a local APIC's timer counts (SDM vol. 3, 10.5.4).
  static constexpr uint32_t kCrystalKhz = 25'000;

  // What leaves 15h and 16h say about the time stamp counter; 0, as it is at first: there are no such leaves.
  // Only a model whose counter is invariant, and which is not an old processor to the letter, has them.
  void set_tsc_khz(uint32_t khz) { tsc_khz_ = khz; }
  uint32_t signature() const;  // CPUID(1).EAX
  std::string_view name() const { return identity_->name; }
  bool has(Feature f) const { return features_ & bit(f); }
  uint32_t cr4_writable() const { return cr4_writable_; }
  uint64_t efer_writable() const;
  // Bits of MXCSR that LDMXCSR and FXRSTOR accept (SDM vol. 1, 11.6.6).
  uint32_t mxcsr_writable() const { return has(Feature::kSse2) ? 0xFFFF : 0xFFBF; }
  // RDMSR and WRMSR of any other raise #GP.
  bool has_msr(uint32_t index) const;
  // Does this processor know the instruction? If not it raises #UD.
  bool supports(const Instruction& i) const {
    return supported_isa_[i.isa_set] && !withheld_mnemonics_[i.mnemonic];
  }

  // Names for -cpu NAME,+feature,-feature,feature=on,feature=off. A feature that is turned on brings what it
  // needs; one that is turned off takes along what needs it. `error` gets one clear line and false is
  // returned if a name is unknown or the host lacks a feature.
  static std::span<const std::string_view> model_names();
  static std::span<const std::string_view> feature_names();
  static bool parse(std::string_view specification, CpuModel& model, std::string& error);

 private:
  void apply(const CpuIdentity& identity, FeatureSet features);
  void choose_instructions();
  uint32_t word(CpuidWord w) const;
  uint32_t max_basic_leaf() const;
  std::span<const CpuidResult> caches() const;
  CpuidResult basic_leaf(uint32_t leaf, uint32_t subleaf) const;
  CpuidResult extended_leaf(uint32_t leaf) const;

  const CpuIdentity* identity_ = nullptr;
  FeatureSet features_ = 0;
  uint32_t cr4_writable_ = 0;
  uint32_t tsc_khz_ = 0;
  std::array<bool, 256> supported_isa_{};   // by ZydisISASet
  std::bitset<2048> withheld_mnemonics_{};  // by ZydisMnemonic
};

// The plain models, the default one first.
std::span<const CpuIdentity> cpu_identities();

}  // namespace ringdown

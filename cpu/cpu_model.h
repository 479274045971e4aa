#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cpu/instruction.h"

namespace ringdown {

struct CpuidResult {
  uint32_t eax, ebx, ecx, edx;
};

// The processor that the guest sees: identity and features, from which CPUID, the writable bits of CR0, CR4
// and EFER, the MSRs and the set of instructions that do not raise #UD all follow.
class CpuModel {
 public:
  // The default model: as many features as the host has and a guest that saves state by FXSAVE can use.
  static CpuModel default_model();

  CpuidResult cpuid(uint32_t leaf, uint32_t subleaf) const;
  uint32_t signature() const { return signature_; }  // CPUID(1).EAX
  uint32_t cr4_writable() const { return cr4_writable_; }
  bool has_msr(uint32_t index) const;
  // Does this processor know the instruction? If not it raises #UD.
  bool supports(const Instruction& i) const { return supported_isa_[i.isa_set]; }

  // Names for -cpu NAME,+feature,-feature. `error` gets one clear line and nullopt-like false is returned.
  static std::span<const std::string_view> model_names();
  static std::span<const std::string_view> feature_names();
  static bool parse(std::string_view specification, CpuModel& model, std::string& error);

 private:
  friend struct CpuModelBuilder;
  uint32_t signature_ = 0;
  uint32_t cr4_writable_ = 0;
  std::vector<bool> supported_isa_;  // by ZydisISASet
  uint32_t features_edx_ = 0, features_ecx_ = 0, extended_edx_ = 0, extended_ecx_ = 0, structured_ebx_ = 0;
};

}  // namespace ringdown

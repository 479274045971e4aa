#include "cpu/cpu_model.h"

#include <Zydis/Zydis.h>

#include "cpu/state.h"

namespace ringdown {
namespace {

static_assert(ZYDIS_MNEMONIC_MAX_VALUE < 2048 && ZYDIS_ISA_SET_MAX_VALUE < 256);

// What every modelled processor knows; RSM (I486) is left out because it raises #UD outside of SMM.
constexpr ZydisISASet kBaseIsa[] = {
    ZYDIS_ISA_SET_I86,           ZYDIS_ISA_SET_I186,  ZYDIS_ISA_SET_I286REAL,
    ZYDIS_ISA_SET_I286PROTECTED, ZYDIS_ISA_SET_I386,  ZYDIS_ISA_SET_I486REAL,
    ZYDIS_ISA_SET_LAHF,          ZYDIS_ISA_SET_PAUSE, ZYDIS_ISA_SET_PENTIUMREAL};
// What P6 added: hint and wide NOPs, RDPMC, UD2 and, each behind a feature of its own, FCOMI and SYSENTER.
constexpr ZydisISASet kP6Isa[] = {ZYDIS_ISA_SET_PPRO, ZYDIS_ISA_SET_FAT_NOP, ZYDIS_ISA_SET_PREFETCH_NOP,
                                  ZYDIS_ISA_SET_SSE_PREFETCH, ZYDIS_ISA_SET_RDPMC};

namespace msr {
constexpr uint32_t kTimeStampCounter = 0x10, kPlatformId = 0x17, kApicBase = 0x1B, kTscAdjust = 0x3B,
                   kMicrocodeRevision = 0x8B, kMtrrCapabilities = 0xFE, kSysenterCs = 0x174,
                   kSysenterEip = 0x176, kMiscEnable = 0x1A0, kDebugctl = 0x1D9, kMtrrVariableFirst = 0x200,
                   kMtrrVariableLast = 0x20F, kMtrrFixed64k = 0x250, kMtrrFixed16kFirst = 0x258,
                   kMtrrFixed16kLast = 0x259, kMtrrFixed4kFirst = 0x268, kMtrrFixed4kLast = 0x26F,
                   kPat = 0x277, kMtrrDefaultType = 0x2FF, kEfer = 0xC0000080;
}

constexpr bool between(uint32_t x, uint32_t first, uint32_t last) { return x >= first && x <= last; }

bool is_mtrr(uint32_t index) {
  return index == msr::kMtrrCapabilities || index == msr::kMtrrDefaultType || index == msr::kMtrrFixed64k ||
         between(index, msr::kMtrrVariableFirst, msr::kMtrrVariableLast) ||
         between(index, msr::kMtrrFixed16kFirst, msr::kMtrrFixed16kLast) ||
         between(index, msr::kMtrrFixed4kFirst, msr::kMtrrFixed4kLast);
}

}  // namespace

CpuModel::CpuModel() {
  const CpuIdentity& identity = cpu_identities().front();
  apply(identity, without_unsatisfied(identity.features & features_possible_on_host()));
}

CpuModel CpuModel::default_model() { return CpuModel(); }

void CpuModel::apply(const CpuIdentity& identity, FeatureSet features) {
  identity_ = &identity;
  features_ = features;
  cr4_writable_ = identity.family >= 6 ? cr4::kPce : 0;
  for (const auto& d : feature_descriptions())
    if (has(d.feature)) cr4_writable_ |= d.cr4;
  choose_instructions();
}

void CpuModel::choose_instructions() {
  supported_isa_.fill(false);
  withheld_mnemonics_.reset();
  for (ZydisISASet set : kBaseIsa) supported_isa_[set] = true;
  if (identity_->family >= 6)
    for (ZydisISASet set : kP6Isa) supported_isa_[set] = true;
  for (const auto& d : feature_descriptions())
    if (has(d.feature))
      for (uint8_t set : d.isa_sets) supported_isa_[set] = true;
  for (const auto& [mnemonic, feature] : mnemonic_requirements())
    if (!has(feature)) withheld_mnemonics_.set(mnemonic);
}

uint64_t CpuModel::efer_writable() const { return has(Feature::kNx) ? efer::kNxe : 0; }

bool CpuModel::has_msr(uint32_t index) const {
  if (!has(Feature::kMsr)) return false;
  const bool p6 = identity_->family >= 6;
  switch (index) {
    case msr::kTimeStampCounter:
      return has(Feature::kTsc);
    case msr::kTscAdjust:
      return has(Feature::kTscAdjust);
    case msr::kPlatformId:
    case msr::kApicBase:
    case msr::kMicrocodeRevision:
    case msr::kDebugctl:
      return p6;
    case msr::kMiscEnable:
      return p6 && identity_->model >= 0xD;
    case msr::kPat:
      return has(Feature::kPat);
    case msr::kEfer:
      return has(Feature::kNx);
  }
  if (between(index, msr::kSysenterCs, msr::kSysenterEip)) return has(Feature::kSep);
  return has(Feature::kMtrr) && is_mtrr(index);
}

}  // namespace ringdown

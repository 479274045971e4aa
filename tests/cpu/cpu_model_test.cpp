#include "cpu/cpu_model.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <initializer_list>
#include <string>

#include "cpu/cpu_caches.h"
#include "cpu/state.h"

namespace ringdown {
namespace {

CpuModel model_of(std::string_view specification) {
  CpuModel model;
  std::string error;
  EXPECT_TRUE(CpuModel::parse(specification, model, error)) << error;
  return model;
}

std::string error_of(std::string_view specification) {
  CpuModel model;
  std::string error;
  EXPECT_FALSE(CpuModel::parse(specification, model, error));
  EXPECT_EQ(error.find('\n'), std::string::npos);
  return error;
}

bool supports(const CpuModel& model, std::initializer_list<uint8_t> code) {
  std::vector<uint8_t> bytes(code);
  bytes.resize(15);
  Instruction i;
  EXPECT_EQ(decode(bytes, true, i), DecodeStatus::kOk);
  return model.supports(i);
}

std::string text_of(std::initializer_list<uint32_t> words) {
  std::string text;
  for (uint32_t word : words) text.append(reinterpret_cast<const char*>(&word), 4);
  return text.c_str();
}

constexpr uint32_t kVendorEbx = 0x756E6547, kVendorEdx = 0x49656E69, kVendorEcx = 0x6C65746E;

TEST(CpuModel, EveryModelIsGenuineIntel) {
  for (const auto& identity : cpu_identities()) {
    CpuModel model;
    std::string error;
    if (!CpuModel::parse(identity.name, model, error)) continue;  // the host lacks a feature of it
    const CpuidResult r = model.cpuid(0, 0);
    EXPECT_EQ(r.ebx, kVendorEbx);
    EXPECT_EQ(r.edx, kVendorEdx);
    EXPECT_EQ(r.ecx, kVendorEcx);
    EXPECT_EQ(r.eax, identity.max_basic_leaf);
  }
}

TEST(CpuModel, DefaultIsAnAtomThatLinuxTrusts) {
  const CpuModel model = CpuModel::default_model();
  EXPECT_EQ(model.name(), "ringdown");
  EXPECT_EQ(model.signature(), 0x30661u);
  EXPECT_EQ(model.cpuid(1, 0).eax, 0x30661u);
  EXPECT_TRUE(model.cpuid(0x80000007, 0).edx & 1u << 8) << "invariant TSC";
  EXPECT_LT(model.cpuid(0, 0).eax, 0x15u) << "no leaf that claims a frequency nobody has told";
}

TEST(CpuModel, TellsTheFrequencyOfItsCounterOnceItKnowsIt) {
  CpuModel model = CpuModel::default_model();
  model.set_tsc_khz(2'596'142);
  EXPECT_EQ(model.cpuid(0, 0).eax, 0x16u);
  EXPECT_EQ(model.cpuid(0x15, 0).ecx, CpuModel::kCrystalKhz * 1000);
  EXPECT_EQ(model.cpuid(0x16, 0).eax, 2596u);
  EXPECT_EQ(model.cpuid(0x0B, 0).ebx, 0u) << "the leaves between are empty";
}

TEST(CpuModel, TheRatioToTheCrystalIsRightToAFewMillionths) {
  for (const uint32_t khz :
       {800'000u, 1'600'001u, 2'596'142u, 2'799'998u, 2'800'000u, 3'000'013u, 5'999'987u}) {
    CpuModel model = CpuModel::default_model();
    model.set_tsc_khz(khz);
    const CpuidResult r = model.cpuid(0x15, 0);
    const uint64_t product = uint64_t{r.ecx / 1000} * r.ebx;
    EXPECT_EQ(product >> 32, 0u) << "Linux multiplies in 32 bits";
    EXPECT_NEAR(static_cast<double>(product) / r.eax, khz, khz * 4e-6);
  }
}

TEST(CpuModel, AnOldProcessorHasNoLeafForItsFrequency) {
  CpuModel model;
  std::string error;
  ASSERT_TRUE(CpuModel::parse("pentium3", model, error)) << error;
  model.set_tsc_khz(2'596'142);
  EXPECT_EQ(model.cpuid(0, 0).eax, 3u);
}

TEST(CpuModel, SignaturesAreThoseOfTheRealProcessors) {
  EXPECT_EQ(model_of("486").signature(), 0x480u);
  EXPECT_EQ(model_of("pentium").signature(), 0x543u);
  EXPECT_EQ(model_of("pentium2").signature(), 0x652u);
  EXPECT_EQ(model_of("pentium3").signature(), 0x673u);
}

TEST(CpuModel, BrandStringAndAddressSizes) {
  const CpuModel model;
  std::string brand;
  for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; leaf++) {
    const CpuidResult r = model.cpuid(leaf, 0);
    brand += text_of({r.eax, r.ebx, r.ecx, r.edx});
  }
  EXPECT_EQ(brand, "Ringdown virtual processor");
  EXPECT_EQ(model.cpuid(0x80000000, 0).eax, 0x80000008u);
  EXPECT_EQ(model.cpuid(0x80000008, 0).eax, 36u | 32u << 8);
}

TEST(CpuModel, HypervisorLeafIsOursAlone) {
  const CpuidResult r = CpuModel().cpuid(0x40000000, 0);
  EXPECT_EQ(text_of({r.ebx, r.ecx, r.edx}), "RingdownRing");
  EXPECT_TRUE(CpuModel().cpuid(1, 0).ecx >> 31);
  const CpuModel bare = model_of("ringdown,-hypervisor");
  EXPECT_FALSE(bare.cpuid(1, 0).ecx >> 31);
  EXPECT_EQ(bare.cpuid(0x40000000, 0).ebx, bare.cpuid(7, 0).ebx) << "answered like the last basic leaf";
}

uint32_t cache_bytes(const CpuidResult& r) {
  return ((r.ebx >> 22) + 1) * ((r.ebx >> 12 & 0x3FF) + 1) * ((r.ebx & 0xFFF) + 1) * (r.ecx + 1);
}

TEST(CpuModel, CacheLeavesOfAnOldProcessorAgree) {
  const CpuModel model = model_of("n270");
  EXPECT_EQ(cache_bytes(model.cpuid(4, 0)), 24u << 10);
  EXPECT_EQ(cache_bytes(model.cpuid(4, 1)), 32u << 10);
  EXPECT_EQ(cache_bytes(model.cpuid(4, 2)), 512u << 10);
  EXPECT_EQ(model.cpuid(4, 3).eax & 31, 0u);
  EXPECT_EQ(model.cpuid(2, 0).edx, 0x0E3080C0u) << "24 KiB of data, 32 KiB of code, 512 KiB";
  EXPECT_EQ(model.cpuid(0x80000006, 0).ecx, 512u << 16 | 6u << 12 | 64) << "8 ways";
}

// Linux has read them, too, from whichever leaf the host's processor has.
TEST(CpuModel, CachesOfTheDefaultAreTheHosts) {
  const CpuModel model;
  for (uint32_t subleaf = 0; subleaf < host_caches().size(); subleaf++) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(subleaf) + '/';
    const auto number = [&](const char* name) {
      uint32_t value = 0;
      std::ifstream(folder + name) >> value;
      return value;
    };
    if (number("level") == 0) GTEST_SKIP() << "the host does not tell its caches";
    const CpuidResult r = model.cpuid(4, subleaf);
    EXPECT_EQ(r.eax >> 5 & 7, number("level"));
    EXPECT_EQ(cache_bytes(r) >> 10, number("size"));
    EXPECT_EQ((r.ebx & 0xFFF) + 1, number("coherency_line_size"));
    EXPECT_EQ(r.eax >> 14, 0u) << "shared with nobody";
    if ((r.eax & 31) == 3 && number("level") == 2) {
      EXPECT_EQ(model.cpuid(0x80000006, 0).ecx >> 16, number("size"));
    }
  }
  EXPECT_EQ(model.cpuid(4, static_cast<uint32_t>(host_caches().size())).eax & 31, 0u);
  EXPECT_EQ(model.cpuid(1, 0).ebx >> 8 & 0xFF, 8u) << "CLFLUSH line in 8-byte units";
}

TEST(CpuModel, NeverOffersWhatHasNoStateHere) {
  const CpuidResult one = CpuModel().cpuid(1, 0);
  EXPECT_EQ(one.edx & (1u << 28 /* HTT */ | 1u << 17 /* PSE-36 */), 0u);
  EXPECT_EQ(one.ecx & (1u << 3 /* MONITOR */ | 1u << 26 /* XSAVE */ | 1u << 28 /* AVX */ | 1u << 21), 0u);
  EXPECT_EQ(CpuModel().cpuid(0x80000001, 0).edx & (1u << 29 /* LM */ | 1u << 27 /* RDTSCP */), 0u);
  EXPECT_EQ(CpuModel().cpuid(7, 1).ebx, 0u);
}

TEST(CpuModel, EveryFeatureSwitchesItsBitItsCr4BitsAndItsInstructions) {
  const FeatureSet possible = features_possible_on_host();
  for (const auto& d : feature_descriptions()) {
    if (d.feature == Feature::kFpu || !(possible & bit(d.feature))) continue;
    const CpuModel on = model_of("ringdown,+" + std::string(d.name));
    const CpuModel off = model_of("ringdown," + std::string(d.name) + "=off");
    EXPECT_TRUE(on.has(d.feature)) << d.name;
    EXPECT_FALSE(off.has(d.feature)) << d.name;
    EXPECT_EQ(on.cr4_writable() & d.cr4, d.cr4) << d.name;
    EXPECT_EQ(off.cr4_writable() & d.cr4, 0u) << d.name;
    for (uint8_t set : d.isa_sets) {
      Instruction i{};
      i.isa_set = set;
      EXPECT_TRUE(on.supports(i)) << d.name;
      EXPECT_FALSE(off.supports(i)) << d.name;
    }
  }
}

TEST(CpuModel, FeaturesTakeAlongWhatDependsOnThem) {
  const CpuModel off = model_of("ringdown,-sse2");
  for (Feature f : {Feature::kSse3, Feature::kSsse3, Feature::kSse42, Feature::kAes, Feature::kShaNi})
    EXPECT_FALSE(off.has(f)) << describe(f).name;
  EXPECT_TRUE(off.has(Feature::kSse));
  const CpuModel on = model_of("pentium,sse2=on");
  EXPECT_TRUE(on.has(Feature::kSse) && on.has(Feature::kFxsr) && on.has(Feature::kMmx));
  EXPECT_FALSE(model_of("ringdown,-pae").has(Feature::kNx));
}

TEST(CpuModel, SettingsApplyFromLeftToRight) {
  EXPECT_TRUE(model_of("ringdown,-pge,+pge").has(Feature::kPge));
  EXPECT_FALSE(model_of("ringdown,+pge,pge=off").has(Feature::kPge));
  EXPECT_TRUE(model_of("pentium3,pni=on").has(Feature::kSse3)) << "alias";
  EXPECT_TRUE(model_of("pentium3,+sse4_1").has(Feature::kSse41)) << "underscores";
}

TEST(CpuModel, MistakesGetOneClearLine) {
  EXPECT_EQ(error_of("pentium9").find("-cpu: unknown model 'pentium9'; known: ringdown, 486"), 0u);
  EXPECT_EQ(error_of("pentium,+avx").find("-cpu: unknown feature 'avx'; known: fpu"), 0u);
  EXPECT_EQ(error_of("pentium,sse"), "-cpu: 'sse' is not +FEATURE, -FEATURE, FEATURE=on or FEATURE=off");
  EXPECT_EQ(error_of("pentium,-fpu"), "-cpu: every model has an x87 unit, 'fpu' cannot be turned off");
  EXPECT_NE(error_of("").find("unknown model ''"), std::string::npos);
}

TEST(CpuModel, AFailedParseLeavesTheModelAlone) {
  CpuModel model = model_of("pentium");
  std::string error;
  EXPECT_FALSE(CpuModel::parse("pentium3,+nonsense", model, error));
  EXPECT_EQ(model.name(), "pentium");
}

TEST(CpuModel, WhatIsNotOfferedIsNotSupported) {
  const CpuModel model;
  EXPECT_TRUE(supports(model, {0x90}));
  EXPECT_TRUE(supports(model, {0xF3, 0x90})) << "PAUSE";
  EXPECT_TRUE(supports(model, {0xF3, 0x0F, 0xBD, 0xC0})) << "LZCNT is BSR";
  EXPECT_TRUE(supports(model, {0xF3, 0x0F, 0x1E, 0xFA})) << "ENDBR32 is a NOP";
  EXPECT_FALSE(supports(model, {0xC5, 0xF8, 0x77})) << "VZEROUPPER";
  EXPECT_FALSE(supports(model, {0xC4, 0xE2, 0x70, 0xF2, 0xC0})) << "ANDN";
  EXPECT_FALSE(supports(model, {0x0F, 0x01, 0xD0})) << "XGETBV";
  EXPECT_FALSE(supports(model, {0x0F, 0x01, 0xF9})) << "RDTSCP";
  EXPECT_FALSE(supports(model, {0x0F, 0x05})) << "SYSCALL";
  EXPECT_FALSE(supports(model, {0x0F, 0xAA})) << "RSM";
  EXPECT_FALSE(supports(model, {0x0F, 0x01, 0xC8})) << "MONITOR";
}

TEST(CpuModel, OlderModelsLackWhatCameLater) {
  const CpuModel i486 = model_of("486"), pentium = model_of("pentium"), pentium2 = model_of("pentium2");
  EXPECT_TRUE(supports(i486, {0x0F, 0xA2})) << "CPUID";
  EXPECT_FALSE(supports(i486, {0x0F, 0x31})) << "RDTSC";
  EXPECT_FALSE(supports(i486, {0x0F, 0x32})) << "RDMSR";
  EXPECT_FALSE(supports(i486, {0x0F, 0xC7, 0x08})) << "CMPXCHG8B";
  EXPECT_TRUE(supports(pentium, {0x0F, 0xC7, 0x08}));
  EXPECT_FALSE(supports(pentium, {0x0F, 0x44, 0xC0})) << "CMOVZ";
  EXPECT_FALSE(supports(pentium, {0xDB, 0xF1})) << "FCOMI";
  EXPECT_FALSE(supports(pentium, {0x0F, 0x34})) << "SYSENTER";
  EXPECT_FALSE(supports(pentium, {0x0F, 0x1F, 0x00})) << "NOP Ev";
  EXPECT_TRUE(supports(pentium2, {0x0F, 0xFC, 0xC0})) << "PADDB";
  EXPECT_FALSE(supports(pentium2, {0x0F, 0xE0, 0xC0})) << "PAVGB mm came with SSE";
  EXPECT_TRUE(supports(model_of("pentium3"), {0x0F, 0xE0, 0xC0}));
  EXPECT_FALSE(supports(pentium2, {0x0F, 0x28, 0xC0})) << "MOVAPS";
}

TEST(CpuModel, ModelSpecificRegistersFollowTheFeatures) {
  const CpuModel model;
  for (uint32_t index : {0x10u, 0x17u, 0x1Bu, 0x8Bu, 0x174u, 0x176u, 0x1A0u, 0x277u, 0xC0000080u})
    EXPECT_TRUE(model.has_msr(index)) << std::hex << index;
  for (uint32_t index : {0u, 0x3Au, 0x48u, 0xFEu, 0x173u, 0x177u, 0x179u, 0x2FFu, 0xC0000081u, 0xC0000100u})
    EXPECT_FALSE(model.has_msr(index)) << std::hex << index;
  EXPECT_TRUE(model_of("ringdown,+mtrr").has_msr(0x2FF));
  EXPECT_FALSE(model_of("ringdown,-nx").has_msr(0xC0000080));
  EXPECT_FALSE(model_of("486").has_msr(0x10));
}

TEST(CpuModel, WritableControlBits) {
  using namespace cr4;
  EXPECT_EQ(CpuModel().cr4_writable(),
            kVme | kPvi | kTsd | kDe | kPse | kPae | kPge | kPce | kOsfxsr | kOsxmmexcpt);
  EXPECT_EQ(model_of("pentium").cr4_writable(), kVme | kPvi | kTsd | kDe | kPse);
  EXPECT_EQ(CpuModel().efer_writable(), efer::kNxe);
  EXPECT_EQ(model_of("pentium3").efer_writable(), 0u);
  EXPECT_EQ(model_of("pentium3").mxcsr_writable(), 0xFFBFu);
  EXPECT_EQ(CpuModel().mxcsr_writable(), 0xFFFFu);
}

}  // namespace
}  // namespace ringdown

// Every sensitive instruction, in ring 0 and ring 3: translated, interpreted, and interpreted as 16-bit code.
#include "tests/sensitive/cases.h"
#include "tests/sensitive/sensitive_fixture.h"
#include "tests/sensitive/translated_machine.h"

namespace ringdown::sensitive {
namespace {

using Parameters = std::tuple<Case, unsigned, Way>;

class SensitiveTest : public SensitiveFixture, public ::testing::WithParamInterface<Parameters> {};

TEST_P(SensitiveTest, DoesWhatTheManualSays) {
  const auto& [c, ring, way] = GetParam();
  run_case(c, ring, way);
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for_each_case([&](const Case& c) { all.push_back(c); });
  return all;
}

std::string name_of(const ::testing::TestParamInfo<Parameters>& info) {
  const auto& [c, ring, way] = info.param;
  return std::string(c.name) + (ring ? "_ring3" : "_ring0") + (way == Way::kInterpreted16 ? "_16bit" : "");
}

// Translated code does not run under the sanitizers.
#ifndef __SANITIZE_ADDRESS__
std::vector<Parameters> callouts() {
  std::vector<Parameters> all;
  for (const unsigned ring : {0u, 3u}) {
    for_each_case([&](const Case& c) {
      if (SensitiveTest::called_out(c, ring)) all.emplace_back(c, ring, Way::kCalledOut);
    });
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Translated, SensitiveTest,
                         ::testing::Combine(::testing::ValuesIn(all_cases()), ::testing::Values(0u, 3u),
                                            ::testing::Values(Way::kTranslated)),
                         name_of);
class TimeStampTest : public SystemTest {};

// The case of RDTSC leaves its value open. Here the guest sets the counter and reads it in line: 2^40 cycles
// would have to pass before the upper half's third digit changed.
TEST_F(TimeStampTest, RdtscGoesOnFromWhatWrmsrWrote) {
  place_code({0xB9, 0x10, 0, 0, 0,           // mov ecx, IA32_TIME_STAMP_COUNTER
              0xBA, 0x00, 0x40, 0x33, 0x12,  // mov edx, 0x12334000
              0x31, 0xC0,                    // xor eax, eax
              0x0F, 0x30,                    // wrmsr
              0x31, 0xD2,                    // xor edx, edx
              0x0F, 0x31,                    // rdtsc
              0xF4});                        // hlt
  TranslatedMachine machine(model);
  machine.run(state, ram);
  EXPECT_EQ(edx() & ~0xFFu, 0x12334000u);
}

class CpuidTest : public SystemTest {
 protected:
  // How often CPUID left translated code.
  uint64_t misses(std::span<const uint8_t> code) {
    place_code(code);
    state.halted = false;
    machine_.run(state, ram);
    return sensitive_counts()[static_cast<size_t>(Sensitive::kCpuid)];
  }
  uint64_t misses(std::initializer_list<uint8_t> code) {
    return misses(std::span<const uint8_t>(code.begin(), code.size()));
  }

  TranslatedMachine machine_{model};
};

TEST_F(CpuidTest, IsAnsweredInLineWhenItIsAskedTheSameAgain) {
  EXPECT_EQ(misses({0xBE, 0x05, 0, 0, 0,  // mov esi, 5
                    0xB8, 0x07, 0, 0, 0,  // again: mov eax, 7
                    0x31, 0xC9,           // xor ecx, ecx
                    0x0F, 0xA2,           // cpuid
                    0x4E,                 // dec esi
                    0x75, 0xF4,           // jnz again
                    0xF4}),               // hlt
            1u);
  const CpuidResult r = model.cpuid(7, 0);
  EXPECT_EQ(ebx(), r.ebx);
  EXPECT_EQ(eax(), r.eax);
}

// Each question differs from the one before by what the memo has to compare.
TEST_F(CpuidTest, IsAnsweredAnewForAnotherLeafSubleafOrMicrocodeRevision) {
  EXPECT_EQ(misses({0xB8, 0x04, 0, 0, 0,  // mov eax, 4
                    0x31, 0xC9,           // xor ecx, ecx
                    0x0F, 0xA2,           // cpuid
                    0xB8, 0x04, 0, 0, 0,  // mov eax, 4
                    0xB9, 0x02, 0, 0, 0,  // mov ecx, 2
                    0x0F, 0xA2,           // cpuid
                    0x89, 0xC7,           // mov edi, eax
                    0xB8, 0x01, 0, 0, 0,  // mov eax, 1
                    0xB9, 0x02, 0, 0, 0,  // mov ecx, 2
                    0x0F, 0xA2,           // cpuid
                    0xB9, 0x8B, 0, 0, 0,  // mov ecx, IA32_BIOS_SIGN_ID
                    0x31, 0xC0,           // xor eax, eax
                    0x31, 0xD2,           // xor edx, edx
                    0x0F, 0x30,           // wrmsr
                    0xB8, 0x01, 0, 0, 0,  // mov eax, 1
                    0xB9, 0x02, 0, 0, 0,  // mov ecx, 2
                    0x0F, 0xA2,           // cpuid
                    0xF4}),               // hlt
            4u);
  EXPECT_EQ(edi(), model.cpuid(4, 2).eax);
  EXPECT_EQ(eax(), model.cpuid(1, 2).eax);
  EXPECT_NE(state.msr.microcode_revision, 0u);
}

// The frequency is told to the model when the machine is on already.
TEST_F(CpuidTest, IsAnsweredAnewAfterAReset) {
  const auto code = {uint8_t{0x31}, uint8_t{0xC0},  // xor eax, eax
                     uint8_t{0x31}, uint8_t{0xC9},  // xor ecx, ecx
                     uint8_t{0x0F}, uint8_t{0xA2},  // cpuid
                     uint8_t{0xF4}};                // hlt
  EXPECT_EQ(misses(code), 1u);
  EXPECT_EQ(misses(code), 1u);
}
INSTANTIATE_TEST_SUITE_P(CalledOut, SensitiveTest, ::testing::ValuesIn(callouts()), name_of);
#endif
INSTANTIATE_TEST_SUITE_P(Interpreted, SensitiveTest,
                         ::testing::Combine(::testing::ValuesIn(all_cases()), ::testing::Values(0u, 3u),
                                            ::testing::Values(Way::kInterpreted, Way::kInterpreted16)),
                         name_of);

}  // namespace
}  // namespace ringdown::sensitive

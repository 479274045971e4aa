// Every sensitive instruction in every mode: does it run, and if not, which fault is it (SDM vol. 2, the
// exceptions of each instruction; vol. 3, 20.2.8 for virtual-8086 mode)?
#include "tests/interpreter/system_fixture.h"

namespace ringdown {
namespace {

enum class Mode : uint8_t { kRing0, kRing3Iopl0, kRing3Iopl3, kV86Iopl0, kV86Iopl3, kReal };
enum Outcome : uint8_t { kOk, kGp, kUd };

struct Case {
  const char* name;
  std::vector<uint8_t> code;
  std::array<Outcome, 6> expected;  // by Mode
};

constexpr std::array<Outcome, 6> kAnywhere = {kOk, kOk, kOk, kOk, kOk, kOk};
constexpr std::array<Outcome, 6> kPrivileged = {kOk, kGp, kGp, kGp, kGp, kOk};
constexpr std::array<Outcome, 6> kByIopl = {kOk, kGp, kOk, kGp, kOk, kOk};
constexpr std::array<Outcome, 6> kPorts = {kOk, kGp, kOk, kGp, kGp, kOk};
constexpr std::array<Outcome, 6> kV86ByIopl = {kOk, kOk, kOk, kGp, kOk, kOk};
constexpr std::array<Outcome, 6> kProtectedOnly = {kOk, kOk, kOk, kUd, kUd, kUd};
constexpr std::array<Outcome, 6> kProtectedPrivileged = {kOk, kGp, kGp, kUd, kUd, kUd};
constexpr std::array<Outcome, 6> kNever = {kUd, kUd, kUd, kUd, kUd, kUd};

// Operands: EAX is PE | ET, ECX an MSR, EDX a port, ESI a null selector, EBP an available TSS, EBX a data
// selector, and DS:EDI (32-bit) or DS:BX (16-bit, also ModRM 00.reg.111) zeroed memory.
const Case kCases[] = {
    {"CLI", {0xFA}, kByIopl},
    {"STI", {0xFB}, kByIopl},
    {"PUSHF", {0x9C}, kV86ByIopl},
    {"POPF", {0x9D}, kV86ByIopl},
    {"IN_AL_DX", {0xEC}, kPorts},
    {"IN_EAX_DX", {0xED}, kPorts},
    {"IN_AL_imm", {0xE4, 0x60}, kPorts},
    {"IN_EAX_imm", {0xE5, 0x60}, kPorts},
    {"OUT_DX_AL", {0xEE}, kPorts},
    {"OUT_DX_EAX", {0xEF}, kPorts},
    {"OUT_imm_AL", {0xE6, 0x60}, kPorts},
    {"OUT_imm_EAX", {0xE7, 0x60}, kPorts},
    {"INSB", {0x6C}, kPorts},
    {"INSD", {0x6D}, kPorts},
    {"OUTSB", {0x6E}, kPorts},
    {"OUTSD", {0x6F}, kPorts},
    {"HLT", {0xF4}, kPrivileged},
    {"SGDT", {0x0F, 0x01, 0x07}, kAnywhere},
    {"SIDT", {0x0F, 0x01, 0x0F}, kAnywhere},
    {"SMSW", {0x0F, 0x01, 0xE0}, kAnywhere},
    {"LGDT", {0x0F, 0x01, 0x17}, kPrivileged},
    {"LIDT", {0x0F, 0x01, 0x1F}, kPrivileged},
    {"LMSW", {0x0F, 0x01, 0xF0}, kPrivileged},
    {"INVLPG", {0x0F, 0x01, 0x3F}, kPrivileged},
    {"CLTS", {0x0F, 0x06}, kPrivileged},
    {"INVD", {0x0F, 0x08}, kPrivileged},
    {"WBINVD", {0x0F, 0x09}, kPrivileged},
    {"MOV_from_CR0", {0x0F, 0x20, 0xC0}, kPrivileged},
    {"MOV_from_CR2", {0x0F, 0x20, 0xD0}, kPrivileged},
    {"MOV_from_CR3", {0x0F, 0x20, 0xD8}, kPrivileged},
    {"MOV_from_CR4", {0x0F, 0x20, 0xE0}, kPrivileged},
    {"MOV_to_CR0", {0x0F, 0x22, 0xC0}, kPrivileged},
    {"MOV_to_CR2", {0x0F, 0x22, 0xD0}, kPrivileged},
    {"MOV_to_CR3", {0x0F, 0x22, 0xD8}, kPrivileged},
    {"MOV_to_CR4", {0x0F, 0x22, 0xE0}, kPrivileged},
    {"MOV_from_DR0", {0x0F, 0x21, 0xC0}, kPrivileged},
    {"MOV_from_DR7", {0x0F, 0x21, 0xF8}, kPrivileged},
    {"MOV_to_DR0", {0x0F, 0x23, 0xC0}, kPrivileged},
    {"MOV_to_DR7", {0x0F, 0x23, 0xF8}, kPrivileged},
    {"RDMSR", {0x0F, 0x32}, kPrivileged},
    {"WRMSR", {0x0F, 0x30}, kPrivileged},
    {"RDTSC", {0x0F, 0x31}, kAnywhere},
    {"CPUID", {0x0F, 0xA2}, kAnywhere},
    {"RDPMC", {0x0F, 0x33}, {kGp, kGp, kGp, kGp, kGp, kGp}},
    {"SLDT", {0x0F, 0x00, 0xC0}, kProtectedOnly},
    {"STR", {0x0F, 0x00, 0xC8}, kProtectedOnly},
    {"LLDT", {0x0F, 0x00, 0xD6}, kProtectedPrivileged},
    {"LTR", {0x0F, 0x00, 0xDD}, kProtectedPrivileged},
    {"VERR", {0x0F, 0x00, 0xE3}, kProtectedOnly},
    {"VERW", {0x0F, 0x00, 0xEB}, kProtectedOnly},
    {"LAR", {0x0F, 0x02, 0xC3}, kProtectedOnly},
    {"LSL", {0x0F, 0x03, 0xC3}, kProtectedOnly},
    {"ARPL", {0x63, 0xC3}, kProtectedOnly},
    {"PUSH_CS", {0x0E}, kAnywhere},
    {"PUSH_FS", {0x0F, 0xA0}, kAnywhere},
    {"POP_FS", {0x0F, 0xA1}, kAnywhere},
    {"MOV_from_DS", {0x8C, 0xD8}, kAnywhere},
    {"MOV_to_ES", {0x8E, 0xC6}, kAnywhere},
    {"MOV_to_CS", {0x8E, 0xCE}, kNever},
    {"LGDT_register", {0x0F, 0x01, 0xD6}, kNever},
    {"SGDT_register", {0x0F, 0x01, 0xC6}, kNever},
    {"INVLPG_register", {0x0F, 0x01, 0xFE}, kNever},
    {"SWAPGS", {0x0F, 0x01, 0xF8}, kNever},
    {"RDTSCP", {0x0F, 0x01, 0xF9}, kNever},
    {"VMCALL", {0x0F, 0x01, 0xC1}, kNever},
    {"MONITOR", {0x0F, 0x01, 0xC8}, kNever},
    {"MWAIT", {0x0F, 0x01, 0xC9}, kNever},
    {"CLAC", {0x0F, 0x01, 0xCA}, kNever},
    {"STAC", {0x0F, 0x01, 0xCB}, kNever},
    {"XGETBV", {0x0F, 0x01, 0xD0}, kNever},
    {"SYSCALL", {0x0F, 0x05}, kNever},
    {"SYSRET", {0x0F, 0x07}, kNever},
    {"UD2", {0x0F, 0x0B}, kNever},
    {"MOV_from_CR1", {0x0F, 0x20, 0xC8}, kNever},
    {"MOV_to_CR7", {0x0F, 0x22, 0xF8}, kNever},
};

const char* name_of(Mode mode) {
  switch (mode) {
    case Mode::kRing0:
      return "ring0";
    case Mode::kRing3Iopl0:
      return "ring3_iopl0";
    case Mode::kRing3Iopl3:
      return "ring3_iopl3";
    case Mode::kV86Iopl0:
      return "v86_iopl0";
    case Mode::kV86Iopl3:
      return "v86_iopl3";
    case Mode::kReal:
      return "real";
  }
  return "?";
}

class PrivilegeTest : public SystemTest, public ::testing::WithParamInterface<std::tuple<Case, Mode>> {
 protected:
  void enter(Mode mode) {
    switch (mode) {
      case Mode::kRing0:
        return protected_mode(0);
      case Mode::kRing3Iopl0:
        return protected_mode(3);
      case Mode::kRing3Iopl3:
        protected_mode(3);
        state.system_flags |= eflags::kIopl;
        return;
      case Mode::kV86Iopl0:
        return virtual_8086(0);
      case Mode::kV86Iopl3:
        return virtual_8086(3);
      case Mode::kReal:
        return real_mode();
    }
  }
  void set_operands(bool flat) {
    ebp() = flat ? add_descriptor(descriptor(kOtherTss, 0x67, 0x89)) : 0;
    eax() = cr0::kPe | cr0::kEt;
    ecx() = 0x174;
    edx() = 0x60;
    esi() = 0;
    ebx() = flat ? kUserDs : 0;
    edi() = flat ? kData : 0;
  }
};

TEST_P(PrivilegeTest, RunsOrFaults) {
  const auto& [c, mode] = GetParam();
  enter(mode);
  set_operands(mode <= Mode::kRing3Iopl3);
  place_code(c.code);
  const uint32_t start_of_code = state.eip;
  cpu.step();
  const auto d = exception();
  const Outcome expected = c.expected[static_cast<unsigned>(mode)];
  if (expected == kOk) {
    EXPECT_FALSE(d) << "vector " << (d ? d->vector : 0);
    EXPECT_EQ(advanced(), c.code.size());
    return;
  }
  ASSERT_TRUE(d);
  EXPECT_EQ(d->vector, expected == kGp ? 13u : 6u);
  EXPECT_EQ(d->eip, start_of_code);
  if (expected == kGp && mode != Mode::kReal) {
    EXPECT_EQ(d->error_code, 0u);
  }
  if (mode != Mode::kReal) {
    EXPECT_TRUE(d->eflags & eflags::kRf);
  }
  EXPECT_TRUE(bus.accesses.empty());
}

INSTANTIATE_TEST_SUITE_P(All, PrivilegeTest,
                         ::testing::Combine(::testing::ValuesIn(kCases),
                                            ::testing::Values(Mode::kRing0, Mode::kRing3Iopl0,
                                                              Mode::kRing3Iopl3, Mode::kV86Iopl0,
                                                              Mode::kV86Iopl3, Mode::kReal)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  name_of(std::get<1>(info.param));
                         });

}  // namespace
}  // namespace ringdown

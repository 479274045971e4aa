#include "tests/interpreter/interpreter_fixture.h"

// CLI, STI, PUSHF and POPF by mode and privilege (SDM vol. 2, tables of POPF; vol. 3, 20.3).
namespace ringdown {
namespace {

using namespace eflags;
constexpr uint8_t kCli = 0xFA, kSti = 0xFB, kPushf = 0x9C, kPopf = 0x9D;

class FlagsTest : public InterpreterTest {
 protected:
  void set_iopl(unsigned iopl) { state.system_flags |= iopl << 12; }
  void popf(uint32_t image, bool word) {
    if (word == state.segment[kCs].big()) {
      place_code({0x66, kPopf});
    } else {
      place_code({kPopf});
    }
    esp() -= 4;
    put<uint32_t>(state.segment[kSs].base + esp(), image);
    cpu.step();
  }
};

TEST_F(FlagsTest, StiShadowsOneInstructionIfInterruptsWereOff) {
  place_code({kSti, kSti, 0x90});
  cpu.step();
  EXPECT_TRUE(state.interrupts_shadowed);
  EXPECT_EQ(state.interrupt_flag, kIf);
  cpu.step();
  EXPECT_FALSE(state.interrupts_shadowed) << "IF was already set";
}

TEST_F(FlagsTest, CliAndStiNeedIopl) {
  for (uint8_t op : {kCli, kSti}) {
    protected_mode(3);
    state.interrupt_flag = kIf;
    run({op});
    expect_general_protection();
    protected_mode(3);
    set_iopl(3);
    run({op});
    expect_no_exception();
    EXPECT_EQ(state.interrupt_flag, op == kSti ? kIf : 0);
  }
}

TEST_F(FlagsTest, ProtectedModeVirtualInterrupts) {
  protected_mode(3);
  state.cr4 |= cr4::kPvi;
  run({kSti});
  expect_no_exception();
  EXPECT_TRUE(flag(kVif));
  EXPECT_EQ(state.interrupt_flag, 0u);
  EXPECT_FALSE(state.interrupts_shadowed);
  run({kCli});
  EXPECT_FALSE(flag(kVif));
  state.system_flags |= kVip;
  run({kSti});
  expect_general_protection();
}

TEST_F(FlagsTest, Virtual8086WithoutExtensions) {
  for (uint8_t op : {kCli, kSti, kPushf, kPopf}) {
    virtual_8086(0);
    run({op});
    expect_exception(Vector::kGeneralProtection, 0);
    virtual_8086(3);
    run({op});
    expect_no_exception();
  }
}

TEST_F(FlagsTest, Virtual8086Extensions) {
  virtual_8086(0);
  state.cr4 |= cr4::kVme;
  state.interrupt_flag = kIf;
  run({kSti});
  EXPECT_TRUE(flag(kVif));
  run({kPushf});
  EXPECT_EQ(at<uint16_t>(kStackTop - 2), kFixed | kIf | kIopl);
  run({kCli});
  EXPECT_FALSE(flag(kVif));
  EXPECT_EQ(state.interrupt_flag, kIf);
  run({kPushf});
  EXPECT_EQ(at<uint16_t>(kStackTop - 4), kFixed | kIopl);
}

TEST_F(FlagsTest, PopfWithVirtual8086Extensions) {
  virtual_8086(0);
  state.cr4 |= cr4::kVme;
  popf(kIf | kCf | kIopl, true);
  expect_no_exception();
  EXPECT_TRUE(flag(kVif));
  EXPECT_EQ(state.interrupt_flag, 0u);
  EXPECT_EQ(state.iopl(), 0u);
  EXPECT_TRUE(flag(kCf));
  popf(kTf, true);
  expect_exception(Vector::kGeneralProtection, 0);
}

TEST_F(FlagsTest, PopfWithAPendingVirtualInterrupt) {
  virtual_8086(0);
  state.cr4 |= cr4::kVme;
  state.system_flags |= kVip;
  popf(kIf, true);
  expect_exception(Vector::kGeneralProtection, 0);
}

TEST_F(FlagsTest, PopfdWithVirtual8086ExtensionsStillFaults) {
  virtual_8086(0);
  state.cr4 |= cr4::kVme;
  popf(0, false);
  expect_exception(Vector::kGeneralProtection, 0);
}

// All bits offered, with TF left out, and which of them arrive.
struct PopfCase {
  unsigned cpl, iopl;
  bool word;
  uint32_t arrives;
};

TEST_F(FlagsTest, PopfChangesWhatThePrivilegeAllows) {
  constexpr uint32_t always = kStatus | kDf | kNt, wide = always | kAc | kId;
  constexpr PopfCase cases[] = {{0, 0, false, wide | kIf | kIopl},
                                {0, 0, true, always | kIf | kIopl},
                                {3, 0, false, wide},
                                {3, 0, true, always},
                                {3, 3, false, wide | kIf},
                                {3, 3, true, always | kIf}};
  for (const PopfCase& c : cases) {
    protected_mode(c.cpl);
    set_iopl(c.iopl);
    const uint32_t before = state.eflags_image();
    popf(~kTf, c.word);
    expect_no_exception();
    EXPECT_EQ(state.eflags_image(), before | c.arrives) << c.cpl << c.iopl << c.word;
  }
}

TEST_F(FlagsTest, PushfdHidesVmAndRf) {
  state.system_flags |= kRf | kAc | kId;
  state.flags = kCf;
  run({kPushf});
  EXPECT_EQ(at<uint32_t>(esp()), kFixed | kAc | kId | kCf);
}

}  // namespace
}  // namespace ringdown

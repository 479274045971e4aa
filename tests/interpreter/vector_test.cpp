// MMX and SSE: who may execute them, alignment, FXSAVE, MXCSR and the masked moves. What they compute is in
// vector_host_test.cpp.
#include <numeric>

#include "interpreter/fpu_state.h"
#include "tests/interpreter/interpreter_fixture.h"

namespace ringdown {
namespace {

class VectorTest : public InterpreterTest {
 protected:
  VectorTest() { state.cr4 |= cr4::kOsfxsr | cr4::kOsxmmexcpt; }

  void use_model(const char* specification) {
    std::string error;
    ASSERT_TRUE(CpuModel::parse(specification, model, error)) << error;
  }
};

// ---- CR0 and CR4 (SDM vol. 2, 2.4.9; vol. 3, table 2-2) ---------------------------------------------------

TEST_F(VectorTest, SseNeedsOsfxsr) {
  state.cr4 &= ~cr4::kOsfxsr;
  run({0x0F, 0x57, 0xC0});  // xorps
  expect_undefined();
}
TEST_F(VectorTest, SseConversionToRegisterNeedsOsfxsr) {
  state.cr4 &= ~cr4::kOsfxsr;
  run({0xF3, 0x0F, 0x2C, 0x05, 0, 0, 2, 0});  // cvttss2si eax, [20000h]
  expect_undefined();
}
TEST_F(VectorTest, SseUnderEmulationIsUndefined) {
  state.cr0 |= cr0::kEm | cr0::kTs;
  run({0x0F, 0x57, 0xC0});
  expect_undefined();
}
TEST_F(VectorTest, SseAfterTaskSwitch) {
  state.cr0 |= cr0::kTs;
  run({0x0F, 0x57, 0xC0});
  expect_fault(Vector::kDeviceNotAvailable);
}
TEST_F(VectorTest, MmxNeedsNoOsfxsr) {
  state.cr4 &= ~cr4::kOsfxsr;
  run({0x0F, 0xEF, 0xC0});  // pxor mm0, mm0
  expect_no_exception();
}
TEST_F(VectorTest, MmxUnderEmulationIsUndefined) {
  state.cr0 |= cr0::kEm;
  run({0x0F, 0xEF, 0xC0});
  expect_undefined();
}
TEST_F(VectorTest, MmxAfterTaskSwitch) {
  state.cr0 |= cr0::kTs;
  run({0x0F, 0xEF, 0xC0});
  expect_fault(Vector::kDeviceNotAvailable);
}
TEST_F(VectorTest, MmxReportsAPendingX87Exception) {
  state.fx.control_word = 0x37E;
  state.fx.status_word = 0x8081;
  run({0x0F, 0xEF, 0xC0});
  expect_fault(Vector::kX87Error);
}
TEST_F(VectorTest, EmmsReportsAPendingX87Exception) {
  state.fx.control_word = 0x37E;
  state.fx.status_word = 0x8081;
  run({0x0F, 0x77});
  expect_fault(Vector::kX87Error);
}
TEST_F(VectorTest, MixedInstructionReportsAPendingX87Exception) {
  state.fx.control_word = 0x37E;
  state.fx.status_word = 0x8081;
  run({0x0F, 0x2A, 0xC1});  // cvtpi2ps xmm0, mm1
  expect_fault(Vector::kX87Error);
}
TEST_F(VectorTest, SseIgnoresAPendingX87ExceptionAndKeepsIt) {
  state.fx.control_word = 0x37E;
  state.fx.status_word = 0x8081;
  run({0x66, 0x0F, 0x2A, 0x05, 0, 0, 2, 0});  // cvtpi2pd xmm0, [20000h]: no MMX state involved
  expect_no_exception();
  EXPECT_EQ(state.fx.status_word, 0x8081);
}
TEST_F(VectorTest, FencesAndHintsNeedNothing) {
  state.cr0 |= cr0::kEm | cr0::kTs;
  state.cr4 &= ~cr4::kOsfxsr;
  for (uint8_t modrm : {0xE8, 0xF0, 0xF8}) {
    run({0x0F, 0xAE, modrm});
    expect_no_exception();
  }
}
TEST_F(VectorTest, ClflushFaultsAsALoadDoes) {
  enable_paging();
  set_page(kData, 0);
  run({0x0F, 0xAE, 0x3D, 0x04, 0, 2, 0});
  expect_fault(Vector::kPageFault, 0);
  EXPECT_EQ(state.cr2, kData + 4);
}

// ---- Memory operands -------------------------------------------------------------------------------------

TEST_F(VectorTest, MisalignedOperandsOfSixteenBytesFault) {
  ecx() = kData + 8;
  for (auto code : {std::array<uint8_t, 4>{0x0F, 0x28, 0x01, 0x90},     // movaps xmm0, [ecx]
                    std::array<uint8_t, 4>{0x0F, 0x29, 0x01, 0x90},     // movaps [ecx], xmm0
                    std::array<uint8_t, 4>{0x0F, 0x58, 0x01, 0x90},     // addps
                    std::array<uint8_t, 4>{0x66, 0x0F, 0xEF, 0x01},     // pxor
                    std::array<uint8_t, 4>{0x66, 0x0F, 0xE7, 0x01}}) {  // movntdq
    protected_mode(0);
    state.cr4 |= cr4::kOsfxsr;
    ecx() = kData + 8;
    place_code(code);
    cpu.step();
    expect_general_protection();
  }
}
TEST_F(VectorTest, AlignmentIsThatOfTheLinearAddress) {
  state.segment[kDs].base = 8;
  ecx() = kData + 8;
  run({0x0F, 0x28, 0x01});
  expect_no_exception();
}
TEST_F(VectorTest, UnalignedMovesCrossPages) {
  enable_paging();
  ecx() = kData + 0xFF8;
  for (unsigned n = 0; n < 16; n++) put<uint8_t>(ecx() + n, n);
  run({0x0F, 0x10, 0x01});  // movups xmm0, [ecx]
  expect_no_exception();
  for (unsigned n = 0; n < 16; n++) EXPECT_EQ(state.fx.xmm[0][n], n);
}
TEST_F(VectorTest, AStoreThatFaultsOnItsSecondPageWritesNothing) {
  enable_paging();
  set_page(kData + 0x1000, 1);
  state.fx.xmm[0].fill(0xAA);
  ecx() = kData + 0xFF8;
  run({0x0F, 0x11, 0x01});  // movups [ecx], xmm0
  expect_fault(Vector::kPageFault, page_fault_error::kPresent | page_fault_error::kWrite);
  EXPECT_EQ(state.cr2, kData + 0x1000);
  EXPECT_EQ(at<uint64_t>(kData + 0xFF8), 0u);
}
TEST_F(VectorTest, ALimitFaultsOverTheWholeOperand) {
  state.segment[kDs].limit = kData + 6;
  run({0x0F, 0x6F, 0x05, 0, 0, 2, 0});  // movq mm0, [20000h]
  expect_general_protection();
}
TEST_F(VectorTest, StackSegmentOperandsRaiseStackFaults) {
  protected_mode(3);  // the handler gets a stack of its own
  state.cr4 |= cr4::kOsfxsr;
  state.segment[kSs].limit = 0xFFFF;
  ebp() = kData;
  run({0x0F, 0x10, 0x45, 0x00});  // movups xmm0, [ebp]
  expect_fault(Vector::kStackFault, 0);
}
TEST_F(VectorTest, SixteenBitAddressing) {
  protected_mode_16();
  state.cr4 |= cr4::kOsfxsr;
  put<uint32_t>(kData + 0x234, 0x12345678);
  ebx() = 0xFFFF0200;
  esi() = 0x30;
  run({0x66, 0x0F, 0x6E, 0x48, 0x04});  // movd xmm1, [bx+si+4]
  expect_no_exception();
  EXPECT_EQ(state.fx.xmm[1][0], 0x78);
  EXPECT_EQ(state.fx.xmm[1][3], 0x12);
}
TEST_F(VectorTest, EveryGeneralRegisterIsAnOperand) {
  for (unsigned n = 0; n < 8; n++) {
    protected_mode(0);
    state.cr4 |= cr4::kOsfxsr;
    state.gpr[n] = 0x1000 + n;
    run({0x66, 0x0F, 0x6E, static_cast<uint8_t>(0xC0 | n)});  // movd xmm0, r32
    EXPECT_EQ(state.fx.xmm[0][0], n);
    state.fx.xmm[0][1] = 0x77;
    run({0x66, 0x0F, 0x7E, static_cast<uint8_t>(0xC0 | n)});  // movd r32, xmm0
    EXPECT_EQ(state.gpr[n], 0x7700 + n);
    expect_no_exception();
  }
}

// ---- FXSAVE, FXRSTOR, LDMXCSR, STMXCSR -------------------------------------------------------------------

TEST_F(VectorTest, FxsaveWritesTheLegacyImageAndLeavesTheRest) {
  std::memset(ram.data() + kData, 0xCC, 512);
  state.fx.status_word = 0x3800;
  state.fx.xmm[7].fill(7);
  state.fx.instruction_offset = 0x1234;
  state.fx.xmm[8].fill(8);
  run({0x0F, 0xAE, 0x05, 0, 0, 2, 0});
  expect_no_exception();
  EXPECT_EQ(at<uint16_t>(kData), 0x37F);
  EXPECT_EQ(at<uint16_t>(kData + 2), 0x3800);
  EXPECT_EQ(at<uint32_t>(kData + 8), 0x1234u);
  EXPECT_EQ(at<uint32_t>(kData + 24), 0x1F80u);
  EXPECT_EQ(at<uint32_t>(kData + 28), 0xFFFFu);
  EXPECT_EQ(at<uint8_t>(kData + 160 + 7 * 16 + 15), 7);
  EXPECT_EQ(at<uint8_t>(kData + 288), 0xCC);
  EXPECT_EQ(at<uint8_t>(kData + 511), 0xCC);
}
TEST_F(VectorTest, FxrstorLoadsWhatFxsaveStored) {
  state.fx.xmm[3].fill(3);
  state.fx.control_word = 0x27F;
  run({0x0F, 0xAE, 0x05, 0, 0, 2, 0});
  state.fx = {};
  run({0x0F, 0xAE, 0x0D, 0, 0, 2, 0});
  expect_no_exception();
  EXPECT_EQ(state.fx.xmm[3][9], 3);
  EXPECT_EQ(state.fx.control_word, 0x27F);
}
TEST_F(VectorTest, FxsaveAlignment) {
  run({0x0F, 0xAE, 0x05, 8, 0, 2, 0});
  expect_general_protection();
}
TEST_F(VectorTest, FxrstorAlignment) {
  run({0x0F, 0xAE, 0x0D, 8, 0, 2, 0});
  expect_general_protection();
}
TEST_F(VectorTest, FxrstorOfReservedMxcsrBits) {
  put<uint32_t>(kData + 24, 0x10000);
  run({0x0F, 0xAE, 0x0D, 0, 0, 2, 0});
  expect_general_protection();
  EXPECT_EQ(state.fx.control_word, 0x37F);
}
TEST_F(VectorTest, FxsaveAfterTaskSwitchOrUnderEmulation) {
  for (uint32_t bit : {cr0::kTs, cr0::kEm}) {
    protected_mode(0);
    state.cr0 |= bit;
    run({0x0F, 0xAE, 0x05, 0, 0, 2, 0});
    expect_fault(Vector::kDeviceNotAvailable);
  }
}
TEST_F(VectorTest, FxrstorComputesTheErrorSummary) {
  put<uint16_t>(kData, 0x37E);
  put<uint16_t>(kData + 2, 0x0001);
  run({0x0F, 0xAE, 0x0D, 0, 0, 2, 0});
  EXPECT_EQ(state.fx.status_word, 0x8081);
}
TEST_F(VectorTest, FxrstorKeepsTheControlWordsReservedBits) {
  put<uint16_t>(kData, 0xE0BF);
  run({0x0F, 0xAE, 0x0D, 0, 0, 2, 0});
  EXPECT_EQ(state.fx.control_word, 0x007F);
}
TEST_F(VectorTest, LoadAndStoreMxcsr) {
  put<uint32_t>(kData, 0x9FC0);
  run({0x0F, 0xAE, 0x15, 0, 0, 2, 0});
  EXPECT_EQ(state.fx.mxcsr, 0x9FC0u);
  run({0x0F, 0xAE, 0x1D, 4, 0, 2, 0});
  EXPECT_EQ(at<uint32_t>(kData + 4), 0x9FC0u);
}
TEST_F(VectorTest, LoadReservedMxcsrBits) {
  put<uint32_t>(kData, 0x11F80);
  run({0x0F, 0xAE, 0x15, 0, 0, 2, 0});
  expect_general_protection();
}
TEST_F(VectorTest, DenormalsAreZerosCameWithSse2) {
  use_model("pentium3");
  put<uint32_t>(kData, 0x1FC0);
  run({0x0F, 0xAE, 0x15, 0, 0, 2, 0});
  expect_general_protection();
}
TEST_F(VectorTest, LoadMxcsrNeedsOsfxsr) {
  state.cr4 &= ~cr4::kOsfxsr;
  run({0x0F, 0xAE, 0x15, 0, 0, 2, 0});
  expect_undefined();
}

// ---- Masked moves ----------------------------------------------------------------------------------------

TEST_F(VectorTest, MaskmovdquWritesSelectedBytes) {
  std::iota(state.fx.xmm[1].begin(), state.fx.xmm[1].end(), 1);
  state.fx.xmm[2] = {0x80, 0, 0x7F, 0xFF};
  state.fx.xmm[2][15] = 0x80;
  edi() = kData + 3;
  std::memset(ram.data() + kData, 0xCC, 32);
  run({0x66, 0x0F, 0xF7, 0xCA});
  expect_no_exception();
  EXPECT_EQ(at<uint32_t>(kData + 3), 0x04CCCC01u);
  EXPECT_EQ(at<uint8_t>(kData + 3 + 15), 16);
  EXPECT_EQ(at<uint8_t>(kData + 3 + 14), 0xCC);
}
TEST_F(VectorTest, MaskmovdquTouchesOnlyWhatIsSelected) {
  enable_paging();
  set_page(kData + 0x1000, 0);
  state.fx.xmm[2][7] = 0x80;
  edi() = kData + 0xFF8;
  run({0x66, 0x0F, 0xF7, 0xCA});
  expect_no_exception();
  state.fx.xmm[2][8] = 0x80;
  run({0x66, 0x0F, 0xF7, 0xCA});
  expect_fault(Vector::kPageFault, page_fault_error::kWrite);
}
TEST_F(VectorTest, MaskmovqUsesTheSegmentOverrideAndEntersMmxState) {
  state.segment[kFs].base = 0x100;
  state.fx.status_word = 5 << 11;  // R1 is st[(1 - 5) & 7] = st[4], R2 is st[5]
  for (unsigned n = 0; n < 8; n++) state.fx.st[4][n] = static_cast<uint8_t>(n + 1);
  state.fx.st[5][1] = 0x80;
  edi() = kData;
  run({0x64, 0x0F, 0xF7, 0xCA});  // maskmovq mm1, mm2
  expect_no_exception();
  EXPECT_EQ(at<uint32_t>(kData + 0x100), 0x0200u);
  EXPECT_EQ(top_of_stack(state.fx), 0u);
  EXPECT_EQ(state.fx.abridged_tag_word, 0xFF);
  EXPECT_EQ(state.fx.st[1][1], 2);
}
TEST_F(VectorTest, MaskmovWithMemoryOperandIsUndefined) {
  run({0x66, 0x0F, 0xF7, 0x0A});
  expect_undefined();
}

// ---- What this processor does not have -------------------------------------------------------------------

TEST_F(VectorTest, WhatTheModelLacksIsUndefined) {
  use_model("ringdown,-sse4.1,-aes,-sha-ni");
  for (auto code : {std::array<uint8_t, 5>{0x66, 0x0F, 0x38, 0x17, 0xC0},     // ptest
                    std::array<uint8_t, 5>{0x66, 0x0F, 0x38, 0xDC, 0xC0},     // aesenc
                    std::array<uint8_t, 5>{0x0F, 0x38, 0xC8, 0xC0, 0x90}}) {  // sha1nexte
    protected_mode(0);
    state.cr4 |= cr4::kOsfxsr;
    place_code(code);
    cpu.step();
    expect_undefined();
  }
}
TEST_F(VectorTest, VexIsUndefined) {
  run({0xC5, 0xF8, 0x57, 0xC0});  // vxorps
  expect_undefined();
}
TEST_F(VectorTest, LockIsUndefined) {
  run({0xF0, 0x0F, 0x58, 0x05, 0, 0, 2, 0});
  expect_undefined();
}

}  // namespace
}  // namespace ringdown

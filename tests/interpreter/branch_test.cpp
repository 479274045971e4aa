#include "tests/interpreter/interpreter_fixture.h"

namespace ringdown {
namespace {

class BranchTest : public InterpreterTest {};

// The condition of every code, written down from its mnemonic.
bool expected_condition(unsigned code, uint32_t f) {
  using namespace eflags;
  const bool cf = f & kCf, zf = f & kZf, sf = f & kSf, of = f & kOf, pf = f & kPf;
  const bool table[16] = {of, !of, cf, !cf, zf,       !zf,      cf || zf,         !cf && !zf,
                          sf, !sf, pf, !pf, sf != of, sf == of, zf || (sf != of), !zf && sf == of};
  return table[code];
}

TEST_F(BranchTest, ConditionalJumpsSeeEveryCombinationOfFlags) {
  for (unsigned combination = 0; combination < 32; combination++) {
    using namespace eflags;
    const uint32_t flags = (combination & 1 ? kCf : 0) | (combination & 2 ? kZf : 0) |
                           (combination & 4 ? kSf : 0) | (combination & 8 ? kOf : 0) |
                           (combination & 16 ? kPf : 0);
    for (uint8_t code = 0; code < 16; code++) {
      state.flags = flags;
      run({static_cast<uint8_t>(0x70 | code), 0x10});
      EXPECT_EQ(advanced(), expected_condition(code, flags) ? 0x12u : 2u) << unsigned{code};
      run({0x0F, static_cast<uint8_t>(0x80 | code), 0x00, 0x01, 0x00, 0x00});
      EXPECT_EQ(advanced(), expected_condition(code, flags) ? 0x106u : 6u) << unsigned{code};
    }
  }
}

TEST_F(BranchTest, JumpBackwards) {
  run({0xEB, 0xF0});
  EXPECT_EQ(state.eip, kCode + 2 - 0x10);
  run({0xE9, 0x00, 0xFF, 0xFF, 0xFF});
  EXPECT_EQ(state.eip, kCode + 5 - 0x100);
}

TEST_F(BranchTest, WordOperandTruncatesTheTarget) {
  run({0x66, 0xE9, 0x10, 0x00});
  EXPECT_EQ(state.eip, (kCode + 4 + 0x10) & 0xFFFF);
}

TEST_F(BranchTest, SixteenBitCodeWraps) {
  real_mode();
  run({0xEB, 0xF0});
  EXPECT_EQ(state.eip, 0xFFF2u);
}

TEST_F(BranchTest, TargetBeyondTheLimitFaultsAndChangesNothing) {
  state.segment[kCs].limit = kCode + 0xFF;
  run({0xE8, 0x00, 0x10, 0x00, 0x00});
  expect_general_protection();
  EXPECT_EQ(esp(), kStackTop - 16) << "only the exception's frame";
  EXPECT_EQ(at<uint32_t>(kStackTop - 4), exception()->eflags);
}

TEST_F(BranchTest, CallAndReturn) {
  run({0xE8, 0x00, 0x01, 0x00, 0x00});
  EXPECT_EQ(state.eip, kCode + 0x105);
  EXPECT_EQ(at<uint32_t>(kStackTop - 4), kCode + 5);
  run({0xC2, 0x08, 0x00});
  EXPECT_EQ(state.eip, kCode + 5);
  EXPECT_EQ(esp(), kStackTop + 8);
}

TEST_F(BranchTest, IndirectCallReadsItsOperandBeforeItPushes) {
  put<uint32_t>(kStackTop - 4, kCode + 0x200);
  esp() = kStackTop - 4;
  run({0xFF, 0x14, 0x24});  // call [esp]
  EXPECT_EQ(state.eip, kCode + 0x200);
  EXPECT_EQ(at<uint32_t>(kStackTop - 8), kCode + 3);
}

TEST_F(BranchTest, IndirectJumpThroughARegister) {
  eax() = kCode + 0x345;
  run({0xFF, 0xE0});
  EXPECT_EQ(state.eip, kCode + 0x345);
}

TEST_F(BranchTest, CallWithoutStackFaultsBeforeItJumps) {
  protected_mode(3);
  enable_paging();
  set_page(kStackTop - 4, pte::kPresent | pte::kUser);  // read-only
  run({0xE8, 0x00, 0x01, 0x00, 0x00});
  expect_fault(Vector::kPageFault, 7);
  EXPECT_EQ(state.cr2, kStackTop - 4);
}

TEST_F(BranchTest, LoopUsesTheCounterOfTheAddressSize) {
  ecx() = 0x10000;
  run({0xE2, 0x10});
  EXPECT_EQ(ecx(), 0xFFFFu);
  EXPECT_EQ(advanced(), 0x12u);
  ecx() = 0x10001;
  run({0x67, 0xE2, 0x10});
  EXPECT_EQ(ecx(), 0x10000u);
  EXPECT_EQ(advanced(), 3u) << "CX has become 0";
}

TEST_F(BranchTest, LoopWithZeroFlag) {
  struct Case {
    uint8_t opcode;
    bool zf, taken;
  };
  for (const Case c :
       {Case{0xE0, false, true}, {0xE0, true, false}, {0xE1, false, false}, {0xE1, true, true}}) {
    ecx() = 5;
    state.flags = c.zf ? eflags::kZf : 0;
    run({c.opcode, 0x10});
    EXPECT_EQ(advanced(), c.taken ? 0x12u : 2u);
    EXPECT_EQ(ecx(), 4u);
    EXPECT_EQ(state.flags, c.zf ? eflags::kZf : 0) << "the flags stay";
  }
}

TEST_F(BranchTest, JumpIfCounterIsZero) {
  ecx() = 0x10000;
  run({0xE3, 0x10});
  EXPECT_EQ(advanced(), 2u);
  run({0x67, 0xE3, 0x10});
  EXPECT_EQ(advanced(), 0x13u);
}

TEST_F(BranchTest, EnterOnASixteenBitStack) {
  protected_mode_16();
  esp() = 0xABCD1000;
  ebp() = 0x1234F000;
  put<uint16_t>(kStackSegment + 0xEFFE, 0x1111);
  run({0xC8, 0x20, 0x00, 0x02});
  EXPECT_EQ(at<uint16_t>(kStackSegment + 0x0FFE), 0xF000);
  EXPECT_EQ(at<uint16_t>(kStackSegment + 0x0FFC), 0x1111);
  EXPECT_EQ(at<uint16_t>(kStackSegment + 0x0FFA), 0x0FFE);
  EXPECT_EQ(esp(), 0xABCD0FDAu);
  EXPECT_EQ(ebp(), 0x12340FFEu);
}

TEST_F(BranchTest, EnterChecksWhereTheStackWillEnd) {
  enable_paging();
  set_page(kStackTop - 0x2000, 0);
  ebp() = 0x12345678;
  run({0xC8, 0x00, 0x18, 0x00});
  expect_fault(Vector::kPageFault, page_fault_error::kWrite);
  EXPECT_EQ(ebp(), 0x12345678u);
}

TEST_F(BranchTest, BoundAcceptsBothEnds) {
  put<uint32_t>(kData, static_cast<uint32_t>(-5));
  put<uint32_t>(kData + 4, 10);
  ebx() = kData;
  for (int index : {-5, 0, 10}) {
    eax() = static_cast<uint32_t>(index);
    run({0x62, 0x03});
    expect_no_exception();
    EXPECT_EQ(advanced(), 2u);
  }
}

TEST_F(BranchTest, BoundRaisesBeyond) {
  for (int index : {-6, 11}) {
    protected_mode(0);
    put<uint32_t>(kData, static_cast<uint32_t>(-5));
    put<uint32_t>(kData + 4, 10);
    ebx() = kData;
    eax() = static_cast<uint32_t>(index);
    run({0x62, 0x03});
    expect_fault(Vector::kBoundRange);
  }
}

}  // namespace
}  // namespace ringdown

#include "tests/interpreter/interpreter_fixture.h"

// What step() does around an instruction: fetch, decode, traps and breakpoints.
namespace ringdown {
namespace {

constexpr uint8_t kNop = 0x90;

class StepTest : public InterpreterTest {
 protected:
  static constexpr uint32_t kBs = 1u << 14;
  void set_breakpoint(unsigned n, uint32_t address, unsigned condition, unsigned length) {
    state.dr[n] = address;
    state.dr[7] |= 1u << (2 * n) | (condition | length << 2) << (16 + 4 * n);
  }
};

// ---- Fetch ----------------------------------------------------------------------------------------------

TEST_F(StepTest, FifteenBytesAreAnInstructionAndSixteenAreNot) {
  std::vector<uint8_t> code(14, 0x66);
  code.push_back(kNop);
  place_code(code);
  cpu.step();
  expect_no_exception();
  EXPECT_EQ(advanced(), 15u);
  code.insert(code.begin(), 0x66);
  place_code(code);
  cpu.step();
  expect_general_protection();
}

TEST_F(StepTest, TooLongBehindDifferentPrefixes) {
  // mov [disp32], imm32 has ten bytes, here behind six prefixes.
  run({0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0xC7, 0x05, 0, 0, 2, 0, 1, 2, 3, 4});
  expect_general_protection();
}

TEST_F(StepTest, UnknownBehindManyPrefixesIsUndefined) {
  run({0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x0F, 0x0B, 0, 0, 0, 0, 0, 0});
  expect_undefined();
}

TEST_F(StepTest, UndefinedOpcodes) {
  for (std::initializer_list<uint8_t> code : {
           std::initializer_list<uint8_t>{0x0F, 0x0B},
           {0x0F, 0xB9, 0x05, 0xFF, 0xFF, 0xFF, 0xFF},
           {0x0F, 0xFF, 0x00},
           {0x0F, 0x04},
           {0x8D, 0xC0},          // LEA of a register
           {0x0F, 0xC7, 0xC8},    // CMPXCHG8B of a register
           {0x0F, 0xB8, 0xC0},    // POPCNT without F3
           {0x0F, 0xBA, 0xC0, 0}  // 0F BA /0
       }) {
    protected_mode(0);
    run(code);
    expect_undefined();
  }
}

TEST_F(StepTest, LockIsForMemoryThatIsModified) {
  ebx() = kData;
  for (std::initializer_list<uint8_t> code : {std::initializer_list<uint8_t>{0xF0, 0x01, 0x03},
                                              {0xF0, 0x87, 0x03},
                                              {0xF0, 0x0F, 0xC1, 0x03},
                                              {0xF0, 0x0F, 0xAB, 0x03},
                                              {0xF0, 0x0F, 0xBA, 0x2B, 3},
                                              {0xF0, 0x0F, 0xB1, 0x0B},
                                              {0xF0, 0x0F, 0xC7, 0x0B},
                                              {0xF0, 0xFF, 0x03},
                                              {0xF0, 0xF7, 0x13},
                                              {0xF0, 0x83, 0x33, 1}}) {
    run(code);
    expect_no_exception();
    EXPECT_EQ(advanced(), code.size());
  }
  for (std::initializer_list<uint8_t> code : {std::initializer_list<uint8_t>{0xF0, 0x01, 0xC3},
                                              {0xF0, 0x03, 0x03},
                                              {0xF0, 0x39, 0x03},
                                              {0xF0, 0x83, 0x3B, 1},
                                              {0xF0, 0x89, 0x03},
                                              {0xF0, 0x0F, 0xA3, 0x03},
                                              {0xF0, 0x0F, 0xBA, 0x23, 3},
                                              {0xF0, 0xF7, 0x03, 0, 0, 0, 0},
                                              {0xF0, 0xFF, 0x33},
                                              {0xF0, 0x90},
                                              {0xF0, 0x0F, 0x20, 0xC0}}) {
    protected_mode(0);
    ebx() = kData;
    run(code);
    expect_undefined();
  }
}

TEST_F(StepTest, CodeMustLieWithinTheSegment) {
  state.segment[kCs].limit = kCode + 4;
  run({0xB8, 1, 2, 3, 4});
  EXPECT_EQ(eax(), 0x04030201u);
  state.segment[kCs].limit = kCode + 3;
  run({0xB8, 5, 6, 7, 8});
  expect_general_protection();
  EXPECT_EQ(eax(), 0x04030201u);
}

TEST_F(StepTest, InstructionAcrossPagesFaultsOnTheSecond) {
  enable_paging();
  set_page(kCode + kPageSize, 0);
  const uint32_t start = kCode + kPageSize - 2;
  const uint8_t mov[] = {0xB8, 1, 2, 3, 4};
  std::memcpy(&ram[start], mov, sizeof(mov));
  state.eip = start;
  cpu.step();
  expect_exception(Vector::kPageFault, 0);
  EXPECT_EQ(exception()->eip, start);
  EXPECT_EQ(state.cr2, kCode + kPageSize);
}

TEST_F(StepTest, TheNextPageIsNotTouchedIfTheInstructionEndsBefore) {
  enable_paging();
  set_page(kCode + kPageSize, 7);
  ram[kCode + kPageSize - 1] = kNop;
  state.eip = kCode + kPageSize - 1;
  cpu.step();
  EXPECT_EQ(state.eip, kCode + kPageSize);
  EXPECT_FALSE(at<uint32_t>(kPageTable + ((kCode >> 12) + 1) * 4) & pte::kAccessed);
}

TEST_F(StepTest, ChangedCodeIsDecodedAgain) {
  run({0xB8, 1, 0, 0, 0});
  run({0xB9, 2, 0, 0, 0});
  EXPECT_EQ(ecx(), 2u);
  EXPECT_EQ(eax(), 1u);
  state.segment[kCs].attributes &= ~segment_attribute::kBig;
  state.segment[kCs].limit = 0xFFFFFFFF;
  run({0xB9, 3, 0, 0, 0});
  EXPECT_EQ(advanced(), 3u) << "the same bytes in a 16-bit segment";
}

TEST_F(StepTest, HaltedAndShutDownProcessorsDoNothing) {
  for (bool* stop : {&state.halted, &state.shutdown}) {
    *stop = true;
    run({0x40});
    EXPECT_EQ(advanced(), 0u);
    EXPECT_EQ(eax(), 0u);
    *stop = false;
  }
}

// ---- Single step ----------------------------------------------------------------------------------------

TEST_F(StepTest, TrapFlagTrapsAfterTheInstruction) {
  state.system_flags |= eflags::kTf;
  run({0x40});
  expect_exception(Vector::kDebug);
  EXPECT_EQ(exception()->eip, kCode + 1);
  EXPECT_EQ(eax(), 1u);
  EXPECT_EQ(state.dr[6], 0xFFFF0FF0 | kBs);
  EXPECT_FALSE(flag(eflags::kTf));
  EXPECT_TRUE(exception()->eflags & eflags::kTf);
}

TEST_F(StepTest, AFaultIsNotFollowedByATrap) {
  state.system_flags |= eflags::kTf;
  run({0x0F, 0x0B});
  expect_undefined();
  EXPECT_EQ(state.dr[6], 0xFFFF0FF0);
}

TEST_F(StepTest, PopfThatSetsTheTrapFlagDoesNotTrapItself) {
  esp() -= 4;
  put<uint32_t>(esp(), eflags::kTf | eflags::kFixed);
  place_code({0x9D, kNop});
  cpu.step();
  expect_no_exception();
  cpu.step();
  expect_exception(Vector::kDebug);
  EXPECT_EQ(exception()->eip, kCode + 2);
}

TEST_F(StepTest, SoftwareInterruptsAreNotSingleStepped) {
  state.system_flags |= eflags::kTf;
  run({0xCD, 0x40});
  expect_exception(static_cast<Vector>(0x40));
  EXPECT_EQ(exception()->eip, kCode + 2);
}

TEST_F(StepTest, MovSsHidesTheTrapUntilTheNextInstruction) {
  state.system_flags |= eflags::kTf;
  eax() = kKernelDs;
  place_code({0x8E, 0xD0, kNop});
  cpu.step();
  expect_no_exception();
  EXPECT_TRUE(state.interrupts_shadowed);
  cpu.step();
  expect_exception(Vector::kDebug);
  EXPECT_EQ(exception()->eip, kCode + 3);
  EXPECT_FALSE(state.interrupts_shadowed);
}

// ---- RF and breakpoints ---------------------------------------------------------------------------------

TEST_F(StepTest, ResumeFlagIsInTheImageOfAFaultAndClearedByCompletion) {
  run({0x0F, 0x0B});
  EXPECT_TRUE(exception()->eflags & eflags::kRf);
  protected_mode(0);
  state.system_flags |= eflags::kRf;
  run({kNop});
  EXPECT_FALSE(flag(eflags::kRf));
}

TEST_F(StepTest, InstructionBreakpointFaultsBeforeTheInstruction) {
  set_breakpoint(2, kCode, 0, 0);
  run({0x40});
  expect_fault(Vector::kDebug);
  EXPECT_EQ(eax(), 0u);
  EXPECT_EQ(state.dr[6] & 0xF, 4u);
  EXPECT_FALSE(exception()->eflags & eflags::kRf);
}

TEST_F(StepTest, ResumeFlagPassesAnInstructionBreakpoint) {
  set_breakpoint(2, kCode, 0, 0);
  state.system_flags |= eflags::kRf;
  run({0x40});
  expect_no_exception();
  EXPECT_EQ(eax(), 1u);
}

TEST_F(StepTest, DataBreakpointTrapsAfterTheWrite) {
  set_breakpoint(1, kData + 3, 1, 0);
  eax() = 0x12345678;
  run({0xA3, 0, 0, 2, 0});
  expect_exception(Vector::kDebug);
  EXPECT_EQ(exception()->eip, kCode + 5);
  EXPECT_EQ(at<uint32_t>(kData), 0x12345678u);
  EXPECT_EQ(state.dr[6] & 0xF, 2u);
}

TEST_F(StepTest, DataBreakpointsMindKindAndPlace) {
  set_breakpoint(0, kData + 4, 1, 3);
  run({0xA1, 4, 0, 2, 0});  // a read
  expect_no_exception();
  run({0xA3, 0, 0, 2, 0});  // just before
  expect_no_exception();
  run({0xA3, 8, 0, 2, 0});  // just behind
  expect_no_exception();
  run({0xA2, 7, 0, 2, 0});
  expect_exception(Vector::kDebug);
}

TEST_F(StepTest, ReadWriteBreakpointSeesReads) {
  set_breakpoint(3, kData, 3, 3);
  run({0xA0, 2, 0, 2, 0});
  expect_exception(Vector::kDebug);
  EXPECT_EQ(state.dr[6] & 0xF, 8u);
}

TEST_F(StepTest, DataBreakpointEndsARepeatBetweenIterations) {
  set_breakpoint(0, kData + 2, 1, 0);
  edi() = kData;
  ecx() = 10;
  run({0xF3, 0xAA});
  expect_exception(Vector::kDebug);
  EXPECT_EQ(ecx(), 7u);
  EXPECT_EQ(exception()->eip, kCode);
}

}  // namespace
}  // namespace ringdown

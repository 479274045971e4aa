#include "tests/interpreter/interpreter_fixture.h"

// Segment, page and alignment checks of integer instructions, and that a fault leaves no trace.
namespace ringdown {
namespace {

class AccessTest : public InterpreterTest {
 protected:
  void data_segment(uint16_t attributes, uint32_t limit = 0xFFFFFFFF) {
    state.segment[kDs].attributes = attributes;
    state.segment[kDs].limit = limit;
  }
  void load() { run({0xA1, 0, 0, 2, 0}); }
  void store() { run({0xA3, 0, 0, 2, 0}); }
};

TEST_F(AccessTest, NullSegment) {
  data_segment(0);
  load();
  expect_general_protection();
}

TEST_F(AccessTest, ReadOnlyData) {
  data_segment(0xC091);
  load();
  expect_no_exception();
  store();
  expect_general_protection();
}

TEST_F(AccessTest, ExecuteOnlyAndReadableCode) {
  data_segment(0xC099);
  load();
  expect_general_protection();
  protected_mode(0);
  data_segment(0xC09B);
  load();
  expect_no_exception();
  store();
  expect_general_protection();
}

TEST_F(AccessTest, LimitCountsEveryByte) {
  data_segment(0xC093, kData + 3);
  load();
  expect_no_exception();
  data_segment(0xC093, kData + 2);
  load();
  expect_general_protection();
}

TEST_F(AccessTest, ExpandDown) {
  data_segment(0xC097, kData - 1);
  load();
  expect_no_exception();
  data_segment(0xC097, kData);
  load();
  expect_general_protection();
  protected_mode(0);
  data_segment(0x8097, 0xFFF);  // D/B clear: up to FFFFh
  run({0xA1, 0xFC, 0xFF, 0, 0});
  expect_no_exception();
  run({0xA1, 0xFD, 0xFF, 0, 0});
  expect_general_protection();
}

TEST_F(AccessTest, StackSegmentHasItsOwnFault) {
  state.segment[kSs].limit = kStackTop - 1;
  ebp() = kStackTop - 2;
  eax() = 0x1234;
  run({0x01, 0x45, 0x00});  // add [ebp], eax
  const auto d = exception();
  ASSERT_TRUE(d);
  EXPECT_EQ(d->vector, 12u);
  EXPECT_EQ(d->error_code, 0u);
  EXPECT_EQ(eax(), 0x1234u);
}

TEST_F(AccessTest, OffsetsWrapInAFlatSegment) {
  state.segment[kDs].base = kData + 16;
  put<uint32_t>(kData, 0xCAFEF00D);
  run({0xA1, 0xF0, 0xFF, 0xFF, 0xFF});
  EXPECT_EQ(eax(), 0xCAFEF00Du);
}

TEST_F(AccessTest, RealModeWordAtTheEnd) {
  real_mode();
  run({0xA1, 0xFF, 0xFF});
  expect_fault(Vector::kGeneralProtection);
}

TEST_F(AccessTest, RealModeIgnoresTheType) {
  real_mode();
  state.segment[kDs].attributes = 0x91;
  eax() = 0x4321;
  run({0xA3, 0x10, 0x00});
  EXPECT_EQ(at<uint16_t>(kData + 0x10), 0x4321);
}

TEST_F(AccessTest, AlignmentIsCheckedForUsersOnly) {
  for (unsigned cpl : {0u, 3u}) {
    protected_mode(cpl);
    state.cr0 |= cr0::kAm;
    state.system_flags |= eflags::kAc;
    run({0xA1, 2, 0, 2, 0});
    if (cpl == 0) {
      expect_no_exception();
    } else {
      expect_fault(Vector::kAlignmentCheck, 0);
    }
  }
}

TEST_F(AccessTest, AlignedAndByteAccessesPass) {
  protected_mode(3);
  state.cr0 |= cr0::kAm;
  state.system_flags |= eflags::kAc;
  run({0xA1, 4, 0, 2, 0});
  run({0x66, 0xA1, 6, 0, 2, 0});
  run({0xA0, 7, 0, 2, 0});
  expect_no_exception();
}

TEST_F(AccessTest, PageFaultBeforeAlignment) {
  protected_mode(3);
  enable_paging();
  set_page(kData, 0);
  state.cr0 |= cr0::kAm;
  state.system_flags |= eflags::kAc;
  run({0xA1, 2, 0, 2, 0});
  expect_fault(Vector::kPageFault, page_fault_error::kUser);
}

// Instructions that read, modify and write fault as writes, and nothing has changed.
TEST_F(AccessTest, ReadModifyWriteFaultsAsAWrite) {
  for (std::initializer_list<uint8_t> code : {std::initializer_list<uint8_t>{0x01, 0x03},
                                              {0x87, 0x03},
                                              {0xFF, 0x03},
                                              {0xF7, 0x1B},
                                              {0xD1, 0x23},
                                              {0xD3, 0x23},  // CL = 0: a count of nothing
                                              {0x0F, 0xAB, 0x0B},
                                              {0x0F, 0xBA, 0x33, 1},
                                              {0x0F, 0xC1, 0x03},
                                              {0x0F, 0xB1, 0x13},
                                              {0x0F, 0xC7, 0x0B},
                                              {0x0F, 0xA5, 0x13}}) {
    protected_mode(3);
    enable_paging();
    set_page(kData, pte::kPresent | pte::kUser);
    ebx() = kData;
    eax() = 0x87654321;
    const auto gpr = state.gpr;
    run(code);
    expect_fault(Vector::kPageFault, 7);
    EXPECT_EQ(exception()->eflags & eflags::kStatus, 0u);
    for (unsigned n = 0; n < 8; n++) {
      if (n == kEsp) continue;
      EXPECT_EQ(state.gpr[n], gpr[n]);
    }
  }
}

TEST_F(AccessTest, ComparisonsOnlyRead) {
  protected_mode(3);
  enable_paging();
  set_page(kData, pte::kPresent | pte::kUser);
  ebx() = kData;
  for (std::initializer_list<uint8_t> code : {std::initializer_list<uint8_t>{0x39, 0x03},
                                              {0x83, 0x3B, 1},
                                              {0x85, 0x03},
                                              {0xF7, 0x03, 0, 0, 0, 0},
                                              {0x0F, 0xA3, 0x03},
                                              {0x0F, 0xBA, 0x23, 1}}) {
    run(code);
    expect_no_exception();
  }
}

TEST_F(AccessTest, CmovFaultsEvenIfNotTaken) {
  enable_paging();
  set_page(kData, 0);
  ebx() = kData;
  state.flags = 0;
  run({0x0F, 0x44, 0x03});  // cmovz
  expect_fault(Vector::kPageFault, 0);
}

TEST_F(AccessTest, PopaThatFaultsRestoresEveryRegister) {
  protected_mode(3);
  enable_paging();
  set_page(kStackTop, 0);
  esp() = kStackTop - 8;
  edi() = 0x11;
  put<uint32_t>(kStackTop - 8, 0x22);
  run({0x61});
  expect_fault(Vector::kPageFault, page_fault_error::kUser);
  EXPECT_EQ(edi(), 0x11u);
  EXPECT_EQ(at<uint32_t>(kKernelStackTop - 8), kStackTop - 8) << "ESP in the exception's frame";
}

TEST_F(AccessTest, PushaWritesNothingIfItFaults) {
  protected_mode(3);
  enable_paging();
  set_page(kStackTop - kPageSize, 7);
  set_page(kStackTop - 2 * kPageSize, 0);
  esp() = kStackTop - kPageSize + 8;
  state.gpr[kEax] = 0x1234;
  run({0x60});
  expect_fault(Vector::kPageFault, 6);
  EXPECT_EQ(at<uint32_t>(kStackTop - kPageSize + 4), 0u);
}

TEST_F(AccessTest, PopIntoMemoryUsesTheIncrementedStackPointer) {
  esp() = kData;
  put<uint32_t>(kData, 0x5678);
  run({0x8F, 0x04, 0x24});  // pop [esp]
  EXPECT_EQ(at<uint32_t>(kData + 4), 0x5678u);
}

TEST_F(AccessTest, SixteenBitStackWraps) {
  protected_mode_16();
  esp() = 0x77770000;
  eax() = 0x1234;
  run({0x50});
  EXPECT_EQ(esp(), 0x7777FFFEu);
  EXPECT_EQ(at<uint16_t>(kStackSegment + 0xFFFE), 0x1234);
}

TEST_F(AccessTest, BitStringReachesFarBeforeItsOperand) {
  ebx() = kData;
  eax() = static_cast<uint32_t>(-8 * 0x1000 + 5);
  run({0x0F, 0xAB, 0x03});
  EXPECT_EQ(at<uint32_t>(kData - 0x1000), 1u << 5);
  eax() = static_cast<uint32_t>(-1);
  run({0x66, 0x0F, 0xAB, 0x03});
  EXPECT_EQ(at<uint16_t>(kData - 2), 0x8000);
}

TEST_F(AccessTest, SixteenBitAddressing) {
  protected_mode_16();
  ebx() = 0xAAAA8000;
  esi() = 0xBBBB8010;
  put<uint16_t>(kData + 0x0015, 0xBEEF);
  run({0x8B, 0x40, 0x05});  // mov ax, [bx + si + 5]
  EXPECT_EQ(eax(), 0xBEEFu);
  run({0x66, 0x8D, 0x00});  // lea eax, [bx + si]
  EXPECT_EQ(eax(), 0x10u);
}

// ---- Divide errors --------------------------------------------------------------------------------------

struct Division {
  uint8_t modrm;  // of F7: /6 DIV, /7 IDIV by ECX
  uint64_t dividend;
  uint32_t divisor;
  bool faults;
};

TEST_F(AccessTest, DivideErrors) {
  constexpr uint8_t div = 0xF1, idiv = 0xF9;
  const Division cases[] = {{div, 1, 0, true},
                            {idiv, 1, 0, true},
                            {div, 0x1'0000'0000, 1, true},
                            {div, 0xFFFF'FFFF, 1, false},
                            {div, 0xFFFF'FFFE'FFFF'FFFF, 0xFFFF'FFFF, false},
                            {div, 0xFFFF'FFFF'0000'0000, 0xFFFF'FFFF, true},
                            {idiv, 0x7FFF'FFFF, 1, false},
                            {idiv, 0x8000'0000, 1, true},
                            {idiv, 0x8000'0000, 0xFFFF'FFFF, false},  // -2^31
                            {idiv, 0xFFFF'FFFF'8000'0000, 1, false},  // -2^31
                            {idiv, 0xFFFF'FFFF'8000'0000, 0xFFFF'FFFF, true},
                            {idiv, 0x8000'0000'0000'0000, 0xFFFF'FFFF, true},
                            {idiv, 0x8000'0000'0000'0000, 0x8000'0000, true}};
  for (const Division& c : cases) {
    protected_mode(0);
    eax() = static_cast<uint32_t>(c.dividend);
    edx() = static_cast<uint32_t>(c.dividend >> 32);
    ecx() = c.divisor;
    run({0xF7, c.modrm});
    EXPECT_EQ(exception().has_value(), c.faults) << std::hex << c.dividend << " / " << c.divisor;
    if (c.faults) expect_fault(Vector::kDivideError);
  }
}

TEST_F(AccessTest, ByteDivideErrors) {
  eax() = 0x0100;
  ecx() = 1;
  run({0xF6, 0xF1});
  expect_fault(Vector::kDivideError);
  protected_mode(0);
  run({0xD4, 0x00});  // AAM 0
  expect_fault(Vector::kDivideError);
}

}  // namespace
}  // namespace ringdown

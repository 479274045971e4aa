// Segment registers, descriptor queries, and far transfers.
#include "tests/interpreter/system_fixture.h"

namespace ringdown {
namespace {

using namespace eflags;

class SegmentTest : public SystemTest {
 protected:
  // MOV ES, AX and what came of it.
  void load_es(uint16_t selector) {
    eax() = selector;
    run({0x8E, 0xC0});
  }
  void load_ss(uint16_t selector) {
    eax() = selector;
    run({0x8E, 0xD0});
  }
};

// ---- Loading data segments ------------------------------------------------------------------------------

TEST_F(SegmentTest, MovLoadsTheHiddenPartAndSetsTheAccessedBit) {
  const uint16_t s = add_descriptor(descriptor(0x12345678, 0x1234, 0x92, 0x4));
  load_es(s);
  EXPECT_EQ(state.segment[kEs].selector, s);
  EXPECT_EQ(state.segment[kEs].base, 0x12345678u);
  EXPECT_EQ(state.segment[kEs].limit, 0x1234u);
  EXPECT_EQ(state.segment[kEs].attributes, 0x4093);
  EXPECT_EQ(access_byte(s), 0x93);
}

TEST_F(SegmentTest, TheAccessedBitIsNotWrittenTwice) {
  enable_paging();
  set_page(kGdt, pte::kPresent | pte::kAccessed);  // read only, and CR0.WP is set
  load_es(kKernelDs);
  expect_no_exception();
  load_es(kUserDs);
  expect_no_exception();
}

TEST_F(SegmentTest, AccessedBitInAReadOnlyPageFaults) {
  const uint16_t s = add_descriptor(flat(0x92));
  enable_paging();
  set_page(kGdt, pte::kPresent | pte::kAccessed);
  load_es(s);
  expect_fault(Vector::kPageFault, page_fault_error::kPresent | page_fault_error::kWrite);
  EXPECT_EQ(state.segment[kEs].selector, kKernelDs);
}

TEST_F(SegmentTest, DescriptorsAreReadAsSupervisor) {
  protected_mode(3);
  enable_paging();
  set_page(kGdt, pte::kPresent | pte::kWritable);
  load_es(kUserDs);
  expect_no_exception();
}

TEST_F(SegmentTest, NullSelectorsLoadButCannotBeUsed) {
  for (uint16_t s : {0, 3}) {
    load_es(s);
    expect_no_exception();
    EXPECT_EQ(state.segment[kEs].selector, s);
    run({0x26, 0xA1, 0, 0, 0, 0});  // MOV EAX, ES:[0]
    expect_general_protection();
  }
}

TEST_F(SegmentTest, DataSegmentFaults) {
  struct Fault {
    uint8_t access;
    unsigned cpl, rpl;
    std::optional<Vector> vector;
  };
  constexpr auto kGp = Vector::kGeneralProtection, kNp = Vector::kSegmentNotPresent;
  const Fault cases[] = {
      {0x93, 0, 0, {}},  {0x93, 0, 3, kGp}, {0x93, 3, 3, kGp}, {0xF3, 3, 3, {}},  {0xF3, 0, 3, {}},
      {0xB3, 3, 0, kGp}, {0x91, 0, 0, {}},  {0x9B, 0, 0, {}},  {0x99, 0, 0, kGp}, {0x9F, 3, 3, {}},
      {0x9D, 3, 3, kGp}, {0x13, 0, 0, kNp}, {0x82, 0, 0, kGp}, {0x89, 0, 0, kGp}, {0x8C, 0, 0, kGp},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << std::hex << int{c.access} << " cpl " << c.cpl << " rpl " << c.rpl);
    protected_mode(c.cpl);
    const uint16_t s = add_descriptor(flat(c.access));
    const Segment before = state.segment[kEs];
    load_es(static_cast<uint16_t>(s | c.rpl));
    if (c.vector) {
      expect_fault(*c.vector, s);
      EXPECT_EQ(state.segment[kEs].selector, before.selector);
      EXPECT_EQ(access_byte(s), c.access);
    } else {
      expect_no_exception();
      EXPECT_EQ(state.segment[kEs].selector, s | c.rpl);
    }
  }
}

TEST_F(SegmentTest, SelectorsBeyondTheirTables) {
  load_es(0x7F8);
  expect_fault(Vector::kGeneralProtection, 0x7F8);
  protected_mode(0);
  state.ldtr = {};
  load_es(0xC);
  expect_fault(Vector::kGeneralProtection, 0xC);
  protected_mode(0);
  load_es(install_ldt(flat(0x92)));
  expect_no_exception();
  EXPECT_EQ(state.segment[kEs].selector, 4);
  EXPECT_EQ(at<uint8_t>(kLdtBase + 5), 0x93);
  load_es(0xC);  // its second entry
  expect_fault(Vector::kGeneralProtection, 0xC);
}

// ---- SS -------------------------------------------------------------------------------------------------

TEST_F(SegmentTest, StackSegmentFaults) {
  const uint16_t read_only = add_descriptor(flat(0x91)), absent = add_descriptor(flat(0x13));
  const std::pair<uint16_t, Vector> cases[] = {
      {0, Vector::kGeneralProtection},         {kKernelDs | 1, Vector::kGeneralProtection},
      {kUserDs, Vector::kGeneralProtection},   {read_only, Vector::kGeneralProtection},
      {kKernelCs, Vector::kGeneralProtection}, {absent, Vector::kStackFault},
      {0x7F8, Vector::kGeneralProtection},
  };
  for (const auto& [selector, vector] : cases) {
    SCOPED_TRACE(selector);
    esp() = kStackTop;
    load_ss(selector);
    expect_fault(vector, selector & 0xFFFCu);
    EXPECT_EQ(state.segment[kSs].selector, kKernelDs);
  }
}

TEST_F(SegmentTest, LoadingSsHoldsOffInterruptsAndDebugTrapsForOneInstruction) {
  load_ss(kKernelDs);
  EXPECT_TRUE(state.interrupts_shadowed);
  EXPECT_TRUE(state.debug_trap_shadowed);
  run({0x90});
  EXPECT_FALSE(state.interrupts_shadowed);
  push_words({kKernelDs});
  run({0x17});  // POP SS
  EXPECT_TRUE(state.interrupts_shadowed);
  EXPECT_TRUE(state.debug_trap_shadowed);
  load_es(kKernelDs);
  EXPECT_FALSE(state.interrupts_shadowed);
  put<uint64_t>(kData, uint64_t{kKernelDs} << 32 | kStackTop);
  run({0x0F, 0xB2, 0x25, 0, 0, 2, 0});  // LSS ESP, [kData] does not need it
  EXPECT_EQ(esp(), kStackTop);
  EXPECT_FALSE(state.interrupts_shadowed);
}

TEST_F(SegmentTest, ASingleStepBehindMovSsIsLost) {
  state.system_flags |= kTf;
  eax() = kKernelDs;
  run({0x8E, 0xD0, 0x90});
  expect_no_exception();
  cpu.step();
  expect_exception(Vector::kDebug);
  EXPECT_EQ(exception()->eip, kCode + 3);
}

// ---- Moves of selectors ---------------------------------------------------------------------------------

TEST_F(SegmentTest, StoresOfSelectors) {
  state.segment[kFs].selector = 0xABCD;
  eax() = ~0u;
  run({0x8C, 0xE0});
  EXPECT_EQ(eax(), 0xABCDu);
  eax() = ~0u;
  run({0x66, 0x8C, 0xE0});
  EXPECT_EQ(eax(), 0xFFFFABCDu);
  put<uint32_t>(kData, ~0u);
  run({0x8C, 0x25, 0, 0, 2, 0});
  EXPECT_EQ(at<uint32_t>(kData), 0xFFFFABCDu);
  put<uint32_t>(kStackTop - 4, ~0u);
  run({0x0F, 0xA0});
  EXPECT_EQ(esp(), kStackTop - 4);
  EXPECT_EQ(stack_half(0), 0xABCD);
  run({0x66, 0x0F, 0xA0});
  EXPECT_EQ(esp(), kStackTop - 6);
}

TEST_F(SegmentTest, AFaultingPopLeavesTheStackPointer) {
  push_words({0x7F8});
  const uint32_t before = esp();
  run({0x1F});
  expect_fault(Vector::kGeneralProtection, 0x7F8);
  EXPECT_EQ(esp(), before - 16);
}

TEST_F(SegmentTest, PushFillsItsSlot) {
  put<uint32_t>(esp() - 4, 0xAAAAAAAA);
  run({0x0F, 0xA0});  // PUSH FS
  EXPECT_EQ(stack_word(0), state.segment[kFs].selector);
  const uint32_t before = esp();
  run({0x66, 0x0F, 0xA0});
  EXPECT_EQ(esp(), before - 2);
  EXPECT_EQ(stack_half(0), state.segment[kFs].selector);
}

TEST_F(SegmentTest, LoadFarPointer) {
  put<uint64_t>(kData, uint64_t{kUserDs} << 32 | 0x12345678);
  run({0xC4, 0x1D, 0, 0, 2, 0});  // LES EBX
  EXPECT_EQ(ebx(), 0x12345678u);
  EXPECT_EQ(state.segment[kEs].selector, kUserDs);
  put<uint64_t>(kData, uint64_t{0x7F8} << 32 | 0x11111111);
  run({0x0F, 0xB5, 0x1D, 0, 0, 2, 0});  // LGS EBX
  expect_fault(Vector::kGeneralProtection, 0x7F8);
  EXPECT_EQ(ebx(), 0x12345678u);
}

TEST_F(SegmentTest, RealAndVirtual8086Loads) {
  real_mode();
  state.segment[kEs].limit = 0xFFFFFFFF;  // left over from protected mode
  load_es(0x1234);
  EXPECT_EQ(state.segment[kEs].base, 0x12340u);
  EXPECT_EQ(state.segment[kEs].limit, 0xFFFFFFFFu);
  virtual_8086(0);
  state.segment[kEs].limit = 0xFFFFFFFF;
  load_es(0x1234);
  EXPECT_EQ(state.segment[kEs].base, 0x12340u);
  EXPECT_EQ(state.segment[kEs].limit, 0xFFFFu);
  EXPECT_EQ(state.segment[kEs].dpl(), 3u);
}

// ---- LAR LSL VERR VERW ARPL -----------------------------------------------------------------------------

struct QueryCase {
  uint64_t raw;
  unsigned cpl, rpl;
  bool lar, lsl, verr, verw;
};

TEST_F(SegmentTest, Queries) {
  const uint64_t conforming = flat(0x9F);
  const QueryCase cases[] = {
      {flat(0x93), 0, 0, true, true, true, true},
      {flat(0x93), 3, 0, false, false, false, false},
      {flat(0x93), 0, 1, false, false, false, false},
      {flat(0x91), 0, 0, true, true, true, false},
      {flat(0x99), 0, 0, true, true, false, false},
      {flat(0x9B), 0, 0, true, true, true, false},
      {conforming, 3, 3, true, true, true, false},
      {flat(0xF3), 3, 3, true, true, true, true},
      {flat(0x13), 0, 0, true, true, true, true},  // P plays no role
      {descriptor(0, 0x67, 0x89), 0, 0, true, true, false, false},
      {descriptor(0, 0x67, 0x8B), 0, 0, true, true, false, false},
      {descriptor(0, 0x67, 0x82), 0, 0, true, true, false, false},
      {gate(0x8C, 8, 0), 0, 0, true, false, false, false},
      {gate(0x85, 8, 0), 0, 0, true, false, false, false},
      {gate(0x8E, 8, 0), 0, 0, false, false, false, false},
      {gate(0x8F, 8, 0), 0, 0, false, false, false, false},
      {descriptor(0, 0x67, 0x80), 0, 0, false, false, false, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << std::hex << c.raw << " cpl " << c.cpl << " rpl " << c.rpl);
    protected_mode(c.cpl);
    ecx() = add_descriptor(c.raw) | c.rpl;
    const auto ask = [&](std::initializer_list<uint8_t> code, bool expected) {
      for (uint32_t before : {0u, kStatus}) {
        state.flags = before;
        run(code);
        expect_no_exception();
        EXPECT_EQ(state.flags, expected ? before | kZf : before & ~kZf);
      }
    };
    eax() = 0xA5A5A5A5;
    ask({0x0F, 0x02, 0xC1}, c.lar);
    EXPECT_EQ(eax(), c.lar ? static_cast<uint32_t>(c.raw >> 32) & 0x00F0FF00 : 0xA5A5A5A5);
    eax() = 0xA5A5A5A5;
    ask({0x0F, 0x03, 0xC1}, c.lsl);
    const uint32_t limit = c.raw >> 55 & 1 ? 0xFFFFFFFF : static_cast<uint32_t>(c.raw & 0xFFFF);
    EXPECT_EQ(eax(), c.lsl ? limit : 0xA5A5A5A5);
    ask({0x0F, 0x00, 0xE1}, c.verr);
    ask({0x0F, 0x00, 0xE9}, c.verw);
  }
}

TEST_F(SegmentTest, QueriesOfNullAndFarSelectorsClearZf) {
  for (uint32_t selector : {0u, 3u, 0x7F8u, 0xCu}) {
    ecx() = selector;
    state.flags = kZf;
    run({0x0F, 0x02, 0xC1});
    EXPECT_EQ(state.flags, 0u);
  }
}

TEST_F(SegmentTest, ArplRaisesTheRpl) {
  eax() = 0xFFFF0008;
  ecx() = 3;
  run({0x63, 0xC8});
  EXPECT_EQ(eax(), 0xFFFF000Bu);
  EXPECT_TRUE(flag(kZf));
  ecx() = 1;
  run({0x63, 0xC8});
  EXPECT_EQ(eax(), 0xFFFF000Bu);
  EXPECT_FALSE(flag(kZf));
}

// ---- Far JMP, CALL and RET ------------------------------------------------------------------------------

class FarTransferTest : public SegmentTest {
 protected:
  void jump(uint16_t selector) { run({0xEA, 0x45, 0x23, 1, 0, low(selector), high(selector)}); }
  void call(uint16_t selector) { run({0x9A, 0x45, 0x23, 1, 0, low(selector), high(selector)}); }
  static uint8_t low(uint16_t v) { return static_cast<uint8_t>(v); }
  static uint8_t high(uint16_t v) { return static_cast<uint8_t>(v >> 8); }
};

TEST_F(FarTransferTest, JumpLoadsCsWithTheCurrentLevel) {
  protected_mode(3);
  const uint16_t conforming = add_descriptor(flat(0x9E));
  jump(conforming);
  EXPECT_EQ(state.eip, kTargetOffset);
  EXPECT_EQ(state.segment[kCs].selector, conforming | 3);
  EXPECT_EQ(state.cpl, 3);
  EXPECT_EQ(access_byte(conforming), 0x9F);
  jump(kUserCs & ~3);  // RPL 0 is fine
  EXPECT_EQ(state.segment[kCs].selector, kUserCs);
}

TEST_F(FarTransferTest, CodeSegmentFaults) {
  struct BadTarget {
    uint64_t raw;
    unsigned cpl, rpl;
    Vector vector;
    bool names_selector;
  };
  const BadTarget cases[] = {
      {flat(0x9B), 3, 0, Vector::kGeneralProtection, true},  // DPL below CPL
      {flat(0xFB), 0, 0, Vector::kGeneralProtection, true},  // DPL above
      {flat(0x9B), 0, 1, Vector::kGeneralProtection, true},  // RPL above CPL
      {flat(0xFF), 0, 0, Vector::kGeneralProtection, true},  // conforming, DPL above CPL
      {flat(0x93), 0, 0, Vector::kGeneralProtection, true},
      {flat(0x1B), 0, 0, Vector::kSegmentNotPresent, true},
      {descriptor(0, 0x12344, 0x9B, 4), 0, 0, Vector::kGeneralProtection, false},
      {descriptor(0, 0x67, 0x8B), 0, 0, Vector::kGeneralProtection, true},  // a busy TSS
      {descriptor(0, 0x67, 0x82), 0, 0, Vector::kGeneralProtection, true},  // an LDT
      {gate(0x8E, kKernelCs, 0), 0, 0, Vector::kGeneralProtection, true},   // an interrupt gate
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << std::hex << c.raw);
    for (bool is_call : {false, true}) {
      protected_mode(c.cpl);
      const uint16_t s = add_descriptor(c.raw);
      const uint32_t error = c.names_selector ? s : 0;
      is_call ? call(static_cast<uint16_t>(s | c.rpl)) : jump(static_cast<uint16_t>(s | c.rpl));
      expect_fault(c.vector, error);
    }
  }
  protected_mode(0);
  jump(0);
  expect_general_protection();
  jump(0x7F8);
  expect_fault(Vector::kGeneralProtection, 0x7F8);
}

TEST_F(FarTransferTest, CallAndReturnInTheSameLevel) {
  call(kKernelCs);
  EXPECT_EQ(state.eip, kTargetOffset);
  EXPECT_EQ(esp(), kStackTop - 8);
  EXPECT_EQ(stack_word(0), kCode + 7);
  EXPECT_EQ(stack_word(1), kKernelCs);
  put<uint8_t>(kTargetOffset, 0xCA);  // RETF 4
  put<uint16_t>(kTargetOffset + 1, 4);
  cpu.step();
  EXPECT_EQ(state.eip, kCode + 7);
  EXPECT_EQ(esp(), kStackTop + 4);
}

TEST_F(FarTransferTest, IndirectThroughMemory) {
  put<uint64_t>(kData, uint64_t{kKernelCs} << 32 | kTargetOffset);
  run({0xFF, 0x2D, 0, 0, 2, 0});
  EXPECT_EQ(state.eip, kTargetOffset);
  run({0xFF, 0x1D, 0, 0, 2, 0});
  EXPECT_EQ(state.eip, kTargetOffset);
  EXPECT_EQ(stack_word(0), kCode + 6);
  run({0x66, 0xFF, 0x2D, 0, 0, 2, 0});  // 16-bit offset, and the selector directly behind it
  expect_fault(Vector::kGeneralProtection, 0);
}

TEST_F(FarTransferTest, RealModeAndVirtual8086) {
  for (bool v86 : {false, true}) {
    v86 ? virtual_8086(0) : real_mode();
    run({0x9A, 0x78, 0x56, 0x34, 0x12});
    EXPECT_EQ(state.segment[kCs].base, 0x12340u);
    EXPECT_EQ(state.segment[kCs].selector, 0x1234);
    EXPECT_EQ(state.eip, 0x5678u);
    EXPECT_EQ(stack_half(0), 5);
    EXPECT_EQ(stack_half(1), kCode >> 4);
    EXPECT_EQ(state.cpl, v86 ? 3 : 0);
    put<uint8_t>(0x12340 + 0x5678, 0xCB);
    cpu.step();
    EXPECT_EQ(state.segment[kCs].base, kCode);
    EXPECT_EQ(state.eip, 5u);
    EXPECT_EQ(esp(), kStackTop - kStackSegment);
  }
}

TEST_F(FarTransferTest, RealModeKeepsTheCodeLimit) {
  real_mode();
  run({0x66, 0xEA, 0, 0, 1, 0, 0x34, 0x12});  // offset 10000h
  EXPECT_EQ(exception()->vector, 13u);
}

// ---- Call gates -----------------------------------------------------------------------------------------

TEST_F(FarTransferTest, CallGateToAnInnerLevelCopiesParameters) {
  protected_mode(3);
  const uint16_t g = add_descriptor(gate(0xEC, kKernelCs, 0x54321, 2));
  push_words({0xAAAA, 0xBBBB});
  call(g | 3);
  EXPECT_EQ(state.cpl, 0);
  EXPECT_EQ(state.eip, 0x54321u);
  EXPECT_EQ(state.segment[kCs].selector, kKernelCs);
  EXPECT_EQ(state.segment[kSs].selector, kKernelDs);
  EXPECT_EQ(esp(), kKernelStackTop - 24);
  EXPECT_EQ(stack_word(0), kCode + 7);
  EXPECT_EQ(stack_word(1), kUserCs);
  EXPECT_EQ(stack_word(2), 0xBBBBu);
  EXPECT_EQ(stack_word(3), 0xAAAAu);
  EXPECT_EQ(stack_word(4), kStackTop - 8);
  EXPECT_EQ(stack_word(5), kUserDs);

  load_flat_data(kEs, kKernelDs, 0);
  put<uint8_t>(0x54321, 0xCA);  // RETF 8 releases them on both stacks
  put<uint16_t>(0x54322, 8);
  cpu.step();
  EXPECT_EQ(state.cpl, 3);
  EXPECT_EQ(state.eip, kCode + 7);
  EXPECT_EQ(esp(), kStackTop);
  EXPECT_EQ(state.segment[kSs].selector, kUserDs);
  EXPECT_EQ(state.segment[kEs].selector, 0);
  EXPECT_EQ(state.segment[kDs].selector, kUserDs);
}

TEST_F(FarTransferTest, A16BitCallGatePushesHalfWords) {
  protected_mode(3);
  const uint16_t g = add_descriptor(gate(0xE4, kKernelCs, 0x99994321, 1));
  esp() -= 2;
  put<uint16_t>(esp(), 0xAAAA);
  call(g);
  EXPECT_EQ(state.eip, 0x4321u);
  EXPECT_EQ(esp(), kKernelStackTop - 10);
  EXPECT_EQ(stack_half(0), (kCode + 7) & 0xFFFF);
  EXPECT_EQ(stack_half(1), kUserCs);
  EXPECT_EQ(stack_half(2), 0xAAAA);
  EXPECT_EQ(stack_half(3), (kStackTop - 2) & 0xFFFF);
  EXPECT_EQ(stack_half(4), kUserDs);
}

TEST_F(FarTransferTest, CallGateFaults) {
  protected_mode(3);
  const uint16_t code = add_descriptor(flat(0x1B)), small = add_descriptor(descriptor(0, 0xFF, 0x9B, 4));
  struct BadGate {
    uint64_t raw;
    Vector vector;
    std::optional<uint32_t> error;  // nullopt: the gate itself
  };
  const BadGate cases[] = {
      {gate(0x8C, kKernelCs, 0), Vector::kGeneralProtection, {}},
      {gate(0x6C, kKernelCs, 0), Vector::kSegmentNotPresent, {}},
      {gate(0xEC, 0, 0), Vector::kGeneralProtection, 0},
      {gate(0xEC, 0x7F8, 0), Vector::kGeneralProtection, 0x7F8},
      {gate(0xEC, kKernelDs, 0), Vector::kGeneralProtection, kKernelDs},
      {gate(0xEC, code, 0), Vector::kSegmentNotPresent, code},
      {gate(0xEC, small, 0x100), Vector::kGeneralProtection, 0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << std::hex << c.raw);
    const CpuState before = state;
    const uint16_t g = add_descriptor(c.raw);
    call(g | 3);
    expect_fault(c.vector, c.error.value_or(g));
    const DescriptorTable gdtr = state.gdtr;
    state = before;
    state.gdtr = gdtr;
  }
}

TEST_F(FarTransferTest, AGatesStackFaultsNameTheNewStack) {
  protected_mode(3);
  const uint16_t g = add_descriptor(gate(0xEC, kKernelCs, 0, 0));
  put<uint16_t>(kTss + 8, kUserDs);
  // The exception cannot use that stack either: #TS, then #DF, then shutdown.
  call(g | 3);
  EXPECT_TRUE(state.shutdown);
  EXPECT_EQ(state.cpl, 3);
  EXPECT_EQ(esp(), kStackTop);
}

TEST_F(FarTransferTest, JumpThroughACallGateStaysInItsLevel) {
  protected_mode(3);
  const uint16_t inner = add_descriptor(gate(0xEC, kKernelCs, 0x54321));
  jump(inner | 3);
  expect_fault(Vector::kGeneralProtection, kKernelCs);
  protected_mode(3);
  const uint16_t same = add_descriptor(gate(0xEC, kUserCs, 0x54321));
  jump(same | 3);
  EXPECT_EQ(state.eip, 0x54321u);
  EXPECT_EQ(state.cpl, 3);
  EXPECT_EQ(esp(), kStackTop);
}

TEST_F(FarTransferTest, ReturnFaults) {
  const std::pair<uint32_t, Vector> cases[] = {
      {0, Vector::kGeneralProtection},
      {0x7F8, Vector::kGeneralProtection},
      {kKernelDs, Vector::kGeneralProtection},
      {kUserCs & ~3, Vector::kGeneralProtection},
      {add_descriptor(flat(0x1B)), Vector::kSegmentNotPresent},
  };
  for (const auto& [cs, vector] : cases) {
    esp() = kStackTop;
    push_words({0, 0, cs, 0x1234});
    run({0xCB});
    expect_fault(vector, cs);
  }
  protected_mode(3);  // never inwards
  push_words({kKernelCs, 0x1234});
  run({0xCB});
  expect_fault(Vector::kGeneralProtection, kKernelCs);
}

}  // namespace
}  // namespace ringdown

// Interrupts and exceptions through the IDT and the vector table, and the returns from them.
#include "interpreter/descriptor.h"
#include "tests/interpreter/system_fixture.h"

namespace ringdown {
namespace {

using namespace eflags;
constexpr uint8_t kTrapGate = 0xEF, kInterruptGate = 0xEE, kInterruptGate16 = 0xE6;  // all DPL 3
constexpr uint32_t kHandler = 0x9000;  // not one of the fixture's

class EventsTest : public SystemTest {
 protected:
  void ring_3_with_all_flags() {
    protected_mode(3);
    state.set_eflags_image(kCf | kIf | kIopl | kNt | kAc | kId);
  }
};

TEST_F(EventsTest, ExternalInterruptInRing0PushesThreeWordsAndClearsIf) {
  state.interrupt_flag = kIf;
  state.eip = 0x1234;
  state.halted = true;
  cpu.deliver_interrupt(0x40);
  EXPECT_EQ(state.eip, kHandlers + 0x40 * 16);
  EXPECT_EQ(esp(), kStackTop - 12);
  EXPECT_EQ(stack_word(0), 0x1234u);
  EXPECT_EQ(stack_word(1), kKernelCs);
  EXPECT_EQ(stack_word(2), kIf | kFixed);
  EXPECT_FALSE(flag(kIf));
  EXPECT_FALSE(state.halted);
}

TEST_F(EventsTest, InterruptFromRing3SwitchesToTheStackOfTheTss) {
  ring_3_with_all_flags();
  const uint32_t before = state.eflags_image();
  cpu.deliver_interrupt(0x40);
  EXPECT_EQ(state.cpl, 0);
  EXPECT_EQ(state.segment[kCs].selector, kKernelCs);
  EXPECT_EQ(state.segment[kSs].selector, kKernelDs);
  EXPECT_EQ(esp(), kKernelStackTop - 20);
  EXPECT_EQ(stack_word(0), kCode);
  EXPECT_EQ(stack_word(1), kUserCs);
  EXPECT_EQ(stack_word(2), before);
  EXPECT_EQ(stack_word(3), kStackTop);
  EXPECT_EQ(stack_word(4), kUserDs);
  EXPECT_EQ(state.eflags_image(), before & ~(kIf | kNt));
  EXPECT_EQ(state.segment[kDs].selector, kUserDs);  // data segments stay
}

TEST_F(EventsTest, ATrapGateLeavesIfSet) {
  set_idt_entry(0x40, gate(kTrapGate, kKernelCs, kHandler));
  state.interrupt_flag = kIf;
  cpu.deliver_interrupt(0x40);
  EXPECT_EQ(state.eip, kHandler);
  EXPECT_TRUE(flag(kIf));
}

TEST_F(EventsTest, A16BitGatePushesHalfWords) {
  set_idt_entry(0x40, gate(kInterruptGate16, kKernelCs, kHandler));
  state.eip = 0xABCD1234;
  cpu.deliver_interrupt(0x40);
  EXPECT_EQ(esp(), kStackTop - 6);
  EXPECT_EQ(stack_half(0), 0x1234);
  EXPECT_EQ(stack_half(1), kKernelCs);
}

TEST_F(EventsTest, AConformingHandlerRunsAtTheProgramsLevel) {
  protected_mode(3);
  const uint16_t conforming = add_descriptor(flat(0x9F));
  set_idt_entry(0x40, gate(kInterruptGate, conforming, kHandler));
  cpu.deliver_interrupt(0x40);
  EXPECT_EQ(state.cpl, 3);
  EXPECT_EQ(state.segment[kCs].selector, conforming | 3);
  EXPECT_EQ(esp(), kStackTop - 12);
}

TEST_F(EventsTest, FromVirtual8086TheSegmentRegistersArePushedAndNulled) {
  virtual_8086(3);
  state.segment[kGs].selector = 0x1111;
  state.segment[kFs].selector = 0x2222;
  cpu.deliver_interrupt(0x40);
  EXPECT_EQ(state.cpl, 0);
  EXPECT_EQ(esp(), kKernelStackTop - 36);
  EXPECT_EQ(stack_word(0), 0u);
  EXPECT_EQ(stack_word(1), kCode >> 4);
  EXPECT_EQ(stack_word(2), kVm | kIopl | kFixed);
  EXPECT_EQ(stack_word(3), kStackTop - kStackSegment);
  EXPECT_EQ(stack_word(4), kStackSegment >> 4);
  EXPECT_EQ(stack_word(5), kData >> 4);  // ES
  EXPECT_EQ(stack_word(6), kData >> 4);  // DS
  EXPECT_EQ(stack_word(7), 0x2222u);
  EXPECT_EQ(stack_word(8), 0x1111u);
  EXPECT_FALSE(flag(kVm));
  for (auto s : {kEs, kDs, kFs, kGs}) {
    EXPECT_EQ(state.segment[s].selector, 0);
    EXPECT_FALSE(state.segment[s].present());
  }
}

TEST_F(EventsTest, FromVirtual8086OnlyALevel0HandlerWillDo) {
  virtual_8086(3);
  const uint16_t conforming = add_descriptor(flat(0x9F));
  set_idt_entry(0x40, gate(kInterruptGate, conforming, kHandler));
  cpu.deliver_interrupt(0x40);
  expect_exception(Vector::kGeneralProtection, conforming | 1);
}

TEST_F(EventsTest, NmiBlocksNmisUntilIret) {
  cpu.deliver_interrupt(2);
  EXPECT_TRUE(state.nmi_blocked);
  put<uint8_t>(kHandlers + 32, 0xCF);
  cpu.step();
  EXPECT_FALSE(state.nmi_blocked);
  EXPECT_EQ(state.eip, kCode);
}

// ---- Software interrupts --------------------------------------------------------------------------------

TEST_F(EventsTest, IntNReturnsBehindItself) {
  protected_mode(3);
  run({0xCD, 0x80});
  EXPECT_EQ(state.eip, kHandlers + 0x80 * 16);
  EXPECT_EQ(stack_word(0), kCode + 2);
  EXPECT_EQ(stack_word(2), kFixed);
}

TEST_F(EventsTest, IntNNeedsAGateOfItsLevel) {
  protected_mode(3);
  set_idt_entry(0x80, gate(0x8E, kKernelCs, kHandler));
  run({0xCD, 0x80});
  expect_fault(Vector::kGeneralProtection, 0x80 * 8 + 2);
  cpu.deliver_interrupt(0x80);  // an external one does not
  EXPECT_EQ(state.eip, kHandler);
}

TEST_F(EventsTest, Int3AndIntoNeedAGateOfTheirLevelButInt1DoesNot) {
  for (unsigned vector : {1, 3, 4}) {
    protected_mode(3);
    set_idt_entry(vector, gate(0x8E, kKernelCs, kHandler));
    state.flags = kOf;
    run({static_cast<uint8_t>(vector == 1 ? 0xF1 : vector == 3 ? 0xCC : 0xCE)});
    if (vector == 1) {
      EXPECT_EQ(state.eip, kHandler);
      EXPECT_EQ(stack_word(0), kCode + 1);
    } else {
      expect_fault(Vector::kGeneralProtection, vector * 8 + 2);
    }
  }
}

TEST_F(EventsTest, IntoDoesNothingWithoutOverflow) {
  run({0xCE});
  expect_no_exception();
  EXPECT_EQ(advanced(), 1u);
}

TEST_F(EventsTest, IntNInVirtual8086NeedsIopl3) {
  virtual_8086(0);
  run({0xCD, 0x40});
  expect_general_protection();
  virtual_8086(3);
  run({0xCD, 0x40});
  EXPECT_EQ(state.eip, kHandlers + 0x40 * 16);
  EXPECT_EQ(stack_word(0), 2u);
  virtual_8086(0);
  run({0xCC});  // INT3 is not sensitive to IOPL
  EXPECT_EQ(state.eip, kHandlers + 3 * 16);
}

// ---- Virtual-8086 mode extensions -----------------------------------------------------------------------

class VmeTest : public EventsTest {
 protected:
  // The redirection map starts at TSS offset 68h; a set bit keeps the interrupt from the program's handler.
  void vme(unsigned iopl, uint8_t redirection_byte_of_40h) {
    virtual_8086(iopl);
    state.cr4 |= cr4::kVme;
    state.tr.limit = 0x68 + 32 + 8192;
    put<uint16_t>(kTss + 0x66, 0x68 + 32);
    put<uint8_t>(kTss + 0x68 + 8, redirection_byte_of_40h);
    put<uint32_t>(0x40 * 4, 0x12340056);
  }
};

TEST_F(VmeTest, RedirectedWithIopl3UsesIf) {
  vme(3, 0);
  state.interrupt_flag = kIf;
  run({0xCD, 0x40});
  EXPECT_EQ(state.segment[kCs].selector, 0x1234);
  EXPECT_EQ(state.eip, 0x56u);
  EXPECT_TRUE(flag(kVm));
  EXPECT_EQ(stack_half(0), 2);
  EXPECT_EQ(stack_half(1), kCode >> 4);
  EXPECT_EQ(stack_half(2), kIf | kIopl | kFixed);
  EXPECT_FALSE(flag(kIf));
}

TEST_F(VmeTest, RedirectedWithIopl0UsesVif) {
  vme(0, 0);
  state.system_flags |= kVif;
  state.interrupt_flag = kIf;
  run({0xCD, 0x40});
  EXPECT_EQ(state.eip, 0x56u);
  EXPECT_EQ(stack_half(2), kIf | kIopl | kFixed);
  EXPECT_TRUE(flag(kIf));
  EXPECT_FALSE(flag(kVif));
}

TEST_F(VmeTest, ARedirectedInterruptClearsTfAndKeepsNt) {
  for (const unsigned iopl : {0u, 3u}) {
    vme(iopl, 0);
    state.system_flags |= kTf | kNt;
    run({0xCD, 0x40});
    EXPECT_EQ(state.eip, 0x56u);
    EXPECT_EQ(stack_half(2), kTf | kNt | kIopl | kFixed);
    EXPECT_FALSE(flag(kTf));
    EXPECT_TRUE(flag(kNt));
  }
}

TEST_F(VmeTest, TheRedirectionMapLiesWithinTheTss) {
  vme(3, 0);
  state.tr.limit = 0x68 + 7;  // the last byte is that of 38h
  run({0xCD, 0x40});
  expect_general_protection();
  vme(3, 0);
  put<uint16_t>(kTss + 0x66, 31);  // it would begin in front
  run({0xCD, 0x40});
  expect_general_protection();
}

TEST_F(VmeTest, NothingRunsWhileAVirtualInterruptIsDue) {
  vme(0, 0);
  state.system_flags |= kVif | kVip;
  run({0x90});
  expect_general_protection();
  EXPECT_EQ(exception()->eflags & (kVif | kVip | kVm | kRf), kVif | kVip | kVm | kRf);
  for (const unsigned with_iopl_3 : {0u, 1u}) {
    vme(with_iopl_3 ? 3 : 0, 0);
    if (!with_iopl_3) state.cr4 = 0;
    state.system_flags |= kVif | kVip;
    run({0x90});
    expect_no_exception();
  }
}

TEST_F(VmeTest, InProtectedModeRing3AloneHasVirtualInterrupts) {
  for (const unsigned cpl : {0u, 3u}) {
    protected_mode(cpl);
    state.cr4 |= cr4::kPvi;
    state.system_flags |= kVif | kVip;
    run({0x90});
    cpl == 3 ? expect_general_protection() : expect_no_exception();
  }
}

TEST_F(VmeTest, NotRedirectedFaultsOrGoesThroughTheIdt) {
  vme(0, 1);
  run({0xCD, 0x40});
  expect_general_protection();
  vme(3, 1);
  run({0xCD, 0x40});
  EXPECT_EQ(state.eip, kHandlers + 0x40 * 16);
}

TEST_F(VmeTest, IretWithIopl0LoadsVif) {
  vme(0, 0);
  esp() -= 6;
  put<uint16_t>(kStackTop - 6, 0x10);
  put<uint16_t>(kStackTop - 4, 0x77);
  put<uint16_t>(kStackTop - 2, kIf | kCf);
  run({0xCF});
  EXPECT_EQ(state.eip, 0x10u);
  EXPECT_EQ(state.segment[kCs].base, 0x770u);
  EXPECT_TRUE(flag(kVif));
  EXPECT_TRUE(flag(kCf));
  EXPECT_FALSE(flag(kIf));
}

TEST_F(VmeTest, IretThatWouldEnablePendingInterruptsFaults) {
  vme(0, 0);
  state.system_flags |= kVip;
  esp() -= 6;
  put<uint16_t>(kStackTop - 2, kIf);
  run({0xCF});
  expect_general_protection();
}

// ---- Exceptions -----------------------------------------------------------------------------------------

TEST_F(EventsTest, FaultsPushRfAndTheirErrorCode) {
  cpu.deliver_exception({.vector = Vector::kGeneralProtection, .has_error_code = true, .error_code = 0x123});
  EXPECT_EQ(stack_word(0), 0x123u);
  EXPECT_TRUE(exception()->eflags & kRf);
  EXPECT_FALSE(flag(kRf));
}

TEST_F(EventsTest, PageFaultsSetCr2) {
  cpu.deliver_exception({Vector::kPageFault, true, 6, 0xDEAD0000});
  expect_exception(Vector::kPageFault, 6);
  EXPECT_EQ(state.cr2, 0xDEAD0000u);
}

TEST_F(EventsTest, DebugTrapsDoNotSetRfAndClearGeneralDetect) {
  state.dr[7] |= 1 << 13;
  cpu.deliver_exception({.vector = Vector::kDebug, .error_code = 1 << 14});
  EXPECT_EQ(exception()->vector, 1u);
  EXPECT_FALSE(exception()->eflags & kRf);
  EXPECT_TRUE(state.dr[6] & 1 << 14);
  EXPECT_FALSE(state.dr[7] & 1 << 13);
}

TEST_F(EventsTest, BeyondTheIdtIsGeneralProtectionWithTheIdtBit) {
  state.idtr.limit = 0x20 * 8 - 1;
  run({0xCD, 0x20});
  expect_fault(Vector::kGeneralProtection, 0x20 * 8 + 2);
  protected_mode(0);
  state.idtr.limit = 0x20 * 8 - 1;
  cpu.deliver_interrupt(0x20);
  expect_exception(Vector::kGeneralProtection, 0x20 * 8 + 3);
}

TEST_F(EventsTest, BadGates) {
  struct BadGate {
    uint64_t raw;
    Vector vector;
    uint32_t error_code;
  };
  const uint16_t absent_code = add_descriptor(flat(0x1B));
  const uint16_t data = add_descriptor(flat(0x93));
  const uint16_t small_code = add_descriptor(descriptor(0, 0xFF, 0x9B, 4));
  const BadGate cases[] = {
      {gate(0x8C, kKernelCs, kHandler), Vector::kGeneralProtection, 0x40 * 8 + 3},  // a call gate
      {gate(0x9E, kKernelCs, kHandler), Vector::kGeneralProtection, 0x40 * 8 + 3},  // S = 1
      {gate(0x0E, kKernelCs, kHandler), Vector::kSegmentNotPresent, 0x40 * 8 + 3},
      {gate(0x8E, 0, kHandler), Vector::kGeneralProtection, 1},
      {gate(0x8E, 0x7F8, kHandler), Vector::kGeneralProtection, 0x7F8 + 1},
      {gate(0x8E, data, kHandler), Vector::kGeneralProtection, data + 1u},
      {gate(0x8E, kUserCs, kHandler), Vector::kGeneralProtection, (kUserCs & ~3u) + 1},  // less privileged
      {gate(0x8E, absent_code, kHandler), Vector::kSegmentNotPresent, absent_code + 1u},
      {gate(0x8E, small_code, kHandler), Vector::kGeneralProtection, 1},
      {gate(0x85, data, 0), Vector::kGeneralProtection, data + 1u},  // a task gate without a TSS
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.error_code);
    state.eip = kCode;
    esp() = kStackTop;
    set_idt_entry(0x40, c.raw);
    cpu.deliver_interrupt(0x40);
    expect_exception(c.vector, c.error_code);
    EXPECT_EQ(exception()->eip, kCode);
    EXPECT_TRUE(exception()->eflags & kRf);
  }
}

TEST_F(EventsTest, BadStacksInTheTss) {
  struct BadStack {
    uint16_t selector;
    uint32_t esp;
    Vector vector;
    uint32_t error_code;
  };
  protected_mode(3);
  const uint16_t read_only = add_descriptor(flat(0x91)), absent = add_descriptor(flat(0x13)),
                 small = add_descriptor(descriptor(0, 0xFFF, 0x93, 4)), code1 = add_descriptor(flat(0xBB)),
                 stack1 = add_descriptor(flat(0xB3));
  // The event's handler is at level 0; the exception's at level 1, whose stack is good.
  put<uint32_t>(kTss + 0xC, kKernelStackTop + 0x1000);
  put<uint16_t>(kTss + 0x10, stack1 | 1);
  for (unsigned v : {10, 12}) set_idt_entry(v, gate(0x8E, code1, kHandlers + v * 16));
  const BadStack cases[] = {
      {0, 0x5000, Vector::kInvalidTss, 1},
      {0x7F8, 0x5000, Vector::kInvalidTss, 0x7F9},
      {kKernelDs | 1, 0x5000, Vector::kInvalidTss, kKernelDs + 1u},
      {kUserDs & ~3, 0x5000, Vector::kInvalidTss, (kUserDs & ~3u) + 1},
      {read_only, 0x5000, Vector::kInvalidTss, read_only + 1u},
      {kKernelCs, 0x5000, Vector::kInvalidTss, kKernelCs + 1u},
      {absent, 0x5000, Vector::kStackFault, absent + 1u},
      {small, 0x5000, Vector::kStackFault, small + 1u},
      {small, 8, Vector::kStackFault, small + 1u},
  };
  const CpuState before = state;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.selector);
    state = before;
    put<uint16_t>(kTss + 8, c.selector);
    put<uint32_t>(kTss + 4, c.esp);
    cpu.deliver_interrupt(0x40);
    expect_exception(c.vector, c.error_code);
    EXPECT_EQ(state.cpl, 1);
    EXPECT_EQ(stack_word(1), kCode);
    EXPECT_EQ(stack_word(4), kStackTop);
    EXPECT_EQ(stack_word(5), kUserDs);
  }
}

TEST_F(EventsTest, ATssWithoutRoomForTheStackIsInvalid) {
  protected_mode(3);
  state.tr.limit = 8;
  const uint16_t code3 = add_descriptor(flat(0xFB));
  set_idt_entry(10, gate(0x8E, code3 | 3, kHandlers + 160));
  cpu.deliver_interrupt(0x40);
  expect_exception(Vector::kInvalidTss, kTr + 1u);
}

TEST_F(EventsTest, AStackTooSmallInTheSameLevelNamesNoSelector) {
  protected_mode(3);
  const Descriptor small{descriptor(0, 0xFFF, 0xF3, 4)};
  state.segment[kSs] = small.segment(add_descriptor(small.raw) | 3);
  esp() = 0x5000;
  const uint16_t conforming = add_descriptor(flat(0x9F));
  set_idt_entry(0x40, gate(kInterruptGate, conforming, kHandler));
  cpu.deliver_interrupt(0x40);
  expect_exception(Vector::kStackFault, 1);
  EXPECT_EQ(stack_word(4), 0x5000u);
}

TEST_F(EventsTest, NoStackAtAllShutsDown) {
  const Descriptor small{descriptor(0, 0xFFF, 0x93, 4)};
  state.segment[kSs] = small.segment(add_descriptor(small.raw));
  esp() = 0x5000;
  cpu.deliver_interrupt(0x40);
  EXPECT_TRUE(state.shutdown);
  EXPECT_EQ(state.eip, kCode);
  EXPECT_EQ(esp(), 0x5000u);
}

// ---- Double faults (SDM vol. 3, table 6-5) --------------------------------------------------------------

class DoubleFaultTest : public EventsTest {
 protected:
  // Delivers `first`; its gate is absent (#NP), and so on.
  void absent(unsigned vector) { set_idt_entry(vector, gate(0x0E, kKernelCs, kHandler)); }
};

TEST_F(DoubleFaultTest, ContributoryThenContributory) {
  absent(13);
  cpu.deliver_exception({Vector::kGeneralProtection, true, 0});
  expect_exception(Vector::kDoubleFault, 0);
  EXPECT_FALSE(state.shutdown);
}

TEST_F(DoubleFaultTest, BenignThenContributoryIsSerial) {
  absent(6);
  cpu.deliver_exception({Vector::kInvalidOpcode});
  expect_exception(Vector::kSegmentNotPresent, 6 * 8 + 3);
}

TEST_F(DoubleFaultTest, PageFaultThenContributory) {
  absent(14);
  cpu.deliver_exception({Vector::kPageFault, true, 0, 0x1000});
  expect_exception(Vector::kDoubleFault, 0);
}

TEST_F(DoubleFaultTest, PageFaultThenPageFaultKeepsTheSecondAddress) {
  protected_mode(3);
  enable_paging();
  set_page(kKernelStackTop - kPageSize, 0);
  put<uint16_t>(kTss + 8, kKernelDs);
  const uint16_t code1 = add_descriptor(flat(0xBB)), stack1 = add_descriptor(flat(0xB3));
  put<uint32_t>(kTss + 0xC, kKernelStackTop + kPageSize);
  put<uint16_t>(kTss + 0x10, stack1 | 1);
  set_idt_entry(8, gate(0x8E, code1, kHandlers + 8 * 16));
  cpu.deliver_exception({Vector::kPageFault, true, 4, 0x77000});
  expect_exception(Vector::kDoubleFault, 0);
  EXPECT_EQ(state.cr2, kKernelStackTop - 24);
}

TEST_F(DoubleFaultTest, ContributoryThenPageFaultIsSerial) {
  protected_mode(3);
  enable_paging();
  set_page(kKernelStackTop - kPageSize, 0);
  const uint16_t code1 = add_descriptor(flat(0xBB)), stack1 = add_descriptor(flat(0xB3));
  put<uint32_t>(kTss + 0xC, kKernelStackTop + kPageSize);
  put<uint16_t>(kTss + 0x10, stack1 | 1);
  set_idt_entry(14, gate(0x8E, code1, kHandlers + 14 * 16));
  cpu.deliver_exception({Vector::kGeneralProtection, true, 0});
  expect_exception(Vector::kPageFault, page_fault_error::kWrite);
  EXPECT_EQ(state.cr2, kKernelStackTop - 24);
}

TEST_F(DoubleFaultTest, AFaultDuringADoubleFaultShutsDown) {
  absent(13);
  absent(8);
  cpu.deliver_exception({Vector::kGeneralProtection, true, 0});
  EXPECT_TRUE(state.shutdown);
  EXPECT_EQ(esp(), kStackTop);
}

TEST_F(DoubleFaultTest, ExternalInterruptThenContributoryIsSerial) {
  absent(0x40);
  cpu.deliver_interrupt(0x40);
  expect_exception(Vector::kSegmentNotPresent, 0x40 * 8 + 3);
}

// ---- IRET -----------------------------------------------------------------------------------------------

TEST_F(EventsTest, IretToTheSameLevel) {
  push_words({kCf | kIf | kIopl | kAc | kId | kFixed, kKernelCs, 0x4321});
  run({0xCF});
  EXPECT_EQ(state.eip, 0x4321u);
  EXPECT_EQ(esp(), kStackTop);
  EXPECT_EQ(state.eflags_image(), kCf | kIf | kIopl | kAc | kId | kFixed);
}

TEST_F(EventsTest, IretToRing3ValidatesAndDropsSegments) {
  load_flat_data(kDs, kKernelDs, 0);
  load_flat_data(kEs, kUserDs, 3);
  push_words({kUserDs, 0x5678, kIf, kUserCs, 0x4321});
  run({0xCF});
  EXPECT_EQ(state.cpl, 3);
  EXPECT_EQ(state.eip, 0x4321u);
  EXPECT_EQ(esp(), 0x5678u);
  EXPECT_EQ(state.segment[kSs].selector, kUserDs);
  EXPECT_EQ(state.segment[kDs].selector, 0);
  EXPECT_FALSE(state.segment[kDs].present());
  EXPECT_EQ(state.segment[kEs].selector, kUserDs);
}

TEST_F(EventsTest, IretInRing3ChangesNeitherIoplNorIf) {
  protected_mode(3);
  state.interrupt_flag = kIf;
  push_words({kIopl | kVm | kVif | kVip | kRf | kCf, kUserCs, 0x4321});
  run({0xCF});
  EXPECT_EQ(state.eip, 0x4321u);
  EXPECT_EQ(state.eflags_image(), kCf | kIf | kRf | kFixed);
}

TEST_F(EventsTest, IretIn16BitsLeavesTheUpperFlags) {
  state.system_flags |= kAc | kId;
  esp() -= 6;
  put<uint16_t>(esp(), 0x4321);
  put<uint16_t>(esp() + 2, kKernelCs);
  put<uint16_t>(esp() + 4, kCf);
  run({0x66, 0xCF});
  EXPECT_EQ(state.eip, 0x4321u);
  EXPECT_EQ(state.eflags_image(), kCf | kAc | kId | kFixed);
  EXPECT_EQ(esp(), kStackTop);
}

TEST_F(EventsTest, IretToVirtual8086) {
  push_words({0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0xFFF0, kVm | kIf, 0x6666, 0x1234});
  run({0xCF});
  EXPECT_TRUE(flag(kVm));
  EXPECT_EQ(state.cpl, 3);
  EXPECT_EQ(state.eip, 0x1234u);
  EXPECT_EQ(esp(), 0xFFF0u);
  EXPECT_EQ(state.segment[kCs].base, 0x66660u);
  EXPECT_EQ(state.segment[kSs].base, 0x55550u);
  EXPECT_EQ(state.segment[kEs].base, 0x44440u);
  EXPECT_EQ(state.segment[kDs].base, 0x33330u);
  EXPECT_EQ(state.segment[kFs].base, 0x22220u);
  EXPECT_EQ(state.segment[kGs].base, 0x11110u);
  EXPECT_EQ(state.segment[kCs].limit, 0xFFFFu);
}

TEST_F(EventsTest, IretRejectsBadFrames) {
  struct BadFrame {
    std::array<uint32_t, 5> words;  // SS ESP EFLAGS CS EIP
    Vector vector;
    uint32_t error_code;
  };
  const uint16_t small_code = add_descriptor(descriptor(0, 0xFF, 0x9B, 4)),
                 absent = add_descriptor(flat(0x1B)), absent_stack = add_descriptor(flat(0x73)),
                 read_only = add_descriptor(flat(0xF1));
  const BadFrame cases[] = {
      {{0, 0, 0, 0, 0}, Vector::kGeneralProtection, 0},
      {{0, 0, 0, 0x7F8, 0}, Vector::kGeneralProtection, 0x7F8},
      {{0, 0, 0, kKernelDs, 0}, Vector::kGeneralProtection, kKernelDs},
      {{0, 0, 0, kUserCs & ~3u, 0}, Vector::kGeneralProtection, kUserCs & ~3u},
      {{0, 0, 0, absent, 0}, Vector::kSegmentNotPresent, absent},
      {{0, 0, 0, small_code, 0x100}, Vector::kGeneralProtection, 0},
      {{0, 0x5000, 0, kUserCs, 0}, Vector::kGeneralProtection, 0},
      {{kKernelDs, 0x5000, 0, kUserCs, 0}, Vector::kGeneralProtection, kKernelDs},
      {{kUserDs & ~3u, 0x5000, 0, kUserCs, 0}, Vector::kGeneralProtection, kUserDs & ~3u},
      {{read_only | 3u, 0x5000, 0, kUserCs, 0}, Vector::kGeneralProtection, read_only},
      {{absent_stack | 3u, 0x5000, 0, kUserCs, 0}, Vector::kStackFault, absent_stack},
      {{0, 0, kVm, 0x1000, 0x10000}, Vector::kGeneralProtection, 0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.error_code);
    esp() = kStackTop;
    state.segment[kSs].selector = kKernelDs;
    push_words({0, 0, 0, 0, c.words[0], c.words[1], c.words[2], c.words[3], c.words[4]});
    const uint32_t before = esp();
    run({0xCF});
    expect_fault(c.vector, c.error_code);
    EXPECT_EQ(esp(), before - 16);
    EXPECT_EQ(state.cpl, 0);
  }
}

TEST_F(EventsTest, IretInVirtual8086) {
  virtual_8086(3);
  state.interrupt_flag = 0;
  esp() -= 6;
  put<uint16_t>(kStackTop - 6, 0x10);
  put<uint16_t>(kStackTop - 4, 0x77);
  put<uint16_t>(kStackTop - 2, kIf | kCf);
  run({0xCF});
  EXPECT_EQ(state.eip, 0x10u);
  EXPECT_EQ(state.eflags_image(), kVm | kIopl | kIf | kCf | kFixed);
  virtual_8086(0);
  run({0xCF});
  expect_general_protection();
}

// ---- Real mode ------------------------------------------------------------------------------------------

TEST_F(EventsTest, RealModeUsesTheVectorTable) {
  real_mode();
  put<uint32_t>(0x21 * 4, 0x12340056);
  state.interrupt_flag = kIf;
  state.flags = kCf;
  run({0xCD, 0x21});
  EXPECT_EQ(state.segment[kCs].selector, 0x1234);
  EXPECT_EQ(state.segment[kCs].base, 0x12340u);
  EXPECT_EQ(state.eip, 0x56u);
  EXPECT_EQ(stack_half(0), 2);
  EXPECT_EQ(stack_half(1), kCode >> 4);
  EXPECT_EQ(stack_half(2), kIf | kCf | kFixed);
  EXPECT_FALSE(flag(kIf));
  put<uint8_t>(0x12340 + 0x56, 0xCF);
  cpu.step();
  EXPECT_EQ(state.eip, 2u);
  EXPECT_EQ(state.segment[kCs].base, kCode);
  EXPECT_EQ(esp(), kStackTop - kStackSegment);
  EXPECT_TRUE(flag(kIf));
}

TEST_F(EventsTest, RealModeExceptionsPushNoErrorCode) {
  real_mode();
  cpu.deliver_exception({Vector::kGeneralProtection, true, 0});
  EXPECT_EQ(exception()->vector, 13u);
  EXPECT_EQ(esp(), kStackTop - kStackSegment - 6);
}

TEST_F(EventsTest, RealModeBeyondTheTableShutsDownIfNothingIsThere) {
  real_mode();
  state.idtr.limit = 0x20;
  run({0xCD, 0x21});
  EXPECT_TRUE(state.shutdown);
}

TEST_F(EventsTest, RealModeStackWrapsAround) {
  real_mode();
  esp() = 4;
  cpu.deliver_interrupt(0x40);
  EXPECT_EQ(esp(), 0xFFFEu);
  EXPECT_EQ(at<uint16_t>(kStackSegment + 0), kCode >> 4);
}

// ---- SYSENTER and SYSEXIT -------------------------------------------------------------------------------

TEST_F(EventsTest, SysenterAndSysexit) {
  protected_mode(3);
  state.msr.sysenter_cs = 0x100;
  state.msr.sysenter_esp = 0x7000;
  state.msr.sysenter_eip = kCode + 0x100;
  state.interrupt_flag = kIf;
  run({0x0F, 0x34});
  EXPECT_EQ(state.cpl, 0);
  EXPECT_EQ(state.eip, kCode + 0x100);
  EXPECT_EQ(esp(), 0x7000u);
  EXPECT_EQ(state.segment[kCs].selector, 0x100);
  EXPECT_EQ(state.segment[kSs].selector, 0x108);
  EXPECT_TRUE(state.segment[kCs].flat());
  EXPECT_FALSE(flag(kIf));
  put<uint16_t>(kCode + 0x100, 0x350F);
  edx() = 0x1111;
  ecx() = 0x2222;
  cpu.step();
  EXPECT_EQ(state.cpl, 3);
  EXPECT_EQ(state.eip, 0x1111u);
  EXPECT_EQ(esp(), 0x2222u);
  EXPECT_EQ(state.segment[kCs].selector, 0x113);
  EXPECT_EQ(state.segment[kSs].selector, 0x11B);
  EXPECT_EQ(state.segment[kSs].dpl(), 3u);
}

TEST_F(EventsTest, SysenterWithoutASegmentFaults) {
  protected_mode(3);
  run({0x0F, 0x34});
  expect_general_protection();
  state.msr.sysenter_cs = 0x100;
  real_mode();
  state.msr.sysenter_cs = 0x100;
  run({0x0F, 0x34});
  EXPECT_EQ(exception()->vector, 13u);
}

}  // namespace
}  // namespace ringdown

// Task switches (SDM vol. 3, chapter 7).
#include "interpreter/tss.h"
#include "tests/interpreter/system_fixture.h"

namespace ringdown {
namespace {

using namespace eflags;

class TaskSwitchTest : public SystemTest {
 protected:
  static constexpr uint32_t kNewEip = 0x11000, kNewEsp = 0x22000;

  // A 32-bit task at ring 0 with recognisable registers; its available TSS's selector.
  uint16_t make_task_32(uint8_t access = 0x89) {
    put<uint32_t>(kOtherTss + tss::kEip, kNewEip);
    put<uint32_t>(kOtherTss + tss::kEflags, kCf | kIf | kFixed);
    for (unsigned n = 0; n < 8; n++) put<uint32_t>(kOtherTss + tss::kGprs + n * 4, 0xA0000000 + n);
    put<uint32_t>(kOtherTss + tss::kGprs + kEsp * 4, kNewEsp);
    for (unsigned n = 0; n < 6; n++) set_segment(static_cast<SegmentIndex>(n), kKernelDs);
    set_segment(kCs, kKernelCs);
    return add_descriptor(descriptor(kOtherTss, 0x67, access));
  }
  void set_segment(SegmentIndex s, uint16_t selector) {
    put<uint16_t>(kOtherTss + tss::kSegments + s * 4, selector);
  }
  void jump(uint16_t s) { run({0xEA, 0, 0, 0, 0, static_cast<uint8_t>(s), static_cast<uint8_t>(s >> 8)}); }
  void call(uint16_t s) { run({0x9A, 0, 0, 0, 0, static_cast<uint8_t>(s), static_cast<uint8_t>(s >> 8)}); }
  bool busy(uint16_t s) { return access_byte(s) & 2; }
};

TEST_F(TaskSwitchTest, JumpSavesAndLoadsEverything) {
  const uint16_t task = make_task_32();
  for (unsigned n = 0; n < 8; n++) state.gpr[n] = 0xB0000000 + n;
  esp() = kStackTop;
  state.flags = kZf;
  state.system_flags = kAc;
  state.dr[7] = 0x400 | 0xFF;
  jump(task);

  EXPECT_EQ(state.eip, kNewEip);
  EXPECT_EQ(state.eflags_image(), kCf | kIf | kFixed);
  EXPECT_EQ(eax(), 0xA0000000u);
  EXPECT_EQ(esp(), kNewEsp);
  EXPECT_EQ(edi(), 0xA0000007u);
  EXPECT_EQ(state.segment[kCs].selector, kKernelCs);
  EXPECT_EQ(state.segment[kGs].selector, kKernelDs);
  EXPECT_EQ(state.tr.selector, task);
  EXPECT_EQ(state.tr.base, kOtherTss);
  EXPECT_TRUE(state.cr0 & cr0::kTs);
  EXPECT_EQ(state.dr[7], 0x400u | 0xAA);
  EXPECT_TRUE(busy(task));
  EXPECT_FALSE(busy(kTr));
  EXPECT_EQ(at<uint16_t>(kOtherTss), 0);  // no link

  EXPECT_EQ(at<uint32_t>(kTss + tss::kEip), kCode + 7);
  EXPECT_EQ(at<uint32_t>(kTss + tss::kEflags), kZf | kAc | kFixed);
  EXPECT_EQ(at<uint32_t>(kTss + tss::kGprs), 0xB0000000u);
  EXPECT_EQ(at<uint32_t>(kTss + tss::kGprs + kEsp * 4), kStackTop);
  EXPECT_EQ(at<uint16_t>(kTss + tss::kSegments + kCs * 4), kKernelCs);
}

TEST_F(TaskSwitchTest, CallNestsAndIretReturns) {
  const uint16_t task = make_task_32();
  call(task);
  EXPECT_EQ(at<uint16_t>(kOtherTss), kTr);
  EXPECT_TRUE(flag(kNt));
  EXPECT_TRUE(busy(kTr));
  EXPECT_TRUE(busy(task));
  put<uint8_t>(kNewEip, 0xCF);
  cpu.step();
  EXPECT_EQ(state.eip, kCode + 7);
  EXPECT_EQ(esp(), kStackTop);
  EXPECT_EQ(state.tr.selector, kTr);
  EXPECT_TRUE(busy(kTr));
  EXPECT_FALSE(busy(task));
  EXPECT_FALSE(flag(kNt));
  EXPECT_EQ(at<uint32_t>(kOtherTss + tss::kEip), kNewEip + 1);
  EXPECT_FALSE(at<uint32_t>(kOtherTss + tss::kEflags) & kNt);
}

TEST_F(TaskSwitchTest, TaskGateFromRing3) {
  protected_mode(3);
  const uint16_t task = make_task_32();
  const uint16_t g = add_descriptor(gate(0xE5, task, 0));
  jump(g | 3);
  EXPECT_EQ(state.cpl, 0);
  EXPECT_EQ(state.eip, kNewEip);
  EXPECT_EQ(at<uint16_t>(kTss + tss::kSegments + kCs * 4), kUserCs);
}

TEST_F(TaskSwitchTest, ExceptionThroughATaskGatePushesItsErrorCode) {
  const uint16_t task = make_task_32();
  set_idt_entry(13, gate(0x85, task, 0));
  eax() = cr0::kPg;  // without PE
  run({0x0F, 0x22, 0xC0});
  EXPECT_EQ(state.eip, kNewEip);
  EXPECT_EQ(esp(), kNewEsp - 4);
  EXPECT_EQ(stack_word(0), 0u);
  EXPECT_TRUE(flag(kNt));
  EXPECT_EQ(at<uint32_t>(kTss + tss::kEip), kCode);
  EXPECT_TRUE(at<uint32_t>(kTss + tss::kEflags) & kRf);
}

TEST_F(TaskSwitchTest, ExternalInterruptThroughATaskGate) {
  const uint16_t task = make_task_32();
  set_idt_entry(0x40, gate(0x85, task, 0));
  state.halted = true;
  cpu.deliver_interrupt(0x40);
  EXPECT_EQ(state.eip, kNewEip);
  EXPECT_EQ(esp(), kNewEsp);
  EXPECT_FALSE(state.halted);
  EXPECT_FALSE(at<uint32_t>(kTss + tss::kEflags) & kRf);
}

TEST_F(TaskSwitchTest, IntNThroughATaskGateNeedsItsPrivilege) {
  protected_mode(3);
  const uint16_t task = make_task_32();
  set_idt_entry(0x40, gate(0x85, task, 0));
  run({0xCD, 0x40});
  expect_fault(Vector::kGeneralProtection, 0x40 * 8 + 2);
  protected_mode(3);
  set_idt_entry(0x40, gate(0xE5, make_task_32(), 0));
  run({0xCD, 0x40});
  EXPECT_EQ(state.eip, kNewEip);
  EXPECT_EQ(at<uint32_t>(kTss + tss::kEip), kCode + 2);
}

TEST_F(TaskSwitchTest, PrivilegeKindAndPresence) {
  struct BadTask {
    uint8_t access;
    uint16_t limit;
    unsigned cpl, rpl;
    Vector vector;
  };
  const BadTask cases[] = {
      {0x89, 0x67, 3, 3, Vector::kGeneralProtection}, {0x89, 0x67, 0, 3, Vector::kGeneralProtection},
      {0x8B, 0x67, 0, 0, Vector::kGeneralProtection}, {0x09, 0x67, 0, 0, Vector::kSegmentNotPresent},
      {0x89, 0x66, 0, 0, Vector::kInvalidTss},        {0x81, 0x2A, 0, 0, Vector::kInvalidTss},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << std::hex << int{c.access} << " limit " << c.limit);
    protected_mode(c.cpl);
    make_task_32();
    const uint16_t s = add_descriptor(descriptor(kOtherTss, c.limit, c.access));
    jump(static_cast<uint16_t>(s | c.rpl));
    expect_fault(c.vector, s);
    EXPECT_EQ(state.tr.selector, kTr);
    EXPECT_EQ(access_byte(s), c.access);
    EXPECT_EQ(access_byte(kTr), 0x8B);
    EXPECT_FALSE(state.cr0 & cr0::kTs);
  }
}

TEST_F(TaskSwitchTest, ATssInTheLdtIsRefused) {
  const uint16_t s = install_ldt(descriptor(kOtherTss, 0x67, 0x89));
  jump(s);
  expect_fault(Vector::kGeneralProtection, s);
}

TEST_F(TaskSwitchTest, AnUnmappedNewTssFaultsInTheOldTask) {
  const uint16_t task = make_task_32();
  enable_paging();
  set_page(kOtherTss, 0);
  jump(task);
  expect_fault(Vector::kPageFault, 0);
  EXPECT_EQ(state.tr.selector, kTr);
  EXPECT_FALSE(busy(task));
}

TEST_F(TaskSwitchTest, AReadOnlyOldTssFaultsBeforeAnythingChanges) {
  const uint16_t task = make_task_32();
  enable_paging();
  put<uint32_t>(kOtherTss + tss::kCr3, kPageDirectory);
  set_page(kTss, pte::kPresent);
  jump(task);
  expect_fault(Vector::kPageFault, page_fault_error::kPresent | page_fault_error::kWrite);
  EXPECT_FALSE(busy(task));
  EXPECT_EQ(access_byte(kTr), 0x8B);
  EXPECT_FALSE(state.cr0 & cr0::kTs);
}

TEST_F(TaskSwitchTest, Cr3IsLoadedWithPagingOnly) {
  put<uint32_t>(kOtherTss + tss::kCr3, 0x123000);
  jump(make_task_32());
  EXPECT_EQ(state.cr3, 0u);
  EXPECT_EQ(bus.flushes, 0u);
  protected_mode(0);
  enable_paging();
  const uint32_t other = kPageDirectory + 0x8000;
  put<uint32_t>(other, at<uint32_t>(kPageDirectory));
  const uint16_t task = make_task_32();
  put<uint32_t>(kOtherTss + tss::kCr3, other);
  jump(task);
  EXPECT_EQ(state.cr3, other);
  EXPECT_EQ(bus.flushes, 1u);
  EXPECT_EQ(state.eip, kNewEip);
}

// ---- Faults of the new task -----------------------------------------------------------------------------

TEST_F(TaskSwitchTest, BadSegmentsFaultInTheNewTask) {
  struct BadSegment {
    SegmentIndex index;
    uint64_t raw;
    Vector vector;
  };
  const BadSegment cases[] = {
      {kDs, flat(0x13), Vector::kSegmentNotPresent},
      {kEs, flat(0x99), Vector::kInvalidTss},
      {kFs, flat(0x89), Vector::kInvalidTss},
      {kGs, gate(0x8C, 8, 0), Vector::kInvalidTss},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.index);
    protected_mode(0);
    const uint16_t task = make_task_32();
    const uint16_t bad = add_descriptor(c.raw);
    set_segment(c.index, bad);
    jump(task);
    expect_exception(c.vector, bad);
    EXPECT_EQ(exception()->eip, kNewEip);
    EXPECT_EQ(state.tr.selector, task);
    EXPECT_EQ(esp(), kNewEsp - 16);
    EXPECT_EQ(edi(), 0xA0000007u);
  }
}

TEST_F(TaskSwitchTest, BadCodeAndStackAndLdtOfANewTaskWithAnExceptionTask) {
  struct Bad {
    uint32_t at;
    uint16_t selector;
    uint32_t error_code;
  };
  constexpr uint32_t kThirdTss = 0x5000;
  const Bad cases[] = {
      {tss::kSegments + kCs * 4, 0, 0},
      {tss::kSegments + kCs * 4, kKernelDs, kKernelDs},
      {tss::kSegments + kCs * 4, kUserCs & ~3, kUserCs & ~3},
      {tss::kSegments + kSs * 4, 0, 0},
      {tss::kSegments + kSs * 4, kUserDs, kUserDs & ~3},
      {tss::kSegments + kSs * 4, 0x7F8, 0x7F8},
      {tss::kLdt, kKernelDs, kKernelDs},
      {tss::kLdt, 0xC, 0xC},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.at << ' ' << c.selector);
    protected_mode(0);
    const uint16_t task = make_task_32();
    std::memcpy(&ram[kThirdTss], &ram[kOtherTss], 0x68);
    put<uint32_t>(kThirdTss + tss::kEip, kNewEip + 0x100);
    const uint16_t handler = add_descriptor(descriptor(kThirdTss, 0x67, 0x89));
    set_idt_entry(10, gate(0x85, handler, 0));
    put<uint16_t>(kOtherTss + c.at, c.selector);
    jump(task);
    EXPECT_EQ(state.eip, kNewEip + 0x100);
    EXPECT_EQ(state.tr.selector, handler);
    EXPECT_EQ(at<uint16_t>(kThirdTss), task);
    EXPECT_EQ(stack_word(0), c.error_code);
    EXPECT_EQ(at<uint32_t>(kOtherTss + tss::kEip), kNewEip);
    EXPECT_FALSE(busy(kTr));
  }
}

TEST_F(TaskSwitchTest, EipBeyondTheLimitFaultsInTheNewTask) {
  const uint16_t task = make_task_32();
  set_segment(kCs, add_descriptor(descriptor(0, 0xFFF, 0x9B, 4)));
  jump(task);
  expect_exception(Vector::kGeneralProtection, 0);
  EXPECT_EQ(exception()->eip, kNewEip);
}

TEST_F(TaskSwitchTest, TheTrapBitRaisesDebug) {
  const uint16_t task = make_task_32();
  put<uint16_t>(kOtherTss + tss::kTrap, 1);
  jump(task);
  expect_exception(Vector::kDebug);
  EXPECT_EQ(exception()->eip, kNewEip);
  EXPECT_TRUE(state.dr[6] & 1 << 15);
  protected_mode(0);
  set_idt_entry(0x40, gate(0x85, make_task_32(), 0));
  put<uint16_t>(kOtherTss + tss::kTrap, 1);
  cpu.deliver_interrupt(0x40);
  expect_exception(Vector::kDebug);
  EXPECT_EQ(exception()->eip, kNewEip);
}

TEST_F(TaskSwitchTest, IntoVirtual8086) {
  const uint16_t task = make_task_32();
  put<uint32_t>(kOtherTss + tss::kEflags, kVm | kIf);
  put<uint32_t>(kOtherTss + tss::kEip, 0x10);
  set_segment(kCs, 0x1100);
  set_segment(kDs, 0x2200);
  jump(task);
  EXPECT_EQ(state.cpl, 3);
  EXPECT_EQ(state.segment[kCs].base, 0x11000u);
  EXPECT_EQ(state.segment[kDs].base, 0x22000u);
  EXPECT_EQ(state.segment[kDs].limit, 0xFFFFu);
  EXPECT_TRUE(flag(kVm));
}

TEST_F(TaskSwitchTest, ATaskWithAnLdt) {
  const uint16_t data_in_ldt = install_ldt(flat(0x93));
  const uint16_t ldt = state.ldtr.selector;
  state.ldtr = {};
  const uint16_t task = make_task_32();
  put<uint16_t>(kOtherTss + tss::kLdt, ldt);
  set_segment(kFs, data_in_ldt);
  jump(task);
  expect_no_exception();
  EXPECT_EQ(state.ldtr.base, kLdtBase);
  EXPECT_EQ(state.segment[kFs].selector, data_in_ldt);
  EXPECT_TRUE(state.segment[kFs].flat());
}

// ---- IRET with NT ---------------------------------------------------------------------------------------

TEST_F(TaskSwitchTest, IretWithABadLink) {
  const uint16_t available = make_task_32();
  const uint16_t absent = add_descriptor(descriptor(kOtherTss, 0x67, 0x0B));
  const std::pair<uint16_t, Vector> cases[] = {
      {0x7F8, Vector::kInvalidTss},         {4, Vector::kInvalidTss},
      {kKernelDs, Vector::kInvalidTss},     {available, Vector::kInvalidTss},
      {absent, Vector::kSegmentNotPresent},
  };
  for (const auto& [link, vector] : cases) {
    SCOPED_TRACE(link);
    put<uint16_t>(kTss, link);
    state.system_flags |= kNt;
    run({0xCF});
    expect_fault(vector, link);
    EXPECT_EQ(state.tr.selector, kTr);
  }
}

// ---- 16-bit TSS -----------------------------------------------------------------------------------------

TEST_F(TaskSwitchTest, SixteenBitTask) {
  put<uint16_t>(kOtherTss + tss::kIp16, 0x1100);
  put<uint16_t>(kOtherTss + tss::kFlags16, kCf);
  for (unsigned n = 0; n < 8; n++) put<uint16_t>(kOtherTss + tss::kGprs16 + n * 2, 0xA000 + n);
  const uint16_t selectors[] = {kKernelDs, kKernelCs, kKernelDs, kKernelDs};
  for (unsigned n = 0; n < 4; n++) put<uint16_t>(kOtherTss + tss::kSegments16 + n * 2, selectors[n]);
  const uint16_t task = add_descriptor(descriptor(kOtherTss, 0x2B, 0x81));
  state.cr3 = 0x1000;
  call(task);
  EXPECT_EQ(state.eip, 0x1100u);
  EXPECT_EQ(eax() & 0xFFFF, 0xA000u);
  EXPECT_EQ(edi() & 0xFFFF, 0xA007u);
  EXPECT_EQ(state.eflags_image(), kCf | kNt | kFixed);
  EXPECT_EQ(state.segment[kFs].selector, 0);
  EXPECT_EQ(state.cr3, 0x1000u);
  EXPECT_EQ(access_byte(task), 0x83);
  EXPECT_EQ(at<uint16_t>(kOtherTss), kTr);

  put<uint8_t>(0x1100, 0xCF);  // and back
  cpu.step();
  EXPECT_EQ(state.eip, kCode + 7);
  EXPECT_EQ(at<uint16_t>(kOtherTss + tss::kIp16), 0x1101);
  EXPECT_EQ(at<uint16_t>(kOtherTss + tss::kFlags16), kCf | kFixed);
  EXPECT_EQ(at<uint16_t>(kOtherTss + tss::kSegments16 + 2), kKernelCs);
  EXPECT_EQ(access_byte(task), 0x81);
}

TEST_F(TaskSwitchTest, InnerStackOfA16BitTss) {
  protected_mode(3);
  state.tr = {kOtherTss, 0x2B, kTr, 0x83};
  put<uint16_t>(kOtherTss + 2, 0x7000);
  put<uint16_t>(kOtherTss + 4, kKernelDs);
  cpu.deliver_interrupt(0x40);
  EXPECT_EQ(esp(), 0x7000u - 20);
  EXPECT_EQ(state.segment[kSs].selector, kKernelDs);
}

}  // namespace
}  // namespace ringdown

#include "native/sandbox_pages.h"

#include "cpu/fault.h"
#include "tests/sandbox/sandbox_fixture.h"

GUEST_CODE(guest_reads_page, "movl 0x50000, %eax; int $0x80");
GUEST_CODE(guest_writes_page, "movl %eax, 0x50000; int $0x80");
GUEST_CODE(guest_jumps_to_page, "movl $0x50000, %eax; jmp *%eax");

namespace ringdown {
namespace {

class SandboxPagesTest : public SandboxFixture {
 protected:
  static constexpr uint32_t kPageAddress = 0x50000, kFrameAddress = 0x6000;
  static constexpr HostProcessor kHost{.has_sysenter = false, .traps_cpuid = false},
      kHostWithSysenter{.has_sysenter = true, .traps_cpuid = false};

  void SetUp() override {
    SandboxFixture::SetUp();
    pages_ = std::make_unique<SandboxPages>(*sandbox_, memory_, cpu_, hot_, kHost);
  }
  // HLT at the beginning, the rest as it was.
  void put_code(uint32_t at_frame_address = kFrameAddress) { memory_.write<uint8_t>(at_frame_address, 0xF4); }
  void put_int80(uint32_t at) { memory_.write<uint16_t>(at, 0x80CD); }
  void put_cpuid(uint32_t at) { memory_.write<uint16_t>(at, 0xA20F); }
  bool map(Protection protection, bool executable = true) {
    return pages_->map(kPageAddress, kFrameAddress, kPage, protection, executable);
  }
  Trap::Kind kind_of(std::span<const uint8_t> code) {
    state_ = state_at(kCode);
    return run(code).kind;
  }

  void put_sysenter(uint32_t at) { memory_.write<uint16_t>(at, 0x340F); }
  void put_move_to_ebp(uint32_t at) { memory_.write<uint16_t>(at, 0xE589); }

  PhysicalMemory memory_{ram_.bytes()};
  CpuState cpu_{};
  HotPages hot_;
  std::unique_ptr<SandboxPages> pages_;
};

TEST_F(SandboxPagesTest, RightsAreTheGuests) {
  put_code();
  ASSERT_TRUE(map(Protection::kRead));
  EXPECT_EQ(kind_of(GUEST(guest_reads_page)), Trap::Kind::kSystemCall);
  EXPECT_EQ(kind_of(GUEST(guest_writes_page)), Trap::Kind::kPageFault);
  EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kException);
  EXPECT_EQ(state_.eip, kPageAddress);
  ASSERT_TRUE(map(Protection::kReadWrite, false));
  EXPECT_EQ(kind_of(GUEST(guest_writes_page)), Trap::Kind::kSystemCall);
  EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kPageFault);
}

TEST_F(SandboxPagesTest, WhatIsWritableRunsOnceItIsFetched) {
  put_code();
  ASSERT_TRUE(map(Protection::kReadWrite));
  EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kPageFault);
  pages_->expect_fetch(kPageAddress + 1);
  ASSERT_TRUE(map(Protection::kReadWrite));
  EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kException);
  EXPECT_EQ(kind_of(GUEST(guest_writes_page)), Trap::Kind::kSystemCall);
}

TEST_F(SandboxPagesTest, WhatLosesRightsIsGone) {
  ASSERT_TRUE(map(Protection::kReadWrite));
  ASSERT_TRUE(pages_->protect(kPageAddress, kPage, Protection::kRead));
  EXPECT_EQ(kind_of(GUEST(guest_writes_page)), Trap::Kind::kPageFault);
}

TEST_F(SandboxPagesTest, NothingIsLeft) {
  ASSERT_TRUE(map(Protection::kRead));
  ASSERT_TRUE(pages_->unmap(kPageAddress, kPage));
  EXPECT_EQ(kind_of(GUEST(guest_reads_page)), Trap::Kind::kPageFault);
  ASSERT_TRUE(map(Protection::kRead));
  pages_->unmap_all();
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kPageFault);
}

TEST_F(SandboxPagesTest, CpuidThatCannotTrapIsNotExecutedHoweverHotThePage) {
  put_code();
  put_cpuid(kFrameAddress + 0x123);
  ASSERT_TRUE(map(Protection::kRead));
  EXPECT_EQ(kind_of(GUEST(guest_reads_page)), Trap::Kind::kSystemCall);
  for (unsigned n = 0; n < HotPages::kEnough; ++n) {
    EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kPageFault);
    hot_.note(kPageAddress + 0x321);
  }
  ASSERT_TRUE(map(Protection::kRead));
  EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kPageFault);
}

TEST_F(SandboxPagesTest, CpuidThatTrapsIsNotExecutedUntilThePageIsHot) {
  constexpr HostProcessor host{.has_sysenter = false, .traps_cpuid = true};
  SandboxPages pages(*sandbox_, memory_, cpu_, hot_, host);
  put_cpuid(kFrameAddress + 0x123);
  for (unsigned n = 0; n < HotPages::kEnough; ++n) {
    EXPECT_FALSE(pages.may_execute(kPageAddress, kFrameAddress >> kPageShift));
    hot_.note(kPageAddress + 0x321);
  }
  EXPECT_FALSE(pages.may_execute(kPageAddress + kPage, kFrameAddress >> kPageShift)) << "another page";
  EXPECT_TRUE(pages.may_execute(kPageAddress, kFrameAddress >> kPageShift));
}

TEST_F(SandboxPagesTest, CpuidOfAHotPageTrapsWhereItCan) {
  if (!HostProcessor::this_one().traps_cpuid) GTEST_SKIP() << "this host cannot make CPUID trap";
  constexpr HostProcessor host{.has_sysenter = false, .traps_cpuid = true};
  SandboxPages pages(*sandbox_, memory_, cpu_, hot_, host);
  put_cpuid(kFrameAddress);
  for (unsigned n = 0; n < HotPages::kEnough; n++) hot_.note(kPageAddress);
  ASSERT_TRUE(pages.map(kPageAddress, kFrameAddress, kPage, Protection::kRead, true));
  state_ = state_at(kPageAddress);
  const Trap trap = sandbox_->run(state_);
  EXPECT_EQ(trap.kind, Trap::Kind::kException);
  EXPECT_EQ(trap.vector, static_cast<uint8_t>(Vector::kGeneralProtection));
  EXPECT_EQ(state_.eip, kPageAddress);
}

TEST_F(SandboxPagesTest, SysenterIsNotExecutedWhereItsFaultWouldBeLost) {
  put_move_to_ebp(kFrameAddress + 0x121);
  put_sysenter(kFrameAddress + 0x123);
  const auto may_execute = [&](const HostProcessor& host) {
    SandboxPages pages(*sandbox_, memory_, cpu_, hot_, host);
    return pages.may_execute(kPageAddress, kFrameAddress >> kPageShift);
  };
  cpu_.cr0 |= cr0::kPe;
  EXPECT_FALSE(may_execute(kHostWithSysenter)) << "SYSENTER_CS is null";
  cpu_.msr.sysenter_cs = 0x60;
  EXPECT_TRUE(may_execute(kHostWithSysenter));
  memory_.write<uint16_t>(kFrameAddress + 0x121, 0x9090);
  EXPECT_FALSE(may_execute(kHostWithSysenter)) << "EBP may point anywhere";
}

// Until the page is hot: a program may compute in it as well.
TEST_F(SandboxPagesTest, WaysIntoTheKernelAreNotExecuted) {
  const auto expect_kernel_entry = [&] {
    SandboxPages pages(*sandbox_, memory_, cpu_, hot_, kHost);
    EXPECT_FALSE(pages.is_kernel_entry(kPageAddress));
    EXPECT_FALSE(pages.may_execute(kPageAddress + 0x456, kFrameAddress >> kPageShift));
    EXPECT_TRUE(pages.is_kernel_entry(kPageAddress + 0xFFF));
    EXPECT_FALSE(pages.is_kernel_entry(kPageAddress + kPage));
    for (unsigned n = 0; n < HotPages::kEnough; n++) hot_.note(kPageAddress);
    EXPECT_FALSE(pages.is_kernel_entry(kPageAddress));
    EXPECT_TRUE(pages.may_execute(kPageAddress, kFrameAddress >> kPageShift));
    hot_.forget(kPageAddress + 0x321);
    EXPECT_TRUE(pages.is_kernel_entry(kPageAddress));
    ASSERT_TRUE(pages.unmap(kPageAddress - kPage, kPage));
    EXPECT_TRUE(pages.is_kernel_entry(kPageAddress));
    ASSERT_TRUE(pages.unmap(kPageAddress, kPage));
    EXPECT_FALSE(pages.is_kernel_entry(kPageAddress));
    EXPECT_FALSE(pages.may_execute(kPageAddress, kFrameAddress >> kPageShift));
    pages.unmap_all();
    EXPECT_FALSE(pages.is_kernel_entry(kPageAddress));
  };
  put_int80(kFrameAddress + 0x123);
  expect_kernel_entry();
  put_sysenter(kFrameAddress + 0x123);
  expect_kernel_entry();
}

TEST_F(SandboxPagesTest, Int80BehindSysenterIsTheKernelsSpare) {
  cpu_.cr0 |= cr0::kPe;
  cpu_.msr.sysenter_cs = 0x60;
  put_move_to_ebp(kFrameAddress + 0x121);
  put_sysenter(kFrameAddress + 0x123);
  put_int80(kFrameAddress + 0x125);
  SandboxPages pages(*sandbox_, memory_, cpu_, hot_, kHostWithSysenter);
  EXPECT_TRUE(pages.may_execute(kPageAddress, kFrameAddress >> kPageShift));
  put_int80(kFrameAddress + 0x223);
  EXPECT_FALSE(pages.may_execute(kPageAddress, kFrameAddress >> kPageShift)) << "another one";
}

TEST_F(SandboxPagesTest, SysenterIsSeenToCome) {
  cpu_.cr0 |= cr0::kPe;
  cpu_.msr.sysenter_cs = 0x60;
  put_move_to_ebp(kFrameAddress + 0x121);
  put_sysenter(kFrameAddress + 0x123);
  SandboxPages pages(*sandbox_, memory_, cpu_, hot_, kHostWithSysenter);
  EXPECT_FALSE(pages.is_before_sysenter(kPageAddress + 0x123));
  ASSERT_TRUE(pages.may_execute(kPageAddress + 0x456, kFrameAddress >> kPageShift));
  EXPECT_TRUE(pages.is_before_sysenter(kPageAddress + 0x123));
  EXPECT_TRUE(pages.is_before_sysenter(kPageAddress + 0x123 - 8));
  EXPECT_FALSE(pages.is_before_sysenter(kPageAddress + 0x124));
  EXPECT_FALSE(pages.is_before_sysenter(kPageAddress));
  EXPECT_FALSE(pages.has_sysenter_that_faults());
  cpu_.msr.sysenter_cs = 0;
  EXPECT_TRUE(pages.has_sysenter_that_faults());
  pages.unmap_all();
  EXPECT_FALSE(pages.has_sysenter_that_faults());
}

TEST_F(SandboxPagesTest, CpuidMayReachOverTheEndOfThePage) {
  put_cpuid(kFrameAddress + kPage - 1);
  const auto may_execute = [&](uint32_t frame_address) {
    return pages_->may_execute(frame_address, frame_address >> kPageShift);
  };
  EXPECT_FALSE(may_execute(kFrameAddress)) << "without paging the next page is the next frame";
  EXPECT_TRUE(may_execute(kFrameAddress + kPage));
}

TEST_F(SandboxPagesTest, OnlyThePageThatHasItIsLeftOut) {
  put_code(kFrameAddress);
  put_code(kFrameAddress + kPage);
  put_cpuid(kFrameAddress + kPage + 8);
  ASSERT_TRUE(pages_->map(kPageAddress - kPage, kFrameAddress - kPage, 3 * kPage, Protection::kRead, true));
  EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kException);
  state_ = state_at(kPageAddress + kPage);
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kPageFault);
}

TEST_F(SandboxPagesTest, AtTheLimitOfMappingsNoneIsMadeUntilAllAreGone) {
  constexpr int kMore = 40'000;
  int maps = 0;
  while (maps < kMore && map(Protection::kRead)) maps++;
  EXPECT_LT(maps, kMore);
  pages_->unmap_all();
  EXPECT_EQ(kind_of(GUEST(guest_reads_page)), Trap::Kind::kPageFault);
  EXPECT_TRUE(map(Protection::kRead));
}

// The first of them would be there, and nobody knew of it.
TEST_F(SandboxPagesTest, OfPagesThatTakeMoreMappingsThanAreLeftNoneIsMapped) {
  const auto map_elsewhere = [&] {
    return pages_->map(kPageAddress + 16 * kPage, kFrameAddress, kPage, Protection::kRead, true);
  };
  pages_->unmap_all();
  int limit = 0;
  while (map_elsewhere()) limit++;
  pages_->unmap_all();
  for (int n = 0; n < limit - 1; n++) ASSERT_TRUE(map_elsewhere());
  put_code();
  put_cpuid(kFrameAddress + kPage + 8);
  EXPECT_FALSE(pages_->map(kPageAddress, kFrameAddress, 2 * kPage, Protection::kRead, true));
  state_ = state_at(kPageAddress);
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kPageFault);
}

TEST_F(SandboxPagesTest, WhatIsTooLowIsLeftOut) {
  const uint32_t lowest = sandbox_->lowest_mappable();
  if (lowest == 0) GTEST_SKIP() << "this host maps page 0";
  EXPECT_FALSE(pages_->may_map(lowest - kPage));
  EXPECT_TRUE(pages_->may_map(lowest));
  EXPECT_TRUE(pages_->map(lowest - kPage, kFrameAddress, 2 * kPage, Protection::kRead, true));
  put_code(kFrameAddress + kPage);
  state_ = state_at(lowest);
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kException);
}

}  // namespace
}  // namespace ringdown

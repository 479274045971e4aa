#include "native/sandbox_pages.h"

#include "tests/sandbox/sandbox_fixture.h"

GUEST_CODE(guest_reads_page, "movl 0x50000, %eax; int $0x80");
GUEST_CODE(guest_writes_page, "movl %eax, 0x50000; int $0x80");
GUEST_CODE(guest_jumps_to_page, "movl $0x50000, %eax; jmp *%eax");

namespace ringdown {
namespace {

class SandboxPagesTest : public SandboxFixture {
 protected:
  static constexpr uint32_t kPageAddress = 0x50000, kFrameAddress = 0x6000;

  void SetUp() override {
    SandboxFixture::SetUp();
    pages_ = std::make_unique<SandboxPages>(*sandbox_, memory_, hot_);
  }
  // INT 80h at the beginning, the rest as it was.
  void put_code(uint32_t at_frame_address = kFrameAddress) {
    memory_.write<uint16_t>(at_frame_address, 0x80CD);
  }
  void put_cpuid(uint32_t at) { memory_.write<uint16_t>(at, 0xA20F); }
  bool map(Protection protection, bool executable = true) {
    return pages_->map(kPageAddress, kFrameAddress, kPage, protection, executable) && pages_->flush();
  }
  Trap::Kind kind_of(std::span<const uint8_t> code) {
    state_ = state_at(kCode);
    return run(code).kind;
  }

  PhysicalMemory memory_{ram_.bytes()};
  HotPages hot_;
  std::unique_ptr<SandboxPages> pages_;
};

TEST_F(SandboxPagesTest, RightsAreTheGuests) {
  put_code();
  ASSERT_TRUE(map(Protection::kRead));
  EXPECT_EQ(kind_of(GUEST(guest_reads_page)), Trap::Kind::kSystemCall);
  EXPECT_EQ(kind_of(GUEST(guest_writes_page)), Trap::Kind::kPageFault);
  EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kSystemCall);
  EXPECT_EQ(state_.eip, kPageAddress);
  ASSERT_TRUE(map(Protection::kReadWrite, false));
  EXPECT_EQ(kind_of(GUEST(guest_writes_page)), Trap::Kind::kSystemCall);
  EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kPageFault);
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

TEST_F(SandboxPagesTest, CpuidIsNotExecutedUntilThePageIsHot) {
  put_code();
  put_cpuid(kFrameAddress + 0x123);
  ASSERT_TRUE(map(Protection::kRead));
  EXPECT_EQ(kind_of(GUEST(guest_reads_page)), Trap::Kind::kSystemCall);
  EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kPageFault);
  for (int n = 0; n < 2; ++n) {
    EXPECT_FALSE(pages_->may_execute(kPageAddress, kFrameAddress >> kPageShift));
    hot_.note(kPageAddress + 0x321, HotPages::kEnough / 2);
  }
  EXPECT_FALSE(pages_->may_execute(kPageAddress + kPage, kFrameAddress >> kPageShift)) << "another page";
  ASSERT_TRUE(map(Protection::kRead));
  EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kSystemCall);
}

TEST_F(SandboxPagesTest, SysenterIsNeverExecutedWhereItWouldBeLost) {
  memory_.write<uint16_t>(kFrameAddress + 0x123, 0x340F);
  hot_.note(kPageAddress, HotPages::kEnough);
  for (const bool has_sysenter : {false, true}) {
    const SandboxPages pages(*sandbox_, memory_, hot_, has_sysenter);
    EXPECT_EQ(pages.may_execute(kPageAddress, kFrameAddress >> kPageShift), !has_sysenter);
  }
}

TEST_F(SandboxPagesTest, CpuidMayReachOverTheEndOfThePage) {
  memory_.write<uint8_t>(kFrameAddress + kPage - 1, 0x0F);
  EXPECT_FALSE(pages_->may_execute(kPageAddress, kFrameAddress >> kPageShift));
}

TEST_F(SandboxPagesTest, OnlyThePageThatHasItIsLeftOut) {
  put_code(kFrameAddress);
  put_code(kFrameAddress + kPage);
  put_cpuid(kFrameAddress + kPage + 8);
  ASSERT_TRUE(pages_->map(kPageAddress - kPage, kFrameAddress - kPage, 3 * kPage, Protection::kRead, true));
  ASSERT_TRUE(pages_->flush());
  EXPECT_EQ(kind_of(GUEST(guest_jumps_to_page)), Trap::Kind::kSystemCall);
  state_ = state_at(kPageAddress + kPage);
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kPageFault);
}

TEST_F(SandboxPagesTest, WhatIsTooLowIsLeftOut) {
  const uint32_t lowest = sandbox_->lowest_mappable();
  if (lowest == 0) GTEST_SKIP() << "this host maps page 0";
  EXPECT_FALSE(pages_->may_map(lowest - kPage));
  EXPECT_TRUE(pages_->may_map(lowest));
  EXPECT_TRUE(pages_->map(lowest - kPage, kFrameAddress, 2 * kPage, Protection::kRead, true));
  ASSERT_TRUE(pages_->flush());
  put_code(kFrameAddress + kPage);
  state_ = state_at(lowest);
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kSystemCall);
}

}  // namespace
}  // namespace ringdown

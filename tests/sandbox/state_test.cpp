// What goes into run() and comes out of it again.
#include "tests/sandbox/sandbox_fixture.h"

GUEST_CODE(guest_registers, R"(
  incl %eax
  incl %ecx
  incl %edx
  incl %ebx
  incl %esp
  incl %ebp
  incl %esi
  incl %edi
  int $0x80)");
GUEST_CODE(guest_flags, "pushfl; popl %eax; xorl $0x244CD5, %eax; pushl %eax; popfl; int $0x80");
GUEST_CODE(guest_vectors, "faddp; paddd %xmm7, %xmm0; int $0x80");
GUEST_CODE(guest_vectors_stay, "int $0x80; int $0x80");
GUEST_CODE(guest_bases, "movl %fs:0x10, %eax; movl %gs:0x20, %ecx; int $0x80");
GUEST_CODE(guest_loads_gs, "movw %ds, %ax; movw %ax, %gs; movl %gs:0x20000, %ecx; int $0x80");
GUEST_CODE(guest_reads_gs, "nop; movl %gs:0x20000, %ecx; int $0x80");
GUEST_CODE(guest_reads_cs, "movw %cs, %ax; int $0x80");
GUEST_CODE(guest_64_bit_segment, "movl $0x33, %eax; movw %ax, %es; int $0x80");

namespace ringdown {
namespace {

using State = SandboxFixture;

TEST_F(State, GeneralRegisters) {
  auto expected = state_.gpr;
  for (uint32_t& value : expected) ++value;
  EXPECT_EQ(run(GUEST(guest_registers)).kind, Trap::Kind::kSystemCall);
  EXPECT_EQ(state_.gpr, expected);
}

TEST_F(State, FlagsGoInAndOut) {
  using namespace eflags;
  for (const uint32_t flags :
       {0u, kStatus, kCf, kPf, kAf, kZf, kSf, kOf, kDf, kNt, kAc, kId, kStatus | kDf | kNt | kId}) {
    state_ = state_at(kCode);
    state_.flags = flags | kIopl | kVif;
    EXPECT_EQ(run(GUEST(guest_vectors_stay)).kind, Trap::Kind::kSystemCall);
    EXPECT_EQ(state_.flags, flags);
  }
}

// 244CD5h: CF PF AF ZF SF DF OF NT AC ID.
TEST_F(State, CodeChangesFlags) {
  state_.flags = eflags::kCf | eflags::kNt;
  EXPECT_EQ(run(GUEST(guest_flags)).kind, Trap::Kind::kSystemCall);
  EXPECT_EQ(state_.flags, 0x244CD5u & ~(eflags::kCf | eflags::kNt));
}

TEST_F(State, X87AndSse) {
  state_.fx.status_word = 6 << 11;  // two values on the stack
  state_.fx.abridged_tag_word = 0xC0;
  const uint8_t one[] = {0, 0, 0, 0, 0, 0, 0, 0x80, 0xFF, 0x3F};
  std::ranges::copy(one, state_.fx.st[0].begin());
  std::ranges::copy(one, state_.fx.st[1].begin());
  state_.fx.xmm[0] = {1, 2, 3, 4};
  state_.fx.xmm[7] = {10, 20, 30, 40};
  EXPECT_EQ(run(GUEST(guest_vectors)).kind, Trap::Kind::kSystemCall);
  EXPECT_EQ(state_.fx.abridged_tag_word, 0x80);
  EXPECT_EQ(state_.fx.st[0][8], 0x00) << "2.0 has the exponent 4000h";
  EXPECT_EQ(state_.fx.st[0][9], 0x40);
  EXPECT_EQ(state_.fx.xmm[0], (std::array<uint8_t, 16>{11, 22, 33, 44}));
}

TEST_F(State, VectorsStayWhenUntouched) {
  for (size_t n = 0; n < 8; ++n) state_.fx.xmm[n].fill(static_cast<uint8_t>(n + 1));
  state_.fx.mxcsr = 0x9FC0;
  state_.fx.control_word = 0x27F;
  const FxsaveImage before = state_.fx;
  EXPECT_EQ(run(GUEST(guest_vectors_stay)).kind, Trap::Kind::kSystemCall);
  EXPECT_EQ(state_.fx.xmm, before.xmm);
  EXPECT_EQ(state_.fx.mxcsr, before.mxcsr);
  EXPECT_EQ(state_.fx.control_word, before.control_word);
}

TEST_F(State, BasesOfFsAndGs) {
  const uint32_t values[] = {0xFEEDF00D, 0xCAFEBABE};
  std::memcpy(&ram_.bytes()[kDataInRam + 0x110], &values[0], 4);
  std::memcpy(&ram_.bytes()[kDataInRam + 0x220], &values[1], 4);
  state_.fs_base = kData + 0x100;
  state_.gs_base = kData + 0x200;
  const Trap trap = run(GUEST(guest_bases));
  EXPECT_EQ(trap.kind, Trap::Kind::kSystemCall);
  EXPECT_TRUE(trap.segments_kept);
  EXPECT_EQ(state_.gpr[kEax], values[0]);
  EXPECT_EQ(state_.gpr[kEcx], values[1]);
  EXPECT_EQ(state_.fs_base, kData + 0x100);
  EXPECT_EQ(state_.gs_base, kData + 0x200);
}

// As a C library that keeps its variables below the base has them: the sum wraps at 4 GiB.
TEST_F(State, BasePlusOffsetWraps) {
  ASSERT_EQ(sandbox_->map(0xFFFFF000, kDataInRam, kPage, PageRights::kRead), MapResult::kMapped);
  ram_.bytes()[kDataInRam + 0x018] = 0x77;
  state_.fs_base = 0xFFFFF008;
  state_.gs_base = kData - 8;
  EXPECT_EQ(run(GUEST(guest_bases)).kind, Trap::Kind::kSystemCall);
  EXPECT_EQ(state_.gpr[kEax], 0x77u);
  EXPECT_EQ(state_.gpr[kEcx], 0x77u);
}

TEST_F(State, LoadedSegmentIsTold) {
  state_.gs_base = 0x1000;
  const Trap trap = run(GUEST(guest_loads_gs));
  EXPECT_EQ(trap.kind, Trap::Kind::kSystemCall);
  EXPECT_FALSE(trap.segments_kept);
  EXPECT_EQ(state_.gs_base, 0u);
  state_ = state_at(kCode);
  EXPECT_TRUE(run(GUEST(guest_reads_cs)).segments_kept) << "the next run begins with the usual ones";
  EXPECT_EQ(state_.gpr[kEax] & 0xFFFF, 0x23u) << "the host's";
}

TEST_F(State, LoadedSelectorIsTold) {
  const Trap trap = run(GUEST(guest_64_bit_segment));
  EXPECT_FALSE(trap.segments_kept);
  EXPECT_EQ(trap.loaded[kEs], 0x33);
  for (const SegmentIndex other : {kSs, kDs, kFs, kGs}) EXPECT_FALSE(trap.loaded[other]);
}

TEST_F(State, AccessThroughNullSegmentFaults) {
  state_.gs_null = true;
  const Trap trap = run(GUEST(guest_reads_gs));
  expect_exception(trap, 13, 0, kCode + 1);
  EXPECT_TRUE(trap.segments_kept);
  state_.fs_null = true;
  state_.gs_null = false;
  EXPECT_EQ(run(GUEST(guest_reads_gs)).kind, Trap::Kind::kSystemCall);
}

}  // namespace
}  // namespace ringdown

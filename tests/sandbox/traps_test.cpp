// Every way in which user code traps, with the state at that moment.
#include <x86intrin.h>

#include "tests/sandbox/sandbox_fixture.h"

GUEST_CODE(guest_int80, "nop; int $0x80");
GUEST_CODE(guest_int31, "nop; int $0x31");
GUEST_CODE(guest_int3, "nop; int3");
GUEST_CODE(guest_into, "movb $0x7F, %al; incb %al; into");
GUEST_CODE(guest_bound, "movl $5, 0x20000; movl $6, 0x20004; bound %eax, 0x20000");
GUEST_CODE(guest_divide, "xorl %ecx, %ecx; divl %ecx");
GUEST_CODE(guest_ud2, "nop; ud2");
GUEST_CODE(guest_nop, "nop; nop");
GUEST_CODE(guest_unaligned, "nop; movl 0x20001, %eax");
GUEST_CODE(guest_x87, "fld1; fldz; fdivrp; fwait");
GUEST_CODE(guest_sse, "xorps %xmm1, %xmm1; divss %xmm1, %xmm0");
GUEST_CODE(guest_hlt, "nop; hlt");
GUEST_CODE(guest_cli, "nop; cli");
GUEST_CODE(guest_in, "nop; inb $0x60, %al");
GUEST_CODE(guest_rdtsc, "nop; rdtsc");
GUEST_CODE(guest_rdtsc_call, "rdtsc; int $0x80");
GUEST_CODE(guest_mov_cr3, "nop; movl %cr3, %eax");
GUEST_CODE(guest_syscall, "movl $1, %eax; syscall; hlt");
GUEST_CODE(guest_sysenter, "movl $1, %eax; sysenter; hlt");
GUEST_CODE(guest_read, "nop; movl 0x40010, %eax");
GUEST_CODE(guest_read_ecx, "movl (%ecx), %eax; int $0x80");
GUEST_CODE(guest_write, "nop; movl %eax, 0x40010");
GUEST_CODE(guest_write_code, "nop; movl %eax, 0x10100");
GUEST_CODE(guest_call, "movl $0x40010, %eax; jmp *%eax");
GUEST_CODE(guest_jump_to_data, "movl $0x20010, %eax; jmp *%eax");
GUEST_CODE(guest_read_zero, "nop; movl 0, %eax");
GUEST_CODE(guest_read_last, "nop; movl 0xFFFFFFF0, %eax");

namespace ringdown {
namespace {

using Traps = SandboxFixture;

TEST_F(Traps, SystemCallIsLeftAtTheInstruction) {
  const UserState before = state_;
  const Trap trap = run(GUEST(guest_int80));
  EXPECT_EQ(trap.kind, Trap::Kind::kSystemCall);
  EXPECT_EQ(state_.eip, kCode + 1);
  EXPECT_EQ(state_.gpr, before.gpr);
  EXPECT_EQ(state_.flags, before.flags);
  EXPECT_TRUE(trap.segments_kept);
}

TEST_F(Traps, SystemCallIsRepeatedAsOftenAsItIsRun) {
  load(GUEST(guest_int80));
  for (int n = 0; n < 1000; ++n) {
    ASSERT_EQ(sandbox_->run(state_).kind, Trap::Kind::kSystemCall);
    ASSERT_EQ(state_.eip, kCode + 1);
  }
}

TEST_F(Traps, SystemCallOfAnyNumberIsNotExecuted) {
  load(GUEST(guest_int80));
  for (uint32_t number = 0; number < 520; ++number) {
    state_ = state_at(kCode);
    state_.gpr[kEax] = number < 512 ? number : 0u - (number - 511);
    const auto before = state_.gpr;
    ASSERT_EQ(sandbox_->run(state_).kind, Trap::Kind::kSystemCall) << number;
    ASSERT_EQ(state_.gpr, before);
  }
}

TEST_F(Traps, OtherInterruptsAreProtectionFaults) {
  expect_exception(run(GUEST(guest_int31)), 13, 0x31 * 8 + 2, kCode + 1);
}

TEST_F(Traps, BreakpointIsBehindTheInstruction) { expect_exception(run(GUEST(guest_int3)), 3, 0, kCode + 2); }

TEST_F(Traps, OverflowIsBehindTheInstruction) {
  expect_exception(run(GUEST(guest_into)), 4, 0, kCode + 5);
  EXPECT_TRUE(state_.flags & eflags::kOf);
}

TEST_F(Traps, Bound) {
  state_.gpr[kEax] = 7;
  expect_exception(run(GUEST(guest_bound)), 5, 0, kCode + 20);
  EXPECT_EQ(state_.gpr[kEax], 7u);
}

TEST_F(Traps, DivideError) {
  expect_exception(run(GUEST(guest_divide)), 0, 0, kCode + 2);
  EXPECT_EQ(state_.gpr[kEdx], 0x33333333u);
}

TEST_F(Traps, InvalidOpcode) { expect_exception(run(GUEST(guest_ud2)), 6, 0, kCode + 1); }

TEST_F(Traps, SingleStep) {
  state_.flags = eflags::kTf | eflags::kCf;
  expect_exception(run(GUEST(guest_nop)), 1, 0, kCode + 1);
  EXPECT_EQ(state_.flags, eflags::kTf | eflags::kCf);
  expect_exception(sandbox_->run(state_), 1, 0, kCode + 2);
}

TEST_F(Traps, AlignmentCheck) {
  state_.flags = eflags::kAc;
  expect_exception(run(GUEST(guest_unaligned)), 17, 0, kCode + 1);
  state_.flags = 0;
  state_.eip = kCode;
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kPageFault)
      << "behind it is nothing but zeros: add %al, (%eax)";
}

TEST_F(Traps, X87Error) {
  state_.fx.control_word = 0x37F & ~0x4;
  expect_exception(run(GUEST(guest_x87)), 16, 0, kCode + 6);
  EXPECT_TRUE(state_.fx.status_word & 0x4) << "division by zero";
}

TEST_F(Traps, SseError) {
  state_.fx.mxcsr = 0x1F80 & ~0x200;
  state_.fx.xmm[0][2] = 0x80;
  state_.fx.xmm[0][3] = 0x3F;  // 1.0f
  expect_exception(run(GUEST(guest_sse)), 19, 0, kCode + 3);
  EXPECT_TRUE(state_.fx.mxcsr & 0x4) << "division by zero";
}

TEST_F(Traps, RdtscReadsTheHostsCounterWhereItMay) {
  sandbox_->trap_rdtsc(false);
  for (int n = 0; n < 3; ++n) {
    state_ = state_at(kCode);
    const uint64_t before = __rdtsc();
    EXPECT_EQ(run(GUEST(guest_rdtsc_call)).kind, Trap::Kind::kSystemCall);
    const uint64_t read = state_.gpr[kEax] | uint64_t{state_.gpr[kEdx]} << 32;
    EXPECT_GE(read, before);
    EXPECT_LE(read, __rdtsc());
  }
  sandbox_->trap_rdtsc(true);
  state_ = state_at(kCode);
  expect_exception(run(GUEST(guest_rdtsc)), 13, 0, kCode + 1);
}

// RDTSC is one at first: a guest may have a counter of its own.
TEST_F(Traps, PrivilegedInstructions) {
  for (const auto code :
       {GUEST(guest_hlt), GUEST(guest_cli), GUEST(guest_in), GUEST(guest_mov_cr3), GUEST(guest_rdtsc)}) {
    state_ = state_at(kCode);
    expect_exception(run(code), 13, 0, kCode + 1);
  }
}

// AMD's processors have SYSCALL for 32-bit code and no SYSENTER in long mode, Intel's the reverse. EAX is 1,
// exit(2): whoever executes it does not come back.
TEST_F(Traps, FastSystemCallsAreNotExecuted) {
  for (const auto code : {GUEST(guest_syscall), GUEST(guest_sysenter)}) {
    state_ = state_at(kCode);
    state_.gpr[kEsp] = state_.gpr[kEbp] = kStackTop - 16;
    const Trap trap = run(code);
    if (trap.kind == Trap::Kind::kException) {
      expect_exception(trap, 6, 0, kCode + 5);
    } else {
      EXPECT_EQ(trap.kind, Trap::Kind::kFastSystemCall);
    }
    EXPECT_EQ(state_.gpr[kEax], 1u);
    EXPECT_EQ(state_.gpr[kEbp], kStackTop - 16);
    EXPECT_EQ(state_.gpr[kEdi], 0x88888888u);
  }
}

// The host's kernel answers these without asking any filter; here it is only the state that is lost.
TEST_F(Traps, FastSystemCallWithoutStackIsNoneEither) {
  state_.gpr[kEsp] = kUnmapped;
  const Trap trap = run(GUEST(guest_syscall));
  if (trap.kind == Trap::Kind::kException) {
    expect_exception(trap, 6, 0, kCode + 5);
  } else {
    EXPECT_EQ(trap.kind, Trap::Kind::kFastSystemCall);
  }
  EXPECT_EQ(state_.gpr[kEbp], 0x66666666u);
  EXPECT_EQ(state_.gpr[kEdi], 0x88888888u);
}

TEST_F(Traps, ReadOfNothing) {
  const auto before = state_.gpr;
  expect_page_fault(run(GUEST(guest_read)), 0x40010, 4, kCode + 1);
  EXPECT_EQ(state_.gpr, before);
}

TEST_F(Traps, WriteToNothing) { expect_page_fault(run(GUEST(guest_write)), 0x40010, 6, kCode + 1); }

TEST_F(Traps, WriteToReadOnlyPage) { expect_page_fault(run(GUEST(guest_write_code)), 0x10100, 7, kCode + 1); }

TEST_F(Traps, FetchFromNothing) { expect_page_fault(run(GUEST(guest_call)), 0x40010, 0x14, 0x40010); }

TEST_F(Traps, FetchFromPageThatIsNotExecutable) {
  expect_page_fault(run(GUEST(guest_jump_to_data)), 0x20010, 0x15, 0x20010);
}

TEST_F(Traps, PageZeroIsNeverMapped) {
  EXPECT_EQ(sandbox_->map(0, kDataInRam, kPage, PageRights::kRead), MapResult::kTooLow);
  expect_page_fault(run(GUEST(guest_read_zero)), 0, 4, kCode + 1);
}

TEST_F(Traps, FaultIsRepeatedOnceThePageIsThere) {
  ram_.bytes()[kDataInRam + 0x10] = 0x5A;
  expect_page_fault(run(GUEST(guest_read)), 0x40010, 4, kCode + 1);
  ASSERT_EQ(sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kRead), MapResult::kMapped);
  sandbox_->run(state_);
  EXPECT_EQ(state_.gpr[kEax], 0x5Au);
}

TEST_F(Traps, LastPage) {
  ram_.bytes()[kDataInRam + 0xFF0] = 0x5B;
  expect_page_fault(run(GUEST(guest_read_last)), 0xFFFFFFF0, 4, kCode + 1);
  ASSERT_EQ(sandbox_->map(0xFFFFF000, kDataInRam, kPage, PageRights::kRead), MapResult::kMapped);
  sandbox_->run(state_);
  EXPECT_EQ(state_.gpr[kEax], 0x5Bu);
}

TEST_F(Traps, UnmappedPageFaults) {
  ASSERT_EQ(sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kRead), MapResult::kMapped);
  EXPECT_TRUE(sandbox_->unmap(kUnmapped, kPage));
  expect_page_fault(run(GUEST(guest_read)), 0x40010, 4, kCode + 1);
}

TEST_F(Traps, NothingIsLeftOfUnmapAll) {
  EXPECT_TRUE(sandbox_->unmap_all());
  expect_page_fault(run(GUEST(guest_read)), kCode, 0x14, kCode);
}

TEST_F(Traps, MappingIsReplaced) {
  ram_.bytes()[kStackInRam + 0x10] = 0x5C;
  ASSERT_EQ(sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kReadWrite), MapResult::kMapped);
  ASSERT_EQ(sandbox_->map(kUnmapped, kStackInRam, kPage, PageRights::kRead), MapResult::kMapped);
  run(GUEST(guest_read));
  EXPECT_EQ(state_.gpr[kEax], 0x5Cu);
  state_ = state_at(kCode);
  expect_page_fault(run(GUEST(guest_write)), 0x40010, 7, kCode + 1);
}

TEST_F(Traps, WrittenMemoryIsRam) {
  ASSERT_EQ(sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kReadWrite), MapResult::kMapped);
  run(GUEST(guest_write));
  uint32_t written;
  std::memcpy(&written, &ram_.bytes()[kDataInRam + 0x10], sizeof(written));
  EXPECT_EQ(written, 0x11111111u);
}

TEST_F(Traps, ManyAreMappedAtOnce) {
  constexpr uint32_t kCount = 150;  // more than one page of orders
  std::vector<Mapping> mappings;
  for (uint32_t n = 0; n < kCount; ++n) {
    ram_.bytes()[kSecret + n * kPage + 0x10] = static_cast<uint8_t>(n);
    mappings.push_back({kUnmapped + 2 * n * kPage, kSecret + n * kPage, kPage, PageRights::kRead});
  }
  ASSERT_EQ(sandbox_->map(mappings), MapResult::kMapped);
  for (uint32_t n = 0; n < kCount; ++n) {
    state_ = state_at(kCode);
    state_.gpr[kEcx] = mappings[n].linear + 0x10;
    ASSERT_EQ(run(GUEST(guest_read_ecx)).kind, Trap::Kind::kSystemCall);
    EXPECT_EQ(state_.gpr[kEax] & 0xFF, n);
  }
}

TEST_F(Traps, LaterOneOfManyIsOnTop) {
  ram_.bytes()[kStackInRam + 0x10] = 0x5C;
  const Mapping mappings[] = {{kUnmapped, kDataInRam, kPage, PageRights::kReadWrite},
                              {kUnmapped, kStackInRam, kPage, PageRights::kRead}};
  ASSERT_EQ(sandbox_->map(mappings), MapResult::kMapped);
  run(GUEST(guest_read));
  EXPECT_EQ(state_.gpr[kEax], 0x5Cu);
}

TEST_F(Traps, OfManyAllAreRefusedOrNone) {
  const Mapping mappings[] = {{kUnmapped, kDataInRam, kPage, PageRights::kRead},
                              {0, kDataInRam, kPage, PageRights::kRead}};
  EXPECT_EQ(sandbox_->map(mappings), MapResult::kTooLow);
  EXPECT_EQ(sandbox_->map(std::vector<Mapping>(30'001, mappings[0])), MapResult::kFull);
  expect_page_fault(run(GUEST(guest_read)), 0x40010, 4, kCode + 1);
  EXPECT_EQ(sandbox_->map(std::span<const Mapping>{}), MapResult::kMapped);
}

// Each map counts as two mappings of the 60,000.
TEST_F(Traps, MappingsHaveABound) {
  MapResult result = MapResult::kMapped;
  int maps = 0;
  for (; result == MapResult::kMapped; ++maps)
    result = sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kRead);
  EXPECT_EQ(result, MapResult::kFull);
  EXPECT_NEAR(maps, 30'000, 10);
  EXPECT_TRUE(sandbox_->unmap_all());
  EXPECT_EQ(sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kRead), MapResult::kMapped);
}

}  // namespace
}  // namespace ringdown

// What guest code can try once it is in 64-bit mode, where all of the stub is within its reach. The worst
// that may come of it is its own process's end.
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <random>
#include <thread>

#include "sandbox/stub_image.h"
#include "tests/sandbox/sandbox_fixture.h"

// Begins with a far jump to its 64-bit part.
#define GUEST_CODE_64(name, text) GUEST_CODE(name, "ljmp $0x33, $0x10007\n.code64\n" text)

// A system call's number and arguments, from the seven words at `base` + `offset`.
#define LOAD_CALL(offset, base) \
  "movq 0 + " offset "(" base   \
  "), %rax;"                    \
  "movq 8 + " offset "(" base   \
  "), %rdi;"                    \
  "movq 16 + " offset "(" base  \
  "), %rsi;"                    \
  "movq 24 + " offset "(" base  \
  "), %rdx;"                    \
  "movq 32 + " offset "(" base  \
  "), %r10;"                    \
  "movq 40 + " offset "(" base  \
  "), %r8;"                     \
  "movq 48 + " offset "(" base "), %r9;"

GUEST_CODE_64(guest_syscall, "syscall; movl $1, 0x20000; ud2");
GUEST_CODE_64(guest_int80, "int $0x80; movl $1, 0x20000; ud2");
GUEST_CODE_64(guest_ud2, "ud2");
GUEST_CODE_64(guest_vsyscall, "movq $0xFFFFFFFFFF600000, %rbx; call *%rbx; movl $1, 0x20000; ud2");
GUEST_CODE_64(guest_writes_stub, "movabsq $0x200000000, %rbx; movb $1, (%rbx); movl $1, 0x20000; ud2");
GUEST_CODE_64(guest_frame_elsewhere, "movabsq $0x200110000, %rsp; ud2");
// To the address at 20000h, with RBX and a call from there on.
GUEST_CODE_64(guest_jumps_to_site,
              "movl $0x20000, %ecx; movq 8(%rcx), %rbx;" LOAD_CALL("16", "%rcx") "jmp *(%rcx)");
// Gives the turn as the stub would, with the frame as the monitor has left it, and waits for the next
// command.
#define LIE "movabsq $0x200100000, %rbx; movl $0, (%rbx); 1: cmpl $1, (%rbx); jne 1b\n"
GUEST_CODE_64(guest_lies_about_call, LIE "movl $0, (%rbx); 2: jmp 2b");
// 272: the offset in RAM.
GUEST_CODE_64(guest_changes_call,
              LIE "addl $0x4000, 272(%rbx); movq 0x20000, %rcx;" LOAD_CALL("224", "%rbx") "jmp *%rcx");
// Changes random words of what is shared, the turn more often than others. ESI: the seed.
GUEST_CODE_64(guest_overwrites, R"(
  movabsq $0x200100000, %rbx
1: movl %esi, %eax
  shll $13, %eax
  xorl %eax, %esi
  movl %esi, %eax
  shrl $17, %eax
  xorl %eax, %esi
  movl %esi, %eax
  shll $5, %eax
  xorl %eax, %esi
  movl %esi, %eax
  xorl %edx, %edx
  divl %ecx                       # ECX: how much of it
  andl $-4, %edx
  movl %esi, (%rbx,%rdx)
  movl $0, (%rbx)
  jmp 1b)");
// Blocks all signals by way of the frame that the stub returns from, then loops in 32-bit code.
GUEST_CODE_64(guest_is_deaf, R"(
  movabsq $0x200100000, %rbx
  movq 328(%rbx), %rsp            # struct ucontext, in a frame eight bytes before it
  movq $-1, 296(%rsp)             # uc_sigmask
  movq $0x10100, 168(%rsp)        # RIP
  movl $15, %eax
  jmp *0x20008
  .org guest_is_deaf + 0x100
1: incl 0x20000
  jmp 1b)");

namespace ringdown {
namespace {

constexpr uint64_t kSyscallBytes = 2;

class Attacks : public SandboxFixture {
 protected:
  uint32_t mark() const {
    uint32_t value;
    std::memcpy(&value, &ram_.bytes()[kDataInRam], sizeof(value));
    return value;
  }
  void write_data(std::initializer_list<uint64_t> words) {
    std::copy_n(words.begin(), words.size(), reinterpret_cast<uint64_t*>(&ram_.bytes()[kDataInRam]));
  }
  void expect_death_without_mark(std::span<const uint8_t> code) {
    EXPECT_EQ(run(code).kind, Trap::Kind::kDied);
    EXPECT_EQ(mark(), 0u);
    expect_secret_kept();
  }
  // RBX as the stub has it.
  void jump_to_site(uint64_t site, uint64_t number, std::array<uint64_t, 6> arguments) {
    write_data({site - kSyscallBytes, STUB_SHARED, number, arguments[0], arguments[1], arguments[2],
                arguments[3], arguments[4], arguments[5]});
    state_ = state_at(kCode);
    EXPECT_EQ(run(GUEST(guest_jumps_to_site)).kind, Trap::Kind::kDied) << "number " << number;
    expect_secret_kept();
    make();
  }
};

// uretprobe and uprobe: the kernel's own trampolines make them, so seccomp lets them pass (Linux 6.14), and
// for anybody else they do nothing but fail.
bool passes_every_filter(uint32_t number) { return number == 335 || number == 336; }

constexpr uint64_t kShared = MAP_SHARED | MAP_FIXED;

TEST_F(Attacks, EverySystemCallIsTheEnd) {
  constexpr uint32_t kX32 = 0x40000000;
  for (uint32_t number = 0; number < 480; ++number) {
    state_ = state_at(kCode);
    state_.gpr[kEax] = number % 8 == 7 ? number | kX32 : number;
    state_.gpr[kEdi] = 0;
    SCOPED_TRACE(number);
    if (passes_every_filter(number)) {
      EXPECT_EQ(run(GUEST(guest_syscall)).kind, Trap::Kind::kDied);
      write_data({0});
    } else {
      expect_death_without_mark(GUEST(guest_syscall));
    }
    make();
  }
}

TEST_F(Attacks, NamedSystemCallsAreTheEnd) {
  for (const int number :
       {SYS_open, SYS_write, SYS_mmap, SYS_mprotect, SYS_kill, SYS_ptrace, SYS_fork, SYS_clone, SYS_execve,
        SYS_rt_sigaction, SYS_rt_sigreturn, SYS_futex, SYS_seccomp, SYS_munmap}) {
    state_ = state_at(kCode);
    state_.gpr[kEax] = static_cast<uint32_t>(number);
    expect_death_without_mark(GUEST(guest_syscall));
    make();
  }
}

TEST_F(Attacks, Int80From64BitCodeIsNotExecuted) { expect_death_without_mark(GUEST(guest_int80)); }
TEST_F(Attacks, TrapOf64BitCodeIsTheEnd) { expect_death_without_mark(GUEST(guest_ud2)); }
TEST_F(Attacks, VsyscallIsTheEnd) { expect_death_without_mark(GUEST(guest_vsyscall)); }
TEST_F(Attacks, StubCannotBeWritten) { expect_death_without_mark(GUEST(guest_writes_stub)); }
TEST_F(Attacks, FrameElsewhereIsTheEnd) { expect_death_without_mark(GUEST(guest_frame_elsewhere)); }

TEST_F(Attacks, StubMapsNothingUnasked) {
  const uint64_t site = stub_call_sites().call;
  jump_to_site(site, SYS_mmap, {kUnmapped, kPage, PROT_READ | PROT_WRITE, kShared, kChildRam, kSecret});
  jump_to_site(site, SYS_mmap, {kData, kPage, PROT_READ | PROT_WRITE, kShared, kChildRam, kDataInRam});
  jump_to_site(site, SYS_munmap, {kStack, kPage});
}

TEST_F(Attacks, StubMakesNoOtherCall) {
  const StubCallSites sites = stub_call_sites();
  const uint64_t turn = STUB_SHARED + STUB_TURN;
  jump_to_site(sites.call, SYS_write, {kChildRam, kData, 16});
  jump_to_site(sites.call, SYS_mprotect, {STUB_BASE, kPage, PROT_READ | PROT_WRITE});
  jump_to_site(sites.call, SYS_mmap | 0x40000000, {kUnmapped, kPage, PROT_READ, kShared, kChildRam, kSecret});
  jump_to_site(sites.sigreturn, SYS_mmap, {kUnmapped, kPage, PROT_READ, kShared, kChildRam, kSecret});
  jump_to_site(sites.futex, SYS_mmap, {kUnmapped, kPage, PROT_READ, kShared, kChildRam, kSecret});
  jump_to_site(sites.futex, SYS_futex, {STUB_SHARED + STUB_OUT, FUTEX_WAKE, 1});
  jump_to_site(sites.futex, SYS_futex, {turn, FUTEX_LOCK_PI, 0});
  jump_to_site(sites.futex, SYS_futex, {turn, FUTEX_WAIT, 1, kData});
}

TEST_F(Attacks, CallThatWasNotMadeIsNotBelieved) {
  run(GUEST(guest_lies_about_call));
  EXPECT_EQ(sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kRead), MapResult::kDied);
}

TEST_F(Attacks, OtherCallThanTheOneAskedForIsTheEnd) {
  write_data({stub_call_sites().call - kSyscallBytes});
  EXPECT_NE(run(GUEST(guest_changes_call)).kind, Trap::Kind::kDied) << "the lie is that of a trap";
  EXPECT_EQ(sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kReadWrite), MapResult::kDied);
  expect_secret_kept();
}

// The frame that the monitor reads, and the words around the turn, change all the time. The oracle is the
// rest of memory, and that the test ends.
TEST_F(Attacks, SharedMemoryMayChangeAtAnyTime) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const uint32_t bytes : {STUB_OUT + 0, 4096, STUB_SHARED_BYTES}) {
    for (int round = 0; round < 20; ++round) {
      state_ = state_at(kCode);
      state_.gpr[kEsi] = random() | 1;
      state_.gpr[kEcx] = bytes;
      Trap trap = run(GUEST(guest_overwrites));
      MapResult mapped = MapResult::kMapped;
      for (int n = 0; n < 200 && trap.kind != Trap::Kind::kDied; ++n) trap = sandbox_->run(state_);
      if (trap.kind != Trap::Kind::kDied)
        mapped = sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kReadWrite);
      EXPECT_TRUE(trap.kind == Trap::Kind::kDied || mapped == MapResult::kDied);
      make();
    }
  }
  expect_secret_kept();
}

TEST_F(Attacks, WhoIsDeafToPreemptionIsKilled) {
  write_data({0, stub_call_sites().sigreturn - kSyscallBytes});
  std::thread other([this] {
    const std::atomic_ref<uint32_t> count(*reinterpret_cast<uint32_t*>(&ram_.bytes()[kDataInRam]));
    while (count.load() == 0) sched_yield();
    sandbox_->preempt();
  });
  EXPECT_EQ(run(GUEST(guest_is_deaf)).kind, Trap::Kind::kDied);
  other.join();
}

}  // namespace
}  // namespace ringdown

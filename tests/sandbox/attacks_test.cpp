// What guest code can try once it is in 64-bit mode, where all of the stub is within its reach. The worst
// that may come of it is its own process's end.
#include <asm/prctl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
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
GUEST_CODE_64(guest_writes_orders, "movabsq $0x200010000, %rbx; movl $1, (%rbx); movl $1, 0x20000; ud2");
// Gives the turn as the stub would, with the frame as the monitor has left it, and goes on giving it.
GUEST_CODE_64(guest_gives_turn, "movabsq $0x200100000, %rbx; 1: movl $3, (%rbx); jmp 1b");
// The same, and then the turn is the next run's: whether a page is there is told by the trap.
GUEST_CODE_64(guest_counts, R"(
  movabsq $0x200100000, %rbx
  movl $3, (%rbx)
1: incl 0x20000
  jmp 1b)");
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
  movl $3, (%rbx)
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

// Signals that this thread handles, one after another, as a vCPU's for its guest's interrupts. Where there is
// one CPU, who gives the turn without waking the monitor is not heard before the next one.
class Interrupts {
 public:
  Interrupts() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR2, &action, &before_);
    interrupting_ = std::jthread([whom = pthread_self()](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        pthread_kill(whom, SIGUSR2);
        sched_yield();
      }
    });
  }
  ~Interrupts() {
    interrupting_ = {};
    sigaction(SIGUSR2, &before_, nullptr);
  }

 private:
  struct sigaction before_ {};
  std::jthread interrupting_;
};

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
  // Of the page at `address` in the child: its addresses, its rights, and where it is in its file.
  std::string line_of_maps(uint32_t address) const {
    char begin[16];
    std::snprintf(begin, sizeof(begin), "%08x-", address);
    std::ifstream maps("/proc/" + std::to_string(sandbox_->pid()) + "/maps");
    for (std::string line; std::getline(maps, line);)
      if (line.starts_with(begin)) return line.substr(0, 31);
    return "";
  }
  // RBX as the stub has it.
  void jump_to_site(uint64_t site, uint64_t number, std::array<uint64_t, 6> arguments) {
    write_data({site - kSyscallBytes, STUB_SHARED, number, arguments[0], arguments[1], arguments[2],
                arguments[3], arguments[4], arguments[5]});
    state_ = state_at(kCode);
    EXPECT_EQ(run(GUEST(guest_jumps_to_site)).kind, Trap::Kind::kDied) << "number " << number;
    EXPECT_EQ(signal_that_killed(sandbox_->pid()), SIGSYS) << "number " << number;
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

TEST_F(Attacks, OrdersCannotBeWritten) { expect_death_without_mark(GUEST(guest_writes_orders)); }

// Its code is within reach, but it is the thread that has the files and the right to those calls.
TEST_F(Attacks, MappersCallsAreTheMappers) {
  const StubCallSites sites = stub_call_sites();
  const uint64_t done = STUB_BASE;  // any byte
  jump_to_site(sites.mapper_call, SYS_mmap,
               {kUnmapped, kPage, PROT_READ | PROT_WRITE, kShared, kChildRam, kSecret});
  jump_to_site(sites.mapper_call, SYS_mmap,
               {kUnmapped, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0ull, 0});
  jump_to_site(sites.mapper_call, SYS_munmap, {kStack, kPage});
  jump_to_site(sites.mapper_write, SYS_write, {kChildReports, done, 1});
  jump_to_site(sites.mapper_futex, SYS_futex, {STUB_ORDERS + ORDERS_SEQUENCE, FUTEX_WAIT, 0});
  jump_to_site(sites.mapper_wake, SYS_futex, {STUB_SHARED + STUB_TURN, FUTEX_WAKE_BITSET, 1});
}

TEST_F(Attacks, StubMakesNoOtherCall) {
  const StubCallSites sites = stub_call_sites();
  const uint64_t turn = STUB_SHARED + STUB_TURN;
  for (const uint64_t site : {sites.mapper_call, sites.mapper_write, sites.mapper_futex, sites.mapper_wake,
                              sites.futex, sites.sigreturn, sites.arch_prctl, sites.prctl}) {
    jump_to_site(site, SYS_exit_group, {0});
    jump_to_site(site, SYS_write, {kChildRam, kData, 16});
    jump_to_site(site, SYS_mprotect, {STUB_ORDERS, kPage, PROT_READ | PROT_WRITE});
    jump_to_site(site, SYS_tgkill, {static_cast<uint64_t>(sandbox_->pid()), 0, SIGSTOP});
    jump_to_site(site, SYS_futex, {STUB_ORDERS + ORDERS_SEQUENCE, FUTEX_WAKE, 1});
  }
  jump_to_site(sites.sigreturn, SYS_mmap, {kUnmapped, kPage, PROT_READ, kShared, kChildRam, kSecret});
  jump_to_site(sites.arch_prctl, SYS_mmap, {kUnmapped, kPage, PROT_READ, kShared, kChildRam, kSecret});
  jump_to_site(sites.arch_prctl, SYS_arch_prctl, {ARCH_SET_CPUID, 1});
  jump_to_site(sites.arch_prctl, SYS_arch_prctl, {ARCH_SET_FS, STUB_SHARED});
  jump_to_site(sites.mapper_call, SYS_arch_prctl, {ARCH_SET_FS, STUB_SHARED});
  jump_to_site(sites.prctl, SYS_prctl, {PR_SET_DUMPABLE, 1});
  jump_to_site(sites.prctl, SYS_prctl, {PR_SET_PDEATHSIG, 0});
  jump_to_site(sites.futex, SYS_mmap, {kUnmapped, kPage, PROT_READ, kShared, kChildRam, kSecret});
  jump_to_site(sites.futex, SYS_futex, {STUB_SHARED + STUB_OUT, FUTEX_WAKE_BITSET, 1});
  jump_to_site(sites.futex, SYS_futex, {turn, FUTEX_LOCK_PI, 0});
  jump_to_site(sites.futex, SYS_futex, {turn, FUTEX_WAIT_BITSET, 1, kData});
}

// What it says about turns is not about mappings: these are as the monitor has them when it is told so.
TEST_F(Attacks, MapperDoesNotCareWhoHasTheTurn) {
  const Interrupts interrupts;
  EXPECT_NE(run(GUEST(guest_gives_turn)).kind, Trap::Kind::kDied) << "the lie is that of a trap";
  for (int n = 0; n < 200; ++n) {
    ASSERT_EQ(sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kRead), MapResult::kMapped);
    ASSERT_TRUE(sandbox_->finish_maps());
    ASSERT_EQ(line_of_maps(kUnmapped), "00040000-00041000 r--s 00004000");
    ASSERT_TRUE(sandbox_->unmap(kUnmapped, kPage));
    ASSERT_EQ(line_of_maps(kUnmapped), "");
  }
}

// Guest code that goes on while the monitor takes its page away, as it may: after the answer it has none.
TEST_F(Attacks, UnmappedPageIsGoneAtOnce) {
  const Interrupts interrupts;
  EXPECT_NE(run(GUEST(guest_counts)).kind, Trap::Kind::kDied) << "the lie is that of a trap";
  while (mark() == 0) sched_yield();
  EXPECT_TRUE(sandbox_->unmap(kData, kPage));
  const uint32_t then = mark();
  usleep(20'000);
  EXPECT_EQ(mark(), then);
}

// The frame that the monitor reads, and the words around the turn, change all the time. The oracle is the
// rest of memory, and that the test ends.
TEST_F(Attacks, SharedMemoryMayChangeAtAnyTime) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const Interrupts interrupts;
  for (const uint32_t bytes : {STUB_OUT + 0, 4096, STUB_SHARED_BYTES}) {
    for (int round = 0; round < 20; ++round) {
      state_ = state_at(kCode);
      state_.gpr[kEsi] = random() | 1;
      state_.gpr[kEcx] = bytes;
      Trap trap = run(GUEST(guest_overwrites));
      for (int n = 0; n < 200 && trap.kind != Trap::Kind::kDied; ++n) trap = sandbox_->run(state_);
      const MapResult mapped = sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kReadWrite);
      if (mapped == MapResult::kMapped && sandbox_->finish_maps()) {
        EXPECT_EQ(line_of_maps(kUnmapped), "00040000-00041000 rw-s 00004000");
      }
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

Sandbox* preempted = nullptr;

// By a handler of the thread that waits, on one CPU; it has SA_RESTART, as the vCPU's have.
TEST_F(Attacks, WhoIsDeafToPreemptionByASignalIsKilled) {
  const OnOneCpu on_one_cpu;
  sandbox_->count_cpus();
  preempted = sandbox_.get();
  struct sigaction action {
  }, handler_before;
  action.sa_handler = [](int) { preempted->preempt(); };
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR2, &action, &handler_before);
  write_data({0, stub_call_sites().sigreturn - kSyscallBytes});
  std::thread other([this, whom = pthread_self()] {
    while (mark() == 0) sched_yield();
    pthread_kill(whom, SIGUSR2);
  });
  EXPECT_EQ(run(GUEST(guest_is_deaf)).kind, Trap::Kind::kDied);
  other.join();
  sigaction(SIGUSR2, &handler_before, nullptr);
}

}  // namespace
}  // namespace ringdown

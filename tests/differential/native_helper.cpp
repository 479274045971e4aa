// The process in which test cases run natively, in compatibility mode. It holds nothing below 4 GiB but the
// pages of the case, so whatever the case does ends in a signal. A filter takes system calls from 32-bit
// code.
#include <asm/prctl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "tests/differential/native_protocol.h"

using namespace ringdown::differential;

extern "C" {
extern uint64_t thread_pointer;
void enter_guest(const uint32_t* registers, const void* fx);
void signal_entry(int, siginfo_t*, void*);
bool on_signal(int signal, const ucontext_t* context);
}

namespace {

NativeExchange* exchange;
Memory* window;    // all pages of the case, writable, far from the guest
Outcome* outcome;  // of the case that runs, or nullptr
unsigned ticks;    // of the safety timer, since the case began

constexpr long kTickMicroseconds = 10'000;
constexpr unsigned kTickLimit = 10;

[[noreturn]] void die(const char* what) {
  perror(what);
  _exit(1);
}

void map_pages() {
  const int file = memfd_create("differential", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, sizeof(Memory)) < 0) die("native helper: memfd");
  window = static_cast<Memory*>(mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  for (unsigned page = 0; page < kPageCount; ++page) {
    const int protection = PROT_READ | PROT_EXEC | (kPages[page].writable ? PROT_WRITE : 0);
    void* const address = reinterpret_cast<void*>(uintptr_t{kPages[page].address});
    const void* const mapped = mmap(address, kPageBytes, protection,
                                    MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, file, page * kPageBytes);
    if (mapped != address) die("native helper: cannot map a page below 4 GiB");
    // Present from the start and for good: the error code of a fault says whether the page was present.
    if (mlock(address, kPageBytes) < 0) die("native helper: mlock");
  }
}

// 32-bit system calls trap; of the others only those that this program itself needs are left.
void filter_system_calls() {
  constexpr uint32_t kArch = offsetof(seccomp_data, arch), kNumber = offsetof(seccomp_data, nr);
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kArch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 5, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) die("native helper: no_new_privs");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) die("native helper: seccomp");
}

void catch_signals() {
  constexpr size_t kStackBytes = 128 * 1024;  // the kernel stores all vector state here
  const stack_t stack = {.ss_sp = std::malloc(kStackBytes), .ss_flags = 0, .ss_size = kStackBytes};
  if (sigaltstack(&stack, nullptr) < 0) die("native helper: sigaltstack");
  struct sigaction action = {};
  action.sa_sigaction = signal_entry;
  // A case ends by leaving the handler without sigreturn, so no signal may stay blocked.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGPROF})
    if (sigaction(signal, &action, nullptr) < 0) die("native helper: sigaction");
}

void start_timer() {
  const itimerval interval = {{0, kTickMicroseconds}, {0, kTickMicroseconds}};
  if (setitimer(ITIMER_PROF, &interval, nullptr) < 0) die("native helper: setitimer");
}

bool has_error_code(uint32_t vector) { return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17; }

void record(const ucontext_t& context, Status status) {
  const auto& registers = context.uc_mcontext.gregs;
  constexpr int kOrder[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI};
  for (int i = 0; i < 8; ++i) outcome->gpr[i] = static_cast<uint32_t>(registers[kOrder[i]]);
  outcome->eip = static_cast<uint32_t>(registers[REG_RIP]);
  outcome->eflags = static_cast<uint32_t>(registers[REG_EFL]);
  outcome->status = status;
  outcome->vector = static_cast<uint32_t>(registers[REG_TRAPNO]);
  outcome->error_code = has_error_code(outcome->vector) ? static_cast<uint32_t>(registers[REG_ERR]) : 0;
  outcome->fault_address = outcome->vector == 14 ? static_cast<uint32_t>(registers[REG_CR2]) : 0;
  std::memcpy(&outcome->fx, context.uc_mcontext.fpregs, sizeof(outcome->fx));
}

void run(const TestCase& test_case, Outcome& result) {
  *window = test_case.memory;
  outcome = &result;
  ticks = 0;
  uint32_t registers[10];
  std::memcpy(registers, test_case.gpr.data(), sizeof(test_case.gpr));
  registers[8] = test_case.eip;
  constexpr uint32_t kSettable = ringdown::eflags::kStatus | ringdown::eflags::kDf;
  registers[9] = (test_case.eflags & kSettable) | ringdown::eflags::kFixed | ringdown::eflags::kIf;
  enter_guest(registers, &test_case.fx);
  outcome = nullptr;
  result.memory = *window;
}

void serve() {
  char byte;
  while (read(kSocketDescriptor, &byte, 1) == 1) {
    for (uint32_t i; (i = exchange->next) < exchange->count; exchange->next = i + 1)
      run(exchange->cases[i], exchange->outcomes[i]);
    if (write(kSocketDescriptor, &byte, 1) != 1) return;
  }
}

}  // namespace

// True: the case is over.
bool on_signal(int signal, const ucontext_t* context) {
  const auto& registers = context->uc_mcontext.gregs;
  const bool compatibility_mode = (registers[REG_CSGSFS] & 0xFFFF) == kCodeSelector;
  const bool guest = outcome && (compatibility_mode || static_cast<uint64_t>(registers[REG_RIP]) >> 32 == 0);
  if (signal == SIGPROF) {
    if (!guest || ++ticks < kTickLimit) return false;
    record(*context, Status::kTimedOut);
    return true;
  }
  if (!guest) _exit(2);
  const bool system_call = signal == SIGSYS || !compatibility_mode;
  record(*context, system_call ? Status::kSystemCall : Status::kException);
  return true;
}

int main() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  exchange = static_cast<NativeExchange*>(
      mmap(nullptr, sizeof(NativeExchange), PROT_READ | PROT_WRITE, MAP_SHARED, kExchangeDescriptor, 0));
  if (exchange == MAP_FAILED) die("native helper: start it from the differential test");
  if (syscall(SYS_arch_prctl, ARCH_GET_FS, &thread_pointer) < 0) die("native helper: arch_prctl");
  map_pages();
  catch_signals();
  start_timer();
  filter_system_calls();
  serve();
  _exit(0);
}

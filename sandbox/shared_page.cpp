#include "sandbox/shared_page.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <ctime>

#include "sandbox/sandbox.h"

namespace ringdown {
namespace {

// The beginning of the kernel's struct ucontext, which is also that of the C library's.
struct SignalContext {
  uint64_t flags, link;
  stack_t stack;
  FrameRegisters registers;
  uint64_t vectors;  // address of the XSAVE area
};
static_assert(offsetof(SignalContext, registers) == offsetof(ucontext_t, uc_mcontext.gregs));
static_assert(offsetof(SignalContext, vectors) == offsetof(ucontext_t, uc_mcontext.fpregs));

// Legacy XMM8 and up are behind what 32-bit code has.
constexpr size_t kVectorBytes = offsetof(FxsaveImage, xmm) + 8 * sizeof(FxsaveImage::xmm[0]);

// With one CPU whoever spins keeps the other from running. Otherwise for some 40 us: what a sleep and a
// wake-up on another CPU cost.
uint32_t spins_of_this_thread() {
  cpu_set_t cpus;
  constexpr uint32_t kSpins = 2000;
  return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) == 1 ? 0 : kSpins;
}

template <class T>
std::atomic_ref<T> word(uint8_t* bytes, size_t offset) {
  return std::atomic_ref<T>(*reinterpret_cast<T*>(bytes + offset));
}

template <class T>
void put(uint8_t* bytes, size_t offset, const T& value) {
  std::memcpy(bytes + offset, &value, sizeof(value));
}

// What is copied is not read a second time, whatever the optimizer thinks of it.
void copy_once(void* to, const uint8_t* from, size_t bytes) {
  std::memcpy(to, from, bytes);
  asm volatile("" ::: "memory");
}

timespec from_now(uint32_t milliseconds) {
  constexpr int64_t kSecond = 1'000'000'000;
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t nanoseconds = now.tv_nsec + milliseconds * int64_t{1'000'000};
  return {.tv_sec = now.tv_sec + nanoseconds / kSecond, .tv_nsec = nanoseconds % kSecond};
}

bool fits(uint64_t address, uint64_t bytes, uint64_t alignment) {
  return address % alignment == 0 && address >= STUB_SIGNAL_STACK &&
         address - STUB_SIGNAL_STACK <= STUB_SIGNAL_STACK_BYTES - bytes;
}

}  // namespace

std::unique_ptr<SharedPage> SharedPage::create() {
  FileDescriptor file(memfd_create("ringdown-shared", MFD_CLOEXEC));
  if (!file || ftruncate(file.get(), STUB_SHARED_BYTES) < 0) return nullptr;
  void* const bytes = mmap(nullptr, STUB_SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (bytes == MAP_FAILED) return nullptr;
  return std::unique_ptr<SharedPage>(new SharedPage(std::move(file), static_cast<uint8_t*>(bytes)));
}

SharedPage::SharedPage(FileDescriptor file, uint8_t* bytes) : file_(std::move(file)), bytes_(bytes) {
  count_cpus();
  put(bytes_, STUB_TURN, uint32_t{STUB_TURN_CHILD});
}

void SharedPage::count_cpus() {
  spins_ = spins_of_this_thread();
  put(bytes_, STUB_SPINS, spins_);
}

SharedPage::~SharedPage() { munmap(bytes_, STUB_SHARED_BYTES); }

bool SharedPage::give_turn_to(uint32_t whom) {
  uint32_t ours = STUB_TURN_MONITOR;
  return word<uint32_t>(bytes_, STUB_TURN).compare_exchange_strong(ours, whom);
}

bool SharedPage::give_turn() {
  if (!give_turn_to(STUB_TURN_CHILD)) return false;
  if (word<uint32_t>(bytes_, STUB_CHILD_SLEEPS).load())
    syscall(SYS_futex, bytes_ + STUB_TURN, FUTEX_WAKE_BITSET, 1, nullptr, nullptr, STUB_WAKES_CHILD);
  return true;
}

bool SharedPage::give_turn_to_mapper() { return give_turn_to(STUB_TURN_MAPPER); }

SharedPage::Turn SharedPage::wait_for_turn(std::optional<uint32_t> milliseconds) {
  const auto turn = word<uint32_t>(bytes_, STUB_TURN);
  const auto sleeps = word<uint32_t>(bytes_, STUB_MONITOR_SLEEPS);
  for (uint32_t n = 0; n < spins_; ++n) {
    if (turn.load() == STUB_TURN_MONITOR) return Turn::kOurs;
    __builtin_ia32_pause();
  }
  // Without one a handler that has SA_RESTART would not end the wait.
  constexpr timespec kNever{.tv_sec = 1ll << 32, .tv_nsec = 0};
  const timespec limit = milliseconds ? from_now(*milliseconds) : kNever;
  sleeps.exchange(1);
  if (const uint32_t whose = turn.load(); whose != STUB_TURN_MONITOR && whose != STUB_TURN_DEAD)
    syscall(SYS_futex, bytes_ + STUB_TURN, FUTEX_WAIT_BITSET, whose, &limit, nullptr, STUB_WAKES_MONITOR);
  sleeps.exchange(0);
  const uint32_t whose = turn.load();
  return whose == STUB_TURN_MONITOR ? Turn::kOurs : whose == STUB_TURN_DEAD ? Turn::kNobodys : Turn::kTheirs;
}

void SharedPage::wake() {
  syscall(SYS_futex, bytes_ + STUB_TURN, FUTEX_WAKE_BITSET, 1, nullptr, nullptr, STUB_WAKES_MONITOR);
}

void SharedPage::trap_cpuid() { put(bytes_, STUB_TRAP_CPUID, uint32_t{1}); }

void SharedPage::trap_rdtsc(bool traps) {
  put(bytes_, STUB_SET_TSC, static_cast<uint32_t>(traps ? PR_TSC_SIGSEGV : PR_TSC_ENABLE));
}

pid_t SharedPage::mapper() const {
  pid_t thread;
  copy_once(&thread, bytes_ + STUB_MAPPER, sizeof(thread));
  return thread;
}

bool SharedPage::learn_frame() {
  TrapRecord::Out out;
  copy_once(&out, bytes_ + STUB_OUT, sizeof(out));
  if (!fits(out.context, sizeof(SignalContext), 8) || !fits(out.info, sizeof(siginfo_t), 8)) return false;
  SignalContext context;
  copy_once(&context, at_child_address(out.context), sizeof(context));
  if (!fits(context.vectors, sizeof(FxsaveImage), 64)) return false;
  context_ = out.context;
  info_ = out.info;
  vectors_ = context.vectors;
  return true;
}

bool SharedPage::read(TrapRecord& record) const {
  copy_once(&record.out, bytes_ + STUB_OUT, sizeof(record.out));
  copy_once(&record.info, at_child_address(info_), sizeof(record.info));
  copy_once(&record.registers, at_child_address(context_) + offsetof(SignalContext, registers),
            sizeof(record.registers));
  return record.out.context == context_ && record.out.info == info_;
}

void SharedPage::read_vectors(UserState& state) const {
  copy_once(&state.fx, at_child_address(vectors_), kVectorBytes);
}

void SharedPage::write(const UserState& state) {
  using namespace eflags;
  // RFLAGS while the stub runs: rt_sigreturn takes over the others of UserState::kFlags from the frame.
  put(bytes_, STUB_FLAGS, uint64_t{(state.flags & (kNt | kId)) | kIf | kFixed});
  put(bytes_, STUB_FS, entered_selector(state.fs_null));
  put(bytes_, STUB_GS, entered_selector(state.gs_null));
  put(bytes_, STUB_FS_BASE, uint64_t{state.fs_base});
  put(bytes_, STUB_GS_BASE, uint64_t{state.gs_base});
  FrameRegisters registers{};
  for (size_t n = 0; n < state.gpr.size(); ++n) registers[kFrameGprs[n]] = state.gpr[n];
  registers[REG_RIP] = state.eip;
  registers[REG_EFL] = (state.flags & UserState::kFlags) | kIf | kFixed;
  registers[REG_CSGSFS] = kHostCode32 | uint64_t{kHostData} << 48;
  uint8_t* const context = at_child_address(context_);
  put(context, offsetof(SignalContext, registers), registers);
  std::memcpy(at_child_address(vectors_), &state.fx, kVectorBytes);
}

}  // namespace ringdown

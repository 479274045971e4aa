// What this host charges for the parts of any hand-off between a process that runs a guest's user code and
// one that does not, whoever writes it: less than their sum no trap there can cost.
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "bench/micro/cycles.h"

namespace ringdown {
namespace {

constexpr size_t kPage = 4096;

void* map_or_die(void* at, size_t bytes, int protection, int flags, int file, off_t offset) {
  void* const memory = mmap(at, bytes, protection, flags, file, offset);
  if (memory == MAP_FAILED) std::abort();
  return memory;
}

// MOV AL, [RDI], of two bytes, that faults.
__attribute__((naked)) void load(const void*) { asm("movb (%rdi), %al; ret"); }

void skip_load(int, siginfo_t*, void* context) {
  constexpr int64_t kLoadBytes = 2;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] += kLoadBytes;
}

void host_page_fault_signal(benchmark::State& state) {
  struct sigaction action {
  }, before;
  action.sa_sigaction = skip_load;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &before);
  void* const page = map_or_die(nullptr, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (auto _ : state) load(page);
  munmap(page, kPage);
  sigaction(SIGSEGV, &before, nullptr);
}
BENCHMARK(host_page_fault_signal)->UseRealTime()->Unit(benchmark::kMicrosecond);

// A word in memory that two processes share: whose turn it is.
class Turns {
 public:
  enum Side : uint32_t { kParent, kChild, kEnd };

  void give(Side to) {
    word().store(to);
    syscall(SYS_futex, word_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
  // What it is then: `side`, or kEnd.
  uint32_t await(Side side) {
    uint32_t turn;
    while ((turn = word().load()) != side && turn != kEnd)
      syscall(SYS_futex, word_, FUTEX_WAIT, turn, nullptr, nullptr, 0);
    return turn;
  }

 private:
  std::atomic_ref<uint32_t> word() { return std::atomic_ref(*word_); }
  uint32_t* const word_ = static_cast<uint32_t*>(
      map_or_die(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
};

// To another process and back. In between this one reads so many KiB, as a program does between its traps:
// what the kernel needs for the change is then in no near cache. Only the turn is timed.
void host_turn(benchmark::State& state) {
  Turns turns;
  std::vector<uint64_t> read(static_cast<size_t>(state.range(0)) * 1024 / sizeof(uint64_t) + 1);
  const pid_t child = fork();
  if (child == 0) {
    while (turns.await(Turns::kChild) != Turns::kEnd) turns.give(Turns::kParent);
    _exit(0);
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::accumulate(read.begin(), read.end(), uint64_t{0}));
    const auto start = std::chrono::steady_clock::now();
    turns.give(Turns::kChild);
    turns.await(Turns::kParent);
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  turns.give(Turns::kEnd);
  waitpid(child, nullptr, 0);
}
BENCHMARK(host_turn)->Arg(0)->Arg(256)->Arg(2048)->UseManualTime()->Unit(benchmark::kMicrosecond);

// One page of a file after the other, in places next to each other, each written to.
void host_map_page(benchmark::State& state) {
  constexpr size_t kPages = 1024;
  const int file = memfd_create("benchmark", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, kPages * kPage) < 0) std::abort();
  constexpr int kRights = PROT_READ | PROT_WRITE;
  auto* const filled =
      static_cast<uint8_t*>(map_or_die(nullptr, kPages * kPage, kRights, MAP_SHARED | MAP_POPULATE, file, 0));
  auto* const places = static_cast<uint8_t*>(
      map_or_die(nullptr, kPages * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  size_t n = 0;
  for (auto _ : state) {
    const size_t page = n++ % kPages, from = page * 37 % kPages;  // as a guest's allocator scatters them
    uint8_t* const place = places + page * kPage;
    map_or_die(place, kPage, kRights, MAP_SHARED | MAP_FIXED, file, static_cast<off_t>(from * kPage));
    *place = 1;
  }
  munmap(places, kPages * kPage);
  munmap(filled, kPages * kPage);
  close(file);
}
BENCHMARK(host_map_page)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ringdown

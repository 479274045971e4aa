// What the guest's user code pays for each trap when it runs in the sandbox's process, and for each page.
#include <algorithm>
#include <vector>

#include "bench/micro/cycles.h"
#include "host-driver/guest_ram.h"
#include "sandbox/sandbox.h"

namespace ringdown {
namespace {

constexpr uint32_t kPage = 4096, kCode = 0x10000, kData = 0x20000;

// A sandbox with one page of code, which is `code`.
class Guest {
 public:
  explicit Guest(std::initializer_list<uint8_t> code) {
    std::ranges::copy(code, ram_.bytes().begin());
    auto made = Sandbox::create(ram_.file());
    if (auto* sandbox = std::get_if<0>(&made)) sandbox_ = std::move(*sandbox);
    state_.eip = kCode;
    state_.fx.control_word = 0x37F;
    state_.fx.mxcsr = 0x1F80;
    is_ready_ = sandbox_ && sandbox_->map(kCode, 0, kPage, PageRights::kReadExecute) == MapResult::kMapped;
    if (sandbox_) sandbox_->trap_rdtsc(false);
  }
  bool is_ready(benchmark::State& state) const {
    if (!is_ready_) state.SkipWithError("no sandbox on this host");
    return is_ready_;
  }
  Trap run() { return sandbox_->run(state_); }
  Sandbox& sandbox() { return *sandbox_; }

 private:
  GuestRam ram_{1 << 20};
  std::unique_ptr<Sandbox> sandbox_;
  UserState state_;
  bool is_ready_ = false;
};

void sandbox_system_call(benchmark::State& state) {
  Guest guest({0xCD, 0x80});
  if (!guest.is_ready(state)) return;
  for (auto _ : state) benchmark::DoNotOptimize(guest.run());
}
BENCHMARK(sandbox_system_call)->UseRealTime()->Unit(benchmark::kMicrosecond);

void sandbox_page_fault(benchmark::State& state) {
  Guest guest({0xA1, 0x00, 0x00, 0x02, 0x00});  // mov 0x20000, %eax
  if (!guest.is_ready(state)) return;
  for (auto _ : state) benchmark::DoNotOptimize(guest.run());
}
BENCHMARK(sandbox_page_fault)->UseRealTime()->Unit(benchmark::kMicrosecond);

void sandbox_map_and_unmap(benchmark::State& state) {
  Guest guest({0xCD, 0x80});
  if (!guest.is_ready(state)) return;
  for (auto _ : state) {
    if (guest.sandbox().map(kData, kPage, kPage, PageRights::kReadWrite) == MapResult::kFull)
      guest.sandbox().unmap_all();
    guest.sandbox().unmap(kData, kPage);
  }
}
BENCHMARK(sandbox_map_and_unmap)->UseRealTime()->Unit(benchmark::kMicrosecond);

void sandbox_map_64(benchmark::State& state) {
  Guest guest({0xCD, 0x80});
  if (!guest.is_ready(state)) return;
  std::vector<Mapping> mappings;
  for (uint32_t n = 0; n < 64; ++n)
    mappings.push_back({kData + 2 * n * kPage, n * kPage, kPage, PageRights::kReadWrite});
  for (auto _ : state)
    if (guest.sandbox().map(mappings) == MapResult::kFull) guest.sandbox().unmap_all();
}
BENCHMARK(sandbox_map_64)->UseRealTime()->Unit(benchmark::kMicrosecond);

// Guest code as it meets a page for the first time.
void sandbox_page_fault_and_map(benchmark::State& state) {
  Guest guest({0xA1, 0x00, 0x00, 0x02, 0x00, 0xEB, 0xF9});  // 1: mov 0x20000, %eax; jmp 1b
  if (!guest.is_ready(state)) return;
  for (auto _ : state) {
    benchmark::DoNotOptimize(guest.run());
    if (guest.sandbox().map(kData + kPage, kPage, kPage, PageRights::kReadWrite) == MapResult::kFull)
      guest.sandbox().unmap_all();
  }
}
BENCHMARK(sandbox_page_fault_and_map)->UseRealTime()->Unit(benchmark::kMicrosecond);

void sandbox_start(benchmark::State& state) {
  for (auto _ : state) {
    Guest guest({0xCD, 0x80});
    if (!guest.is_ready(state)) return;
  }
}
BENCHMARK(sandbox_start)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ringdown

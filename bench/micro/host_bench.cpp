// What the host charges an idle guest for: the sleep, and memory that is no longer in any cache after it.
#include <ctime>

#include "bench/micro/cycles.h"
#include "host-driver/zeroed_memory.h"

namespace ringdown {
namespace {

constexpr unsigned kSleeps = 200;

// As a guest does that ticks 250 times a second.
void sleep() {
  const timespec tick{.tv_sec = 0, .tv_nsec = 4'000'000};
  nanosleep(&tick, nullptr);
}

void sleep_between_ticks(benchmark::State& state) {
  for (auto _ : state) sleep();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(sleep_between_ticks)->Iterations(kSleeps)->Unit(benchmark::kMicrosecond);

// One line after another, in an order that no prefetcher foresees.
void read_lines_after_sleep(benchmark::State& state, PageSize pages, size_t distance) {
  constexpr unsigned kLines = 64, kStep = 37;
  const ZeroedMemory memory(pages, "memory for a benchmark");
  auto* const lines = static_cast<volatile uint8_t*>(memory.start());
  for (size_t at = 0; at < ZeroedMemory::kBytes; at += 64) lines[at] = 1;
  Cycles cycles;
  for (auto _ : state) {
    sleep();
    cycles.start();
    for (unsigned n = 0; n < kLines; n++) {
      benchmark::DoNotOptimize(lines[n * kStep % kLines * distance]);
      _mm_lfence();
    }
    cycles.stop();
  }
  cycles.report(state, state.iterations() * kLines);
}
BENCHMARK_CAPTURE(read_lines_after_sleep, in_one_page, PageSize::kSmall, 64)->Iterations(kSleeps);
BENCHMARK_CAPTURE(read_lines_after_sleep, in_neighbouring_pages, PageSize::kSmall, 4096 + 64)
    ->Iterations(kSleeps);
BENCHMARK_CAPTURE(read_lines_after_sleep, in_scattered_pages, PageSize::kSmall, 7 * 4096 + 64)
    ->Iterations(kSleeps);
BENCHMARK_CAPTURE(read_lines_after_sleep, in_a_huge_page, PageSize::kHuge, 7 * 4096 + 64)
    ->Iterations(kSleeps);

}  // namespace
}  // namespace ringdown

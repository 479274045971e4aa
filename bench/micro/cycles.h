#pragma once
#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <cstdint>

namespace ringdown {

// Counts cycles of the time-stamp counter while the benchmark runs; report() shows them for each item.
class Cycles {
 public:
  void start() { started_ = __rdtsc(); }
  void stop() { total_ += __rdtsc() - started_; }
  void report(benchmark::State& state, uint64_t items) const {
    state.SetItemsProcessed(static_cast<int64_t>(items));
    state.counters["cycles"] = static_cast<double>(total_) / static_cast<double>(items);
  }

 private:
  uint64_t started_ = 0, total_ = 0;
};

}  // namespace ringdown

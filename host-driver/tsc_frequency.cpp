#include "host-driver/tsc_frequency.h"

namespace ringdown {

uint32_t TscFrequency::measure_khz() const {
  constexpr Nanoseconds kLeast = 10'000'000;
  TscReading end = read_tsc_and_clock();
  while (end.time - start_.time < kLeast) end = read_tsc_and_clock();
  const auto cycles = static_cast<double>(end.tsc - start_.tsc);
  return static_cast<uint32_t>(cycles * 1e6 / static_cast<double>(end.time - start_.time) + 0.5);
}

}  // namespace ringdown

// memcpy of each size from 8 bytes to 1 MiB, by powers of two; each size moves about as many bytes.
#include "program.h"

enum { kSmallest = 8, kLargest = 1 << 20, kBytesForEach = 2 << 20 };

static uint32_t work(uint32_t scale) {
  uint8_t* from = allocate(kLargest + 64);
  uint8_t* to = allocate(kLargest + 64);
  uint32_t sum = 1, state = 31;
  for (int i = 0; i < kLargest + 64; ++i) from[i] = (uint8_t)next_random(&state);
  for (uint32_t i = 0; i < scale; ++i) {
    for (uint32_t size = kSmallest; size <= kLargest; size *= 2) {
      // A size that the compiler knows would become moves in line.
      for (uint32_t moved = 0; moved < kBytesForEach; moved += size) {
        memcpy(to + (moved / size & 63), from + (i & 63), size);
        __asm__ volatile("" : : : "memory");
      }
      sum = mix(sum, to[size / 2]);
    }
  }
  free(to);
  free(from);
  return sum;
}

BENCHMARK("copy_sizes", 32)

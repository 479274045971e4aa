// Indirect calls: the C library's qsort with a compare callback.
#include "program.h"

static int compare(const void* left, const void* right) {
  const uint32_t a = *(const uint32_t*)left, b = *(const uint32_t*)right;
  return (a > b) - (a < b);
}

static uint32_t work(uint32_t scale) {
  enum { kCount = 20000 };
  uint32_t* values = allocate(kCount * sizeof *values);
  uint32_t sum = 1, state = 7;
  for (uint32_t i = 0; i < scale; ++i) {
    for (uint32_t j = 0; j < kCount; ++j) values[j] = next_random(&state);
    qsort(values, kCount, sizeof *values, compare);
    for (uint32_t j = 0; j < kCount; j += 100) sum = mix(sum, values[j]);
  }
  free(values);
  return sum;
}

BENCHMARK("sort", 170)

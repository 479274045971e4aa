// Strided byte stores: the sieve of Eratosthenes.
#include "program.h"

enum { kLimit = 500000 };

static uint32_t primes(uint8_t* composite) {
  uint32_t count = 0;
  memset(composite, 0, kLimit);
  for (uint32_t n = 2; n < kLimit; ++n) {
    if (composite[n]) continue;
    ++count;
    for (uint32_t multiple = 2 * n; multiple < kLimit; multiple += n) composite[multiple] = 1;
  }
  return count;
}

static uint32_t work(uint32_t scale) {
  uint8_t* composite = allocate(kLimit);
  uint32_t sum = 1;
  for (uint32_t i = 0; i < scale; ++i) sum = mix(sum, primes(composite));
  free(composite);
  return sum;
}

BENCHMARK("sieve", 320)

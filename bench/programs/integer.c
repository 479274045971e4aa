// Integer arithmetic in registers: the Collatz sequence, remainders, rotates.
#include "program.h"

static uint32_t collatz_length(uint32_t n) {
  uint32_t length = 0;
  for (uint64_t x = n; x != 1; ++length) x = x & 1 ? 3 * x + 1 : x >> 1;
  return length;
}

static uint32_t gcd(uint32_t a, uint32_t b) {
  while (b != 0) {
    const uint32_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static uint32_t work(uint32_t scale) {
  uint32_t sum = 1, state = 1;
  for (uint32_t i = 0; i < scale * 1000; ++i) {
    const uint32_t a = next_random(&state), b = next_random(&state);
    sum = mix(sum, collatz_length((a & 0xFFFF) + 1) + gcd(a, b));
    sum = (sum << 7) | (sum >> 25);
  }
  return sum;
}

BENCHMARK("integer", 850)

// Long straight runs of adds, rotates and logic, with more live values than registers: SHA-256 (FIPS 180-4).
#include "program.h"

static uint32_t k[64];

static uint32_t rotate(uint32_t x, unsigned n) { return (x >> n) | (x << (32 - n)); }

// The first 32 bits of the fractional part of a root, by integer bisection.
static uint32_t root_fraction(uint32_t n, int cube) {
  uint64_t low = 0, high = (uint64_t)1 << 37;
  while (high - low > 1) {
    const uint64_t middle = (low + high) / 2;
    const long double x = (long double)middle / 4294967296.0L;
    *((x * x * (cube ? x : 1)) <= (long double)n ? &low : &high) = middle;
  }
  return (uint32_t)low;
}

static void constants(uint32_t state[8]) {
  uint32_t found = 0;
  for (uint32_t n = 2; found < 64; ++n) {
    uint32_t divisor = 2;
    while (n % divisor != 0) ++divisor;
    if (divisor != n) continue;
    if (found < 8) state[found] = root_fraction(n, 0);
    k[found++] = root_fraction(n, 1);
  }
}

static void compress(uint32_t state[8], const uint32_t block[16]) {
  uint32_t w[64], a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  memcpy(w, block, 64);
  for (int i = 16; i < 64; ++i) {
    const uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
#pragma GCC unroll 8
  for (int i = 0; i < 64; ++i) {
    const uint32_t t1 =
        h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i];
    const uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const uint32_t sums[8] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i) state[i] += sums[i];
}

static uint32_t work(uint32_t scale) {
  uint32_t state[8], block[16], random = 3;
  constants(state);
  for (int i = 0; i < 16; ++i) block[i] = next_random(&random);
  for (uint32_t i = 0; i < scale * 1000; ++i) {
    compress(state, block);
    block[i & 15] ^= state[0];
  }
  return state[0];
}

BENCHMARK("sha256", 800)

// Carries and wide products: modular powers of 1024-bit numbers (Montgomery's product).
#include "program.h"

enum { kWords = 32 };

static uint32_t modulus[kWords], inverse;

// to = a * b / 2^1024, modulo the modulus, within one subtraction of it.
static void product(uint32_t* to, const uint32_t* a, const uint32_t* b) {
  uint32_t t[kWords + 2] = {0};
  for (int i = 0; i < kWords; ++i) {
    uint64_t carry = 0;
    for (int j = 0; j < kWords; ++j) {
      carry += (uint64_t)a[j] * b[i] + t[j];
      t[j] = (uint32_t)carry;
      carry >>= 32;
    }
    carry += t[kWords];
    t[kWords] = (uint32_t)carry;
    t[kWords + 1] = (uint32_t)(carry >> 32);
    const uint32_t m = t[0] * inverse;
    carry = ((uint64_t)m * modulus[0] + t[0]) >> 32;
    for (int j = 1; j < kWords; ++j) {
      carry += (uint64_t)m * modulus[j] + t[j];
      t[j - 1] = (uint32_t)carry;
      carry >>= 32;
    }
    carry += t[kWords];
    t[kWords - 1] = (uint32_t)carry;
    t[kWords] = t[kWords + 1] + (uint32_t)(carry >> 32);
  }
  memcpy(to, t, kWords * sizeof *to);
}

static uint32_t work(uint32_t scale) {
  uint32_t power[kWords], base[kWords], state = 23, sum = 1;
  for (int i = 0; i < kWords; ++i) {
    modulus[i] = next_random(&state) | (i == 0);
    base[i] = next_random(&state);
  }
  modulus[kWords - 1] |= 0x80000000u;
  base[kWords - 1] &= 0x7FFFFFFFu;
  // Newton's iteration for -1/modulus modulo 2^32.
  inverse = 1;
  for (int i = 0; i < 5; ++i) inverse *= 2 - modulus[0] * inverse;
  inverse = -inverse;
  memcpy(power, base, sizeof power);
  for (uint32_t i = 0; i < scale * 100; ++i) {
    product(power, power, i & 1 ? base : power);
    sum = mix(sum, power[i % kWords]);
  }
  return sum;
}

BENCHMARK("bignum", 1200)

// A matrix product of SIZE by SIZE ELEMENTs, as often as it is asked for.
#pragma once
#include "program.h"

enum { kSize = SIZE };
static ELEMENT a[kSize][kSize], b[kSize][kSize], c[kSize][kSize];

static void multiply(void) {
  for (int i = 0; i < kSize; ++i) {
    memset(c[i], 0, sizeof c[i]);
    for (int k = 0; k < kSize; ++k)
      for (int j = 0; j < kSize; ++j) c[i][j] += a[i][k] * b[k][j];
  }
}

static uint32_t work(uint32_t scale) {
  uint32_t sum = 1, state = 5;
  // Small whole numbers: sums are exact, whatever the order.
  for (int i = 0; i < kSize * kSize; ++i) {
    (&a[0][0])[i] = (ELEMENT)(next_random(&state) & 63);
    (&b[0][0])[i] = (ELEMENT)(next_random(&state) & 63);
  }
  for (uint32_t i = 0; i < scale; ++i) {
    multiply();
    a[i % kSize][0] = (ELEMENT)(i & 31);
    sum = mix(sum, (uint32_t)c[i % kSize][(i * 7) % kSize]);
  }
  return sum;
}

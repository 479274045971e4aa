// Numbers to text and back by the C library: printf and strtod with their big numbers inside, strtol. On the
// x87.
#include "program.h"

static uint32_t hash_text(uint32_t sum, const char* text) {
  for (; *text != 0; ++text) sum = mix(sum, (uint8_t)*text);
  return sum;
}

// A double of any exponent that is made of whole numbers only: no rounding of an 80-bit register can change
// it.
static double random_double(uint32_t* state) {
  const uint64_t high = next_random(state), exponent = 1023 - 200 + next_random(state) % 400;
  const uint64_t bits =
      (high >> 31) << 63 | exponent << 52 | (uint64_t)(high & 0xfffff) << 32 | next_random(state);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint32_t hash_double(uint32_t sum, double value) {
  uint32_t halves[2];
  memcpy(halves, &value, sizeof halves);
  return mix(mix(sum, halves[0]), halves[1]);
}

static uint32_t work(uint32_t scale) {
  uint32_t sum = 1, state = 43;
  char text[128];
  for (uint32_t i = 0; i < scale * 100; ++i) {
    const double value = random_double(&state);
    snprintf(text, sizeof text, "%.17g", value);
    const double read = strtod(text, NULL);
    if (memcmp(&read, &value, sizeof value) != 0) abort();
    sum = hash_double(hash_text(sum, text), read);
    snprintf(text, sizeof text, "%d %-12s|%08x %5.3f", (int)next_random(&state), "name", i,
             (double)(i % 1000) / 8);
    sum = hash_text(sum, text);
    sum = mix(sum, (uint32_t)strtol(text, NULL, 10));
  }
  return sum;
}

BENCHMARK("format", 2200)

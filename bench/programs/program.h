// What every program of the benchmark has in common. A program includes this and defines work().
//
// Usage: PROGRAM [SCALE]. It prints one line, "NAME CHECKSUM NANOSECONDS": the checksum must be the same on
// every machine, the time is that of work() alone by the monotonic clock. The default scale takes about 0.4 s
// natively, or less where TCG takes 100 times as long.
#pragma once
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Does the work `scale` times over; returns a checksum of all results.
static uint32_t work(uint32_t scale);

static inline uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint32_t mix(uint32_t sum, uint32_t value) { return (sum ^ value) * 16777619u; }

// xorshift: the inputs are the same on every machine.
static inline uint32_t next_random(uint32_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

static inline void* allocate(size_t bytes) {
  void* memory = malloc(bytes);
  if (memory == NULL) {
    fprintf(stderr, "out of memory\n");
    exit(1);
  }
  return memory;
}

#define BENCHMARK(name, default_scale)                                             \
  int main(int argc, char** argv) {                                                \
    const uint32_t scale = argc > 1 ? strtoul(argv[1], NULL, 0) : (default_scale); \
    const uint64_t start = nanoseconds();                                          \
    const uint32_t checksum = work(scale);                                         \
    const uint64_t end = nanoseconds();                                            \
    printf("%s %08" PRIx32 " %" PRIu64 "\n", name, checksum, end - start);         \
    return 0;                                                                      \
  }

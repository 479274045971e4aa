// Calls and returns and nothing else: the naive Fibonacci recursion.
#include "program.h"

__attribute__((noinline, optimize("no-optimize-sibling-calls", "no-tree-pre"))) static uint32_t fib(
    uint32_t n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint32_t work(uint32_t scale) {
  uint32_t sum = 1;
  for (uint32_t i = 0; i < scale; ++i) sum = mix(sum, fib(27 + (i & 1)));
  return sum;
}

BENCHMARK("fib", 270)

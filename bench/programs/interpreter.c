// Indirect jumps that are hard to predict: a bytecode interpreter with a dispatch table.
#include "program.h"

enum { kPush, kAdd, kMultiply, kXor, kDuplicate, kSwap, kDrop, kShift, kLoop, kHalt, kOperations };

static uint32_t run(const uint8_t* code, uint32_t seed, uint32_t loops) {
  static const void* const table[kOperations] = {&&push, &&add,  &&multiply, &&bit_xor, &&duplicate,
                                                 &&swap, &&drop, &&shift,    &&loop,    &&halt};
  uint32_t stack[64], *top = stack + 1, held;
  const uint8_t* pc = code;
  stack[0] = stack[1] = seed;
#define NEXT goto* table[*pc++]
  NEXT;
push:
  *++top = *pc++;
  NEXT;
add:
  top[-1] += *top;
  --top;
  NEXT;
multiply:
  top[-1] *= *top;
  --top;
  NEXT;
bit_xor:
  top[-1] ^= *top;
  --top;
  NEXT;
duplicate:
  top[1] = *top;
  ++top;
  NEXT;
swap:
  held = *top;
  *top = top[-1];
  top[-1] = held;
  NEXT;
drop:
  --top;
  NEXT;
shift:
  *top = (*top << 3) | (*top >> 29);
  NEXT;
loop:
  if (--loops != 0) pc = code;
  NEXT;
halt:
  return *top;
#undef NEXT
}

static uint32_t work(uint32_t scale) {
  static const uint8_t code[] = {
      kPush, 17,    kAdd,  kDuplicate, kPush, 3,    kMultiply, kXor,  kShift, kDuplicate, kPush, 5,    kSwap,
      kAdd,  kSwap, kDrop, kPush,      9,     kXor, kShift,    kPush, 31,     kMultiply,  kLoop, kHalt};
  uint32_t sum = 1;
  for (uint32_t i = 0; i < scale; ++i) sum = mix(sum, run(code, sum, 10000));
  return sum;
}

BENCHMARK("interpreter", 1600)

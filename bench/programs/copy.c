// Moving memory: memcpy, memmove and memset of many sizes and alignments, and rep movsl.
#include "program.h"

enum { kArea = 1 << 20 };

static void rep_movs(void* to, const void* from, uint32_t words) {
  __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static uint32_t work(uint32_t scale) {
  static const uint32_t sizes[] = {3, 16, 61, 200, 1024, 4096, 60000};
  uint8_t* area = allocate(2 * kArea);
  uint32_t sum = 1, state = 17;
  for (uint32_t i = 0; i < 2 * kArea; ++i) area[i] = (uint8_t)next_random(&state);
  for (uint32_t i = 0; i < scale * 1000; ++i) {
    const uint32_t size = sizes[i % 7], where = next_random(&state) % (kArea - 65536);
    memcpy(area + kArea + where, area + (where ^ 5), size);
    memmove(area + where, area + where + 9, size / 2);
    memset(area + (where ^ 1023), (int)i, size / 4);
    rep_movs(area + kArea + (where & ~3u), area + (where & ~3u), size / 4);
    sum = mix(sum, area[kArea + where]);
  }
  free(area);
  return sum;
}

BENCHMARK("copy", 60)

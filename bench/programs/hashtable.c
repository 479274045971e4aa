// Pointers, malloc and free: a chained hash table, filled, searched and emptied.
#include "program.h"

enum { kBuckets = 4096 };

struct Entry {
  struct Entry* next;
  uint32_t key, value;
};
static struct Entry* buckets[kBuckets];

static struct Entry** slot_of(uint32_t key) {
  struct Entry** slot = &buckets[(key * 2654435761u) >> 20];
  while (*slot != NULL && (*slot)->key != key) slot = &(*slot)->next;
  return slot;
}

static void add(uint32_t key) {
  struct Entry** slot = slot_of(key);
  if (*slot == NULL) {
    *slot = allocate(sizeof **slot);
    **slot = (struct Entry){NULL, key, 0};
  }
  ++(*slot)->value;
}

static uint32_t removed(uint32_t key) {
  struct Entry** slot = slot_of(key);
  struct Entry* entry = *slot;
  if (entry == NULL) return 0;
  const uint32_t value = entry->value;
  *slot = entry->next;
  free(entry);
  return value;
}

static uint32_t work(uint32_t scale) {
  uint32_t sum = 1, state = 19;
  for (uint32_t i = 0; i < scale; ++i) {
    for (uint32_t j = 0; j < 20000; ++j) add(next_random(&state) & 0x3FFF);
    for (uint32_t key = 0; key < 0x4000; ++key) sum = mix(sum, removed(key));
  }
  return sum;
}

BENCHMARK("hashtable", 500)

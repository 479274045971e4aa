// Load latency: a walk through linked nodes in random order, in sets that fit the first, second and third
// cache.
#include "program.h"

struct Node {
  struct Node* next;
  uint32_t value, unused[6];
};

// One cycle through all nodes (Sattolo's shuffle).
static struct Node* linked(uint32_t count, uint32_t* state) {
  struct Node* nodes = allocate(count * sizeof *nodes);
  uint32_t* order = allocate(count * sizeof *order);
  for (uint32_t i = 0; i < count; ++i) order[i] = i;
  for (uint32_t i = count - 1; i > 0; --i) {
    const uint32_t j = next_random(state) % i, held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
  for (uint32_t i = 0; i < count; ++i) {
    nodes[i].next = &nodes[order[i]];
    nodes[i].value = next_random(state);
  }
  free(order);
  return nodes;
}

static uint32_t work(uint32_t scale) {
  static const uint32_t counts[] = {512, 8192, 65536};
  uint32_t sum = 1, state = 11;
  for (int set = 0; set < 3; ++set) {
    struct Node* nodes = linked(counts[set], &state);
    const struct Node* node = nodes;
    for (uint32_t i = 0; i < scale * (10000u >> (2 * set)); ++i) {
      sum += node->value;
      node = node->next;
    }
    free(nodes);
  }
  return sum;
}

BENCHMARK("chase", 10000)

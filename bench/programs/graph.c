// A sparse graph in compressed rows: breadth-first searches, and ranks that flow along the edges. Loads at
// random, little arithmetic.
#include "program.h"

enum { kNodes = 20000, kDegree = 8, kEdges = kNodes * kDegree, kUnseen = 0xffffffff };

struct Graph {
  uint32_t starts[kNodes + 1], targets[kEdges];
};

// Half of the edges lead near, half anywhere.
static struct Graph* random_graph(uint32_t* state) {
  struct Graph* graph = allocate(sizeof *graph);
  uint32_t edge = 0;
  for (uint32_t node = 0; node < kNodes; ++node) {
    graph->starts[node] = edge;
    const uint32_t degree = 1 + next_random(state) % (2 * kDegree - 2);
    for (uint32_t i = 0; i < degree && edge < kEdges; ++i) {
      const uint32_t value = next_random(state);
      graph->targets[edge++] = (value & 1) != 0 ? value / 2 % kNodes : (node + value / 2 % 64) % kNodes;
    }
  }
  graph->starts[kNodes] = edge;
  return graph;
}

// The sum of all distances from a node.
static uint32_t search(const struct Graph* graph, uint32_t from, uint32_t* distances, uint32_t* queue) {
  uint32_t first = 0, last = 0, sum = 0;
  memset(distances, 0xff, kNodes * sizeof *distances);
  distances[from] = 0;
  queue[last++] = from;
  while (first != last) {
    const uint32_t node = queue[first++];
    sum += distances[node];
    for (uint32_t edge = graph->starts[node]; edge < graph->starts[node + 1]; ++edge) {
      const uint32_t target = graph->targets[edge];
      if (distances[target] != kUnseen) continue;
      distances[target] = distances[node] + 1;
      queue[last++] = target;
    }
  }
  return mix(sum, last);
}

// One step: each node passes 7/8 of its rank on to its targets. Whole numbers, so that sums are the same in
// any order.
static void flow(const struct Graph* graph, const uint32_t* ranks, uint32_t* next) {
  for (uint32_t node = 0; node < kNodes; ++node) next[node] = 1 << 17;
  for (uint32_t node = 0; node < kNodes; ++node) {
    const uint32_t start = graph->starts[node], end = graph->starts[node + 1];
    if (start == end) continue;
    const uint32_t share = ranks[node] / 8 * 7 / (end - start);
    for (uint32_t edge = start; edge < end; ++edge) next[graph->targets[edge]] += share;
  }
}

static uint32_t work(uint32_t scale) {
  uint32_t state = 29, sum = 1;
  struct Graph* graph = random_graph(&state);
  uint32_t* ranks = allocate(kNodes * sizeof *ranks);
  uint32_t* next = allocate(kNodes * sizeof *next);
  uint32_t* queue = allocate(kNodes * sizeof *queue);
  for (uint32_t i = 0; i < kNodes; ++i) ranks[i] = 1 << 20;
  for (uint32_t i = 0; i < scale; ++i) {
    for (int step = 0; step < 4; ++step) {
      flow(graph, ranks, next);
      uint32_t* held = ranks;
      ranks = next;
      next = held;
    }
    sum = mix(sum, ranks[i * 37 % kNodes]);
    sum = mix(sum, search(graph, i * 7919 % kNodes, next, queue));
  }
  free(queue);
  free(next);
  free(ranks);
  free(graph);
  return sum;
}

BENCHMARK("graph", 220)

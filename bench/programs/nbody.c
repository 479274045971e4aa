// Scalar double precision in SSE registers, with square roots and divisions: planets under gravity.
// cflags: -msse2 -mfpmath=sse
#include <math.h>

#include "program.h"

enum { kBodies = 5 };
static double position[kBodies][3], velocity[kBodies][3], mass[kBodies];

static void attract(int i, int j, double step) {
  double d[3], distance2 = 0;
  for (int axis = 0; axis < 3; ++axis) {
    d[axis] = position[i][axis] - position[j][axis];
    distance2 += d[axis] * d[axis];
  }
  const double force = step / (distance2 * sqrt(distance2));
  for (int axis = 0; axis < 3; ++axis) {
    velocity[i][axis] -= d[axis] * mass[j] * force;
    velocity[j][axis] += d[axis] * mass[i] * force;
  }
}

static void advance(double step) {
  for (int i = 0; i < kBodies; ++i)
    for (int j = i + 1; j < kBodies; ++j) attract(i, j, step);
  for (int i = 0; i < kBodies; ++i)
    for (int axis = 0; axis < 3; ++axis) position[i][axis] += step * velocity[i][axis];
}

static uint32_t work(uint32_t scale) {
  for (int i = 0; i < kBodies; ++i) {
    position[i][i % 3] = 1.0 + 3 * i;
    velocity[i][(i + 1) % 3] = 0.3 / (1 + i);
    mass[i] = i == 0 ? 1 : 0.001 * i;
  }
  for (uint32_t i = 0; i < scale * 1000; ++i) advance(0.001);
  return (uint32_t)(int64_t)(position[1][0] * 1e6) ^ (uint32_t)(int64_t)(position[4][1] * 1e6);
}

BENCHMARK("nbody", 2400)

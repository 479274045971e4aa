// Single precision in SSE registers: a matrix product.
// cflags: -msse2 -mfpmath=sse -O3
#define ELEMENT float
#define SIZE 96
#include "matmul.h"

BENCHMARK("matmul_float", 1000)

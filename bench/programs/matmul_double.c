// Double precision on the x87 stack: a matrix product.
#define ELEMENT double
#define SIZE 64
#include "matmul.h"

BENCHMARK("matmul_double", 600)

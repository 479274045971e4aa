#pragma once
#include "tests/differential/executor.h"
#include "tests/differential/random.h"

namespace ringdown::differential {

// Registers, x87/SSE state and memory for a case to begin with; no code, and eip is not set.
void randomise_state(Random& random, TestCase& out);

// The plain state in which hand-written cases begin: registers and memory 0, HLT around the code, ESP in the
// middle of the stack, x87 and SSE as FNINIT and RESET leave them.
void plain_state(TestCase& out);

}  // namespace ringdown::differential

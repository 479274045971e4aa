#pragma once
#include "tests/differential/program.h"

namespace ringdown::differential {

// Case `index` of the run with this seed: always the same.
Program generate(uint64_t seed, uint64_t index);
// The same with a setting for machines: segment bases, pages of the supervisor, supervisor code.
Program generate_for_machines(uint64_t seed, uint64_t index);

}  // namespace ringdown::differential

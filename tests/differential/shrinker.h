#pragma once
#include <functional>

#include "tests/differential/program.h"

namespace ringdown::differential {

// The smallest program found, by dropping units and making registers, vector state and memory plain, for
// which `fails` still holds, as it does for `program`.
Program shrink(Program program, const std::function<bool(const Program&)>& fails);

}  // namespace ringdown::differential

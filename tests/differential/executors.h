#pragma once
#include <memory>
#include <vector>

#include "tests/differential/executor.h"

namespace ringdown::differential {

// Every executor that is compared with the host's processor. A new one is a line in executors.cpp.
std::vector<std::unique_ptr<Executor>> our_executors();

}  // namespace ringdown::differential

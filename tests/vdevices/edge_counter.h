#pragma once
#include "vdevices/line.h"

namespace ringdown::testing {

// A line that remembers how often it rose.
struct EdgeCounter {
  int rises = 0;
  Line line{[this](bool level) { rises += level; }};
  EdgeCounter() = default;
  EdgeCounter(const EdgeCounter&) = delete;
  EdgeCounter& operator=(const EdgeCounter&) = delete;
};

}  // namespace ringdown::testing

#pragma once
#include <cstdint>
#include <vector>

#include "vdevices/screen.h"

namespace ringdown {

// What a screen shows at one moment, row by row: 00RRGGBBh.
struct Picture {
  Screen::Size size = {};
  std::vector<uint32_t> pixels = {};
};

}  // namespace ringdown

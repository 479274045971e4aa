#pragma once
#include <cstddef>

namespace ringdown {

// Bytes. Memory that is to be in huge pages starts at a multiple of it, as its place in the file that it maps
// does.
constexpr size_t kHugePage = 2 << 20;

}  // namespace ringdown

#pragma once
#include <cstdint>

namespace ringdown {

// Whether a device asks for DMA, and the way in which its data goes.
enum class DmaRequest : uint8_t { kNone, kToMemory, kFromMemory };

}  // namespace ringdown

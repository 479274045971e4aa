#pragma once
#include <cstdint>

namespace ringdown {

// How user code of the guest runs.
enum class UserCode : uint8_t {
  kTranslated,
  kNative,    // in a sandbox, wherever that can be
  kAuto,      // translated, and natively while it computes
  kRestless,  // for tests: it goes native and comes back at random
};

}  // namespace ringdown

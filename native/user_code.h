#pragma once
#include <cstdint>

namespace ringdown {

// How user code of the guest runs.
enum class UserCode : uint8_t {
  kTranslated,
  kNative,  // in a sandbox, wherever that can be
  kAuto,    // translated, and natively while it computes
};

}  // namespace ringdown

#pragma once
#include <atomic>

#include "tests/differential/executor.h"

namespace ringdown::differential {

// Shared memory between the test and its native helper. The test fills `cases`, writes one byte to the
// socket; the helper runs them from `next` to `count` and answers with one byte. If it dies instead, `next`
// names the case that killed it.
struct NativeExchange {
  static constexpr unsigned kCapacity = 64;
  std::atomic<uint32_t> next;
  uint32_t count;
  alignas(64) TestCase cases[kCapacity];
  Outcome outcomes[kCapacity];
};

// File descriptors that the helper inherits.
constexpr int kExchangeDescriptor = 3, kSocketDescriptor = 4;

}  // namespace ringdown::differential

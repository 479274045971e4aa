#pragma once
#include <cstdint>

#include "cpu/state.h"

// DR6 and DR7 (SDM vol. 3, 17.2).
namespace ringdown {

namespace dr6 {
constexpr uint32_t kSingleStep = 1u << 14;  // BS
}
namespace dr7 {
constexpr uint32_t kAnyEnabled = 0xFF;  // L0 G0 … L3 G3
constexpr uint32_t kGeneralDetect = 1u << 13;
enum Condition : unsigned { kExecute = 0, kWrite = 1, kInputOutput = 2, kReadWrite = 3 };
}  // namespace dr7

// One of the four breakpoints as DR7 describes it.
struct Breakpoint {
  bool enabled;
  dr7::Condition condition;
  uint32_t address;  // aligned to its length, as the processor ignores the low bits
  uint32_t length;   // bytes

  static Breakpoint of(const CpuState& state, unsigned n) {
    constexpr uint32_t lengths[] = {1, 2, 8, 4};
    const uint32_t control = state.dr[7] >> (16 + 4 * n);
    const uint32_t length = lengths[control >> 2 & 3];
    return {.enabled = (state.dr[7] >> (2 * n) & 3) != 0,
            .condition = static_cast<dr7::Condition>(control & 3),
            .address = state.dr[n] & ~(length - 1),
            .length = length};
  }
  bool overlaps(uint32_t start, uint32_t bytes) const {
    return start - address < length || address - start < bytes;
  }
};

// DR6.B0..B3 of the enabled breakpoints that `matches` accepts.
template <class Predicate>
uint32_t breakpoints_hit(const CpuState& state, Predicate matches) {
  if (!(state.dr[7] & dr7::kAnyEnabled)) return 0;
  uint32_t hits = 0;
  for (unsigned n = 0; n < 4; n++) {
    const Breakpoint breakpoint = Breakpoint::of(state, n);
    if (breakpoint.enabled && matches(breakpoint)) hits |= 1u << n;
  }
  return hits;
}

}  // namespace ringdown

#pragma once
#include <cstdint>

#include "cpu/instruction.h"

namespace ringdown {

// A memory operand of host code. In a window it is gs:[...] with 32-bit addressing, so that it cannot leave
// the window; otherwise it is a plain 64-bit address whose base register was computed to lie in one.
struct Address {
  static constexpr uint8_t kNone = 0xFF;
  uint8_t base = kNone, index = kNone;  // host register numbers
  uint8_t scale = 0;                    // log2
  int32_t displacement = 0;
  bool window = true;

  bool needs_rex() const { return (base != kNone && base >= 8) || (index != kNone && index >= 8); }
  Address plus(int32_t bytes) const {
    Address a = *this;
    a.displacement = static_cast<int32_t>(static_cast<uint32_t>(displacement) + static_cast<uint32_t>(bytes));
    return a;
  }
};

// The flat operand that the guest instruction names, without a segment's base. 32-bit addressing only.
Address guest_address(const Instruction& i);

}  // namespace ringdown

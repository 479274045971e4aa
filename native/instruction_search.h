#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ringdown {

using TwoBytes = std::array<uint8_t, 2>;

struct TwoByteInstruction {
  uint32_t offset;  // in the page
  TwoBytes bytes;
  bool operator==(const TwoByteInstruction&) const = default;
};

// Where in a page of 32-bit code one of these instructions of two bytes may be executed.
//
// One page in sixteen of any program has the two bytes of a given instruction by accident, within others. An
// accident is what no decoding that begins somewhat earlier comes to: from wherever one begins, within a few
// instructions it is at the boundaries that the compiler made. Code that is jumped into in the middle of its
// instructions is not found, nor is code that is written later.
//
// `behind`: the first byte of the next page, if there is one.
std::vector<TwoByteInstruction> find_two_byte_instructions(std::span<const uint8_t> page,
                                                           std::optional<uint8_t> behind,
                                                           std::span<const TwoBytes> wanted);

}  // namespace ringdown

#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ringdown {

// Where in a page of 32-bit code an instruction of two bytes, 0Fh and `opcode`, may be executed; as offsets.
//
// One page in sixteen of any program has the two bytes of a given instruction by accident, within others. An
// accident is what no decoding that begins somewhat earlier comes to: from wherever one begins, within a few
// instructions it is at the boundaries that the compiler made. Code that is jumped into in the middle of its
// instructions is not found, nor is code that is written later.
//
// `behind`: the first byte of the next page, if there is one.
std::vector<uint32_t> find_two_byte_instruction(std::span<const uint8_t> page, std::optional<uint8_t> behind,
                                                uint8_t opcode);

}  // namespace ringdown

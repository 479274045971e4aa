#pragma once
#include <cstdint>

#include "cpu/instruction.h"

namespace ringdown {

// Which encodings an instruction has: an opcode, and what its ModRM byte must be. Made by one() or two() and
// narrowed: two(0x01).reg(2).memory() is 0F 01 /2 with a memory operand.
class OpcodePattern {
 public:
  constexpr OpcodePattern() = default;
  constexpr OpcodePattern(OpcodeMap map, uint8_t opcode) : map_(map), opcode_(opcode) {}

  constexpr OpcodePattern reg(uint8_t value) const {
    OpcodePattern p = *this;
    p.modrm_mask_ |= 0x38;
    p.modrm_ |= static_cast<uint8_t>(value << 3);
    return p;
  }
  constexpr OpcodePattern memory() const {
    OpcodePattern p = *this;
    p.memory_only_ = true;
    return p;
  }
  constexpr OpcodePattern modrm(uint8_t value) const {
    OpcodePattern p = *this;
    p.modrm_mask_ = 0xFF;
    p.modrm_ = value;
    return p;
  }

  constexpr OpcodeMap map() const { return map_; }
  constexpr uint8_t opcode() const { return opcode_; }
  constexpr bool matches(OpcodeMap map, uint8_t opcode, uint8_t modrm) const {
    return map == map_ && opcode == opcode_ && (modrm & modrm_mask_) == modrm_ &&
           !(memory_only_ && modrm >= 0xC0);
  }
  constexpr bool matches(const Instruction& i) const {
    return matches(i.map, i.opcode, static_cast<uint8_t>(i.mod << 6 | i.reg << 3 | i.rm));
  }

 private:
  OpcodeMap map_ = OpcodeMap::kVector;  // matches nothing that is decoded with an opcode of 0
  uint8_t opcode_ = 0;
  uint8_t modrm_mask_ = 0, modrm_ = 0;
  bool memory_only_ = false;
};

constexpr OpcodePattern one(uint8_t opcode) { return {OpcodeMap::kOneByte, opcode}; }
constexpr OpcodePattern two(uint8_t opcode) { return {OpcodeMap::k0F, opcode}; }

}  // namespace ringdown

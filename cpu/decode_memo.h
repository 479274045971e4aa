#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "cpu/instruction.h"

namespace ringdown {

// decode(), which remembers. Of an instruction its *shape* decides nearly everything: the bytes in front of
// displacement and immediates (prefixes, opcode, ModRM, SIB; SDM vol. 2, 2.1). Code has few shapes. One that
// was seen before is copied, with the displacement and the immediates that are there now.
class DecodeMemo {
 public:
  DecodeMemo() : shapes_(kShapes) {}

  // As decode().
  DecodeStatus decode(std::span<const uint8_t> code, bool big, Instruction& out);

 private:
  static constexpr unsigned kShapes = 2048, kLongestShape = 8;  // the latter: bytes

  struct Shape {
    Instruction instruction;  // the first that had it
    uint8_t bytes;            // how many of the instruction's are its shape; 0: empty
    bool big;
  };

  Shape& at(uint64_t shape, unsigned bytes, bool big);
  void remember(const Instruction& i, bool big);

  std::vector<Shape> shapes_;
  // By an instruction's first byte: which lengths its shapes have; bit 0: one byte.
  std::array<std::array<uint8_t, 256>, 2> lengths_{};
};

}  // namespace ringdown

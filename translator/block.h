#pragma once
#include <cstdint>
#include <vector>

#include "translator/code_mode.h"

namespace ringdown {

struct Block;

// A direct jump out of a block: `jmp rel32` or `jcc rel32` at `site`, which goes to its own stub until it is
// linked. The stub is always legal: it leaves translated code with the edge as argument. It lies far from the
// block, because it is used once.
struct Edge {
  Block* from = nullptr;
  Block* to = nullptr;            // nullptr: not linked
  uint32_t target = 0;            // EIP
  const uint8_t* site = nullptr;  // of the rel32, in the executable view
  const uint8_t* stub = nullptr;
};

// The guest code that a block was made from and the mode that it was made for.
struct BlockKey {
  uint64_t physical;  // of the first instruction
  uint32_t eip;       // linear: CS is flat
  CodeMode mode;
  bool operator==(const BlockKey&) const = default;
};

// Where an instruction's host code begins. The guest's state there is exactly that before the instruction; it
// is also wherever the instruction's host code can fault.
struct InstructionStart {
  uint16_t host_offset;
  uint16_t guest_offset;
};

// One translated stretch of guest code, entered at its start only: by a linked edge at its body, by the jump
// table or the monitor at its entry, which compares r8d with the block's EIP first. Within it jumps lead ahead
// only, so that whoever is in it comes to its end.
struct Block {
  static constexpr uint64_t kNoFrame = ~uint64_t{0};

  BlockKey key;
  uint16_t guest_bytes = 0;
  uint64_t second_frame = kNoFrame;  // of the page that the last instruction reaches into
  const uint8_t* code = nullptr;     // in the executable view
  uint32_t code_bytes = 0;
  uint16_t body_offset = 0;        // the entry is in front of the body; 0: it is with the stubs
  const uint8_t* entry = nullptr;  // where the jump table leads
  std::vector<InstructionStart> starts;
  std::vector<Edge> edges;      // not to grow once the stubs are made, which hold their addresses
  std::vector<Edge*> incoming;  // edges that are linked to this block

  const uint8_t* body() const { return code + body_offset; }
  bool crosses_page() const { return second_frame != kNoFrame; }
  // The start of the instruction that a host address within the block belongs to.
  const InstructionStart& start_at(const uint8_t* host) const;
  // The start of the instruction at this EIP; nullptr if there is none.
  const InstructionStart* start_of(uint32_t eip) const;
};

}  // namespace ringdown

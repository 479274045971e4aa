#pragma once
#include <cstdint>
#include <vector>

#include "cpu/physical_memory.h"
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
  uint32_t eip;
  CodeMode mode;
  uint64_t code_segment = 0;  // TranslatorContext::code_segment

  // What jump tables know an instruction by.
  uint64_t place_of(uint32_t at) const { return code_segment + at; }
  uint32_t linear_of(uint32_t at) const { return static_cast<uint32_t>(place_of(at)); }
  uint32_t linear() const { return linear_of(eip); }
  bool operator==(const BlockKey&) const = default;
};

// Where an instruction's host code begins. The guest's state there is exactly that before the instruction; it
// is also wherever the instruction's host code can fault.
struct InstructionStart {
  uint16_t host_offset;
  uint16_t guest_offset;
  int16_t esp_offset;  // ESP is the host's RSP plus this
  bool checked;        // it looks up what it accesses, if its kind allows that
  bool exchanging;     // it writes what it reads before, which faults as a write
};

// Where a block's host code holds what depends on its EIP.
struct EipField {
  enum class Kind : uint8_t {
    kAdded,       // 32 bits that grow with it
    kSubtracted,  // 32 bits that shrink as it grows
    kTableJump,   // an EIP of 32 bits, and kTableJumpDistance behind it the displacement of its jump table
                  // entry
  };
  static constexpr unsigned kTableJumpDistance = 7;
  uint16_t host_offset;
  Kind kind;

  // In a block's code, for an EIP that is `distance` higher.
  void move(uint8_t* code, uint32_t distance) const;
};

// BlockTranslator::emit_comparison() has in front of the comparison what is done for all other EIPs: so many
// bytes, the jump last.
constexpr unsigned kMissBytes = 10, kMissJumpBytes = 7;

// Where a block may be entered: at its start, and behind the calls in it.
struct EntryPoint {
  Block* block = nullptr;
  uint32_t eip = 0;
  const uint8_t* body = nullptr;  // where linked edges lead
  // Where the jump table leads: compares r8 with the place first. nullptr: not made.
  const uint8_t* entry = nullptr;
  inline uint64_t place() const;
};

// One translated stretch of guest code. Within it jumps lead ahead only, so that whoever is in it comes to
// its end.
struct Block {
  static constexpr uint64_t kNoFrame = ~uint64_t{0};

  BlockKey key;
  uint16_t guest_bytes = 0;
  uint64_t second_frame = kNoFrame;  // of the page that the last instruction reaches into
  const uint8_t* code = nullptr;     // in the executable view
  uint32_t code_bytes = 0;
  bool calls_out = false;    // may go on with another jump table than it was entered with
  bool any_checked = false;  // of `starts`
  std::vector<InstructionStart> starts;
  std::vector<Edge> edges;               // not to grow once the stubs are made, which hold their addresses
  std::vector<EntryPoint> entry_points;  // the first is the start; not to grow once the block is in the cache
  std::vector<EipField> eip_fields;
  std::vector<uint32_t> return_points;  // offsets in `code` of where JumpTable::returns leads
  std::vector<Edge*> incoming;          // edges that are linked to one of the entry points

  bool holds(const uint8_t* host) const { return host >= code && host < code + code_bytes; }
  EntryPoint& start() { return entry_points.front(); }
  const EntryPoint& start() const { return entry_points.front(); }
  bool crosses_page() const { return second_frame != kNoFrame; }
  // Two linear pages may have one frame.
  bool has_second_frame() const { return crosses_page() && second_frame != key.physical >> kPageShift; }
  // The start of the instruction that a host address within the block belongs to.
  const InstructionStart& start_at(const uint8_t* host) const;
  // The start of the instruction at this EIP; nullptr if there is none.
  const InstructionStart* start_of(uint32_t eip) const;
};

inline uint64_t EntryPoint::place() const { return block->key.place_of(eip); }

}  // namespace ringdown

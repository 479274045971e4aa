#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "cpu/state.h"

namespace ringdown {

// Opcode maps (SDM vol. 2, appendix A).
enum class OpcodeMap : uint8_t { kOneByte, k0F, k0F38, k0F3A, k3dNow, kVector /* VEX, EVEX, XOP */ };

enum class RepeatPrefix : uint8_t { kNone, kRepne = 0xF2, kRep = 0xF3 };

constexpr uint8_t kNoRegister = 0xFF;

// One decoded instruction in a compact, copyable form; decoded by Zydis, interpreted by its raw fields.
struct Instruction {
  std::array<uint8_t, 15> bytes;
  uint8_t length;
  OpcodeMap map;
  uint8_t opcode;
  uint8_t operand_size;  // effective, of a non-byte integer operand: 2 or 4
  uint8_t address_size;  // effective: 2 or 4
  RepeatPrefix repeat;   // the last F2/F3 prefix, also where it selects an SSE instruction
  bool operand_size_prefix, address_size_prefix, lock;
  uint8_t segment_override;  // SegmentIndex or kNoRegister
  uint8_t prefix_bytes;      // how many bytes before the opcode's first byte

  bool has_modrm, has_sib;
  uint8_t mod, reg, rm;
  uint8_t scale, index, base;  // of the SIB byte: scale 0..3, raw register numbers
  int32_t displacement;
  uint8_t displacement_size;  // bytes: 0, 1, 2, 4
  struct Immediate {
    uint32_t value;
    uint8_t size;       // bytes: 0 if absent
    uint8_t offset;     // within the instruction
    bool extends_sign;  // its sign is extended to 32 bits; otherwise zeros are in front

    bool operator==(const Immediate&) const = default;
  } immediate[2];

  uint16_t mnemonic;  // ZydisMnemonic
  uint8_t isa_set;    // ZydisISASet
  uint8_t category;   // ZydisInstructionCategory

  bool memory_operand() const { return has_modrm && mod != 3; }
  bool operator==(const Instruction&) const = default;
};

// Decodes the instruction at the start of `code` for 32-bit (`big`) or 16-bit code.
enum class DecodeStatus : uint8_t { kOk, kTruncated /* needs more bytes */, kInvalid };
DecodeStatus decode(std::span<const uint8_t> code, bool big, Instruction& out);

// What an instruction of 32-bit (`big`) or 16-bit code does with its ModRM memory operand; nullopt: it has
// none.
struct MemoryAccess {
  unsigned bytes;
  bool write;
};
std::optional<MemoryAccess> memory_access(const Instruction& i, bool big = true);

// The segment that a ModRM memory operand uses: override, or SS for an ESP/EBP base, or DS.
SegmentIndex operand_segment(const Instruction& i);
// The offset that a ModRM memory operand names, truncated to the address size.
uint32_t operand_offset(const Instruction& i, const std::array<uint32_t, 8>& gpr);

}  // namespace ringdown

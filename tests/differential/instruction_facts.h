#pragma once
#include <Zydis/Zydis.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace ringdown::differential {

// What the generator must know of an instruction that it has made. By Zydis's tables.
struct InstructionFacts {
  uint8_t length;
  ZydisMnemonic mnemonic;
  bool memory_operand;       // in ModRM
  bool mmx_operand;          // a register
  uint8_t written_gprs;      // a bit for each Gpr, also for part of one
  uint32_t undefined_flags;  // eflags bits; none if only a count at run time could tell, see below
  bool supported;            // by the default CPU model; on others it is another instruction or none
  bool undefined_result;     // not only flags
  bool permitted;            // harmless at user level, and the same on every processor
};

constexpr unsigned kUnknownCount = 0xFFFFFFFF;

// `cl` is CL's value if it is known, for shifts by CL. nullopt: not an instruction.
std::optional<InstructionFacts> facts_of(std::span<const uint8_t> code, unsigned cl = kUnknownCount);

// "00400000  83 c0 01             add eax, 0x01"
std::string disassemble(std::span<const uint8_t> code, uint32_t address, unsigned& length);

}  // namespace ringdown::differential

#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "translator/block.h"

namespace ringdown {

// What -d in_asm, out_asm and exec show of translated blocks. `guest` begins at the block's first instruction
// and has all of its bytes at least.

// One line per instruction: address, bytes, disassembly. `address` is that of the first byte.
std::string disassemble_guest(std::span<const uint8_t> code, uint32_t address);
std::string disassemble_host(std::span<const uint8_t> code, uint64_t address);

// The block's guest code, under a line that says where it is and for which mode it was translated.
std::string format_guest_code(const Block& block, std::span<const uint8_t> guest);
// The host code of each guest instruction under that instruction; then what belongs to none. `host` is the
// block's code, as it is at block.code.
std::string format_host_code(const Block& block, std::span<const uint8_t> guest,
                             std::span<const uint8_t> host);

// Logs both, if asked for. To be called once the block has its place.
void log_translation(const Block& block, std::span<const uint8_t> guest, std::span<const uint8_t> host);
// The monitor enters translated code.
void log_execution(uint32_t eip, unsigned ring, const uint8_t* code);

}  // namespace ringdown

#pragma once
#include <vector>

#include "cpu/instruction.h"
#include "cpu/mmu.h"
#include "cpu/state.h"

namespace ringdown {

// Fetches and decodes the instruction at CS:EIP. Decoded instructions are kept, and used again while the
// bytes in memory are still the same: code that changes itself needs no other care.
class InstructionFetcher {
 public:
  InstructionFetcher() : cache_(kEntries) {}

  // Throws #GP(0) beyond CS.limit or 15 bytes, a page fault, #UD for what no processor knows. The reference
  // is valid until the next call.
  const Instruction& fetch(const CpuState& state, Mmu& mmu);

 private:
  struct Entry {
    uint32_t linear;
    bool big;
    Instruction instruction;  // length 0: empty
  };
  static constexpr unsigned kEntries = 4096;

  std::vector<Entry> cache_;
};

}  // namespace ringdown

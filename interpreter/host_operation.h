#pragma once
#include <cstdint>
#include <unordered_map>

#include "cpu/instruction.h"
#include "interpreter/host_code_buffer.h"

namespace ringdown {

// A guest instruction as the host can execute it, and what it does with its operands.
struct HostOperation {
  const void* code;     // the instruction and RET
  uint8_t memory_size;  // bytes of its memory operand, at most 64; 0: none
  bool reads_memory, writes_memory;
  bool aligned;             // #GP(0) unless the operand's linear address is a multiple of 16
  bool uses_mmx;            // makes the transition from x87 to MMX state
  bool uses_xmm;            // is an SSE instruction to CR4.OSFXSR and MXCSR
  uint8_t implicit_result;  // kEax or kEcx if written implicitly, or kNoRegister
};

// Translates guest instructions into HostOperations and remembers them. Which instructions: x87, MMX and SSE
// ones that touch nothing but registers and one ModRM memory operand; every other is refused.
//
// The form that is executed: prefixes 66 and F2/F3 as they select the instruction (no segment, size or lock
// prefix), general register n as r8+n, the memory operand as [rdi]. So all forms that differ in addressing
// only share one, and generated code can name no address but the buffer's. It is decoded again before use
// and must then be what was asked for.
class HostOperations {
 public:
  HostOperations() : buffer_(kBufferSize) {}

  // nullptr if the host must not execute it. Valid until the next find().
  const HostOperation* find(const Instruction& i);

 private:
  static constexpr size_t kBufferSize = 64 << 10;

  HostCodeBuffer buffer_;
  std::unordered_map<uint64_t, HostOperation> operations_;
};

}  // namespace ringdown

#pragma once
#include <cstddef>
#include <cstdint>

#include "cpu/state.h"
#include "interpreter/host_operation.h"
#include "interpreter/interpreter.h"

namespace ringdown {

// What host_execution_entry.S loads before the instruction and stores after it; it has these offsets too.
struct alignas(64) HostFrame {
  FxsaveImage fx;
  alignas(64) std::array<uint8_t, 64> memory;  // stands for the memory operand
  std::array<uint32_t, 8> gpr;
  std::array<uint32_t, 3> implicit;  // EAX, ECX, EDX
  uint32_t reserved;
  uint64_t flags;
};
static_assert(offsetof(HostFrame, memory) == 512 && offsetof(HostFrame, gpr) == 576 &&
              offsetof(HostFrame, implicit) == 608 && offsetof(HostFrame, flags) == 624);

// One x87, MMX or SSE instruction of the guest, executed by the host's processor on a copy of the guest's
// state. The host sees no exception: unmasked x87 ones stay pending in the image, SSE ones must be masked in
// the frame. The host's own MXCSR and x87 control word are preserved, its vector registers are not.
class HostExecution {
 public:
  // Raises #UD if the host must not execute `i`; otherwise checks and reads the memory operand, which may
  // fault, and prepares the frame.
  HostExecution(Interpreter& cpu, const Instruction& i, const HostOperation& operation);

  void run();
  // Stores the results in the guest: memory, general registers, status flags, x87/SSE state. The saved
  // pointers to the last x87 instruction stay what they were.
  void commit();

  HostFrame frame;

 private:
  void read_memory_operand(const Instruction& i);

  Interpreter& cpu_;
  const HostOperation& operation_;
  uint32_t linear_ = 0;  // of the memory operand
};

// The host's form of an instruction; raises #UD if it is not to be executed there.
const HostOperation& host_operation(const Instruction& i);

}  // namespace ringdown

// MMX and SSE … SSE4.2, AES, PCLMULQDQ, SHA (SDM vol. 1, chapters 9 to 12): executed by the host.
#include <Zydis/Mnemonic.h>

#include "interpreter/dispatch.h"
#include "interpreter/fpu_state.h"
#include "interpreter/host_execution.h"
#include "interpreter/vector_state.h"

namespace ringdown {
namespace {

void check_available(const CpuState& state, const HostOperation& operation) {
  if (operation.uses_xmm) check_sse_available(state);
  if (operation.uses_mmx) check_mmx_available(state);
}

// Would an unmasked underflow be raised? Masked, the processor flags a tiny result only if it is inexact too;
// with flush-to-zero it flags every one.
bool is_tiny(const HostExecution& host, const HostFrame& before) {
  HostExecution flushing = host;
  flushing.frame = before;
  flushing.frame.fx.mxcsr |= mxcsr::kFlushToZero;
  flushing.run();
  return flushing.frame.fx.mxcsr & mxcsr::kUnderflow;
}

// What the instruction flags if exceptions in `unmasked` end it (SDM vol. 1, 11.5.2 and 11.5.3): the ones
// found before computing suppress those found after it.
uint32_t flags_when_unmasked(uint32_t raised, uint32_t unmasked) {
  return raised & unmasked & mxcsr::kPreComputation ? raised & mxcsr::kPreComputation : raised;
}

// Runs with all SSE exceptions masked and no flag set, and finds out from the flags which there were. An
// unmasked one leaves its flag and no result. One flag may differ from a processor's: when an unmasked
// overflow or underflow ends the instruction, PE there says whether rounding with an unbounded exponent was
// inexact, and here whether the masked result was.
void run_masked(HostExecution& host, CpuState& state) {
  const uint32_t guest = host.frame.fx.mxcsr;
  const uint32_t unmasked = ~guest >> mxcsr::kMaskShift & mxcsr::kFlags;
  const bool underflow_unmasked = unmasked & mxcsr::kUnderflow;
  host.frame.fx.mxcsr = (guest & ~mxcsr::kFlags) | mxcsr::kMasks;
  if (underflow_unmasked) host.frame.fx.mxcsr &= ~mxcsr::kFlushToZero;
  const HostFrame before = host.frame;
  host.run();
  uint32_t raised = host.frame.fx.mxcsr & mxcsr::kFlags;
  if (underflow_unmasked && is_tiny(host, before)) raised |= mxcsr::kUnderflow;
  if (raised & unmasked) {
    state.fx.mxcsr |= flags_when_unmasked(raised, unmasked);
    raise(state.cr4 & cr4::kOsxmmexcpt ? Vector::kSimdError : Vector::kInvalidOpcode);
  }
  host.frame.fx.mxcsr = guest | raised;
}

void vector(Interpreter& cpu, const Instruction& i) {
  const HostOperation& operation = host_operation(i);
  check_available(cpu.state, operation);
  HostExecution host(cpu, i, operation);
  const uint16_t hidden = hide_pending_x87_exceptions(host.frame.fx);
  if (operation.uses_xmm)
    run_masked(host, cpu.state);
  else
    host.run();
  restore_x87_exceptions(host.frame.fx, hidden);
  host.commit();
}

struct OpcodeRange {
  uint8_t first, last;
};

void add(std::array<Handler, 256>& table, std::initializer_list<OpcodeRange> ranges) {
  for (const auto& range : ranges)
    for (unsigned opcode = range.first; opcode <= range.last; opcode++) table[opcode] = vector;
}

}  // namespace

void add_vector(DispatchTable& table) {
  add(table.two_byte,
      {{0x10, 0x17}, {0x28, 0x2F}, {0x50, 0x77}, {0x7C, 0x7F}, {0xC2, 0xC2}, {0xC4, 0xC6}, {0xD0, 0xFE}});
  add(table.three_byte_38, {{0x00, 0x0B},
                            {0x10, 0x10},
                            {0x14, 0x15},
                            {0x17, 0x17},
                            {0x1C, 0x1E},
                            {0x20, 0x25},
                            {0x28, 0x2B},
                            {0x30, 0x35},
                            {0x37, 0x41},
                            {0xC8, 0xCD},
                            {0xDB, 0xDF}});
  add(table.three_byte_3a, {{0x08, 0x0F},
                            {0x14, 0x17},
                            {0x20, 0x22},
                            {0x40, 0x42},
                            {0x44, 0x44},
                            {0x60, 0x63},
                            {0xCC, 0xCC},
                            {0xDF, 0xDF}});
  table.two_byte[0xAE] = fxsave_group;
  table.two_byte[0xF7] = mask_move;
}

}  // namespace ringdown

#pragma once
#include <array>
#include <cstdint>

#include "interpreter/descriptor.h"

// What call gates, interrupts, returns and task switches share: changing the privilege level and the stack.
namespace ringdown {

// A stack that is not necessarily the current one.
struct Stack {
  Segment segment;
  uint32_t pointer;  // ESP, all 32 bits

  uint32_t mask() const { return segment.big() ? 0xFFFFFFFF : 0xFFFF; }
};

inline Stack current_stack(const CpuState& state) { return {state.segment[kSs], state.gpr[kEsp]}; }
inline void set_stack(CpuState& state, const Stack& stack) {
  state.segment[kSs] = stack.segment;
  state.gpr[kEsp] = stack.pointer;
}

// The stack that the TSS names for privilege level `cpl`, checked (SDM vol. 2, CALL and INT n,
// "inter-privilege"). Raises #TS or #SS with `ext`. Changes nothing but the accessed bit.
Stack stack_from_tss(Interpreter& it, unsigned cpl, uint32_t ext);

// Values pushed together, so that a fault half-way leaves nothing behind.
class StackFrame {
 public:
  explicit StackFrame(bool is_32_bit) : width_(is_32_bit ? 4 : 2) {}

  void push(uint32_t value);
  // Writes the values below the pointer as a program at level `cpl` would, and moves the pointer. Raises
  // #SS(error_code) beyond the limit, or #PF.
  void write(Interpreter& it, Stack& stack, unsigned cpl, uint32_t error_code) const;

 private:
  void write_around_the_end(Interpreter& it, const Stack& stack, bool user, uint32_t error_code) const;

  static constexpr unsigned kCapacity = 40 * 4;  // a call gate: 31 parameters and four words
  const unsigned width_;
  unsigned start_ = kCapacity;
  std::array<uint8_t, kCapacity> bytes_;
};

// Loads CS with a checked segment, and EIP. Its selector's RPL becomes `cpl`, which becomes the CPL.
void enter_code_segment(CpuState& state, Segment cs, unsigned cpl, uint32_t eip);

// The descriptor that a far RET or an IRET returns to at the same or an outer level, checked; #GP or #NP.
Descriptor return_code_descriptor(Interpreter& it, uint16_t selector);
// The stack segment for a program at level `cpl` that MOV SS, RET or IRET names, checked; #GP or #SS. Sets
// its accessed bit.
Segment checked_stack_segment(Interpreter& it, uint16_t selector, unsigned cpl);

// After a return to an outer level: DS, ES, FS and GS lose what that level may not reach.
void drop_inaccessible_segments(CpuState& state);

// A segment register as real mode (`base` is selected; limit and attributes stay) and virtual-8086 mode load
// it.
void load_real_mode_segment(Segment& segment, uint16_t selector);
Segment virtual_8086_segment(uint16_t selector);

}  // namespace ringdown

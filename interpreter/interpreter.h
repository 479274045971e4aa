#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "cpu/cpu_bus.h"
#include "cpu/cpu_model.h"
#include "cpu/fault.h"
#include "cpu/instruction.h"
#include "cpu/mmu.h"
#include "cpu/state.h"

namespace ringdown {

class InstructionFetcher;

// The reference processor: executes one guest instruction at a time, completely and plainly, in every mode.
// It runs what translation declines, re-executes an instruction whose translation faulted, and is the oracle
// of the differential tests. Semantics live in one file per chapter; each file has its table of handlers.
//
// A handler changes state only after its last access that can fault, or relies on step(), which restores the
// general registers, EIP and EFLAGS of the instruction's start when a Fault is thrown.
class Interpreter {
 public:
  Interpreter(CpuState& state, Mmu& mmu, CpuBus& bus, const CpuModel& model);
  ~Interpreter();

  // Executes one instruction at CS:EIP, and delivers the exception it raises, if any, and the single-step
  // trap. A repeated string instruction runs at most `kRepeatBatch` iterations per step and stays at its own
  // EIP (with EFLAGS.RF set, as an interrupt's image shows it) until it is done. Does nothing if the
  // processor is halted or shut down.
  //
  // RF: step() clears it before the handler runs, so a handler sees and pushes 0 (a trap) and IRET may set
  // it. When a handler faults, step() restores the checkpoint and sets RF before deliver_exception(), except
  // for a #DB: the image to push is eflags_image() as it is. DR6 is written by whoever raises the #DB.
  void step();

  // What the last step() executed, or tried to; nullptr if it could not be fetched or there was no step.
  // Valid until the next step().
  const Instruction* executed() const { return executed_; }

  // Takes an external interrupt (the caller has checked IF and the shadow) or NMI; ends HLT.
  void deliver_interrupt(uint8_t vector);
  // Delivers an exception at the current EIP: contributory faults become double faults, then a shutdown.
  void deliver_exception(const Fault& fault);

  CpuState& state;
  Mmu& mmu;
  CpuBus& bus;
  const CpuModel& model;

  // ---- What handlers are written with -------------------------------------------------------------------

  static constexpr unsigned kRepeatBatch = 4096;

  bool user() const { return state.cpl == 3; }

  // Memory through a segment: checks limit, type and presence (raises #GP or #SS), then the page tables.
  template <class T>
  T read(SegmentIndex segment, uint32_t offset) {
    return mmu.read<T>(linear(segment, offset, sizeof(T), AccessKind::kRead), user());
  }
  template <class T>
  void write(SegmentIndex segment, uint32_t offset, T value) {
    mmu.write<T>(linear(segment, offset, sizeof(T), AccessKind::kWrite), value, user());
  }
  // The linear address of a checked access of `length` bytes.
  uint32_t linear(SegmentIndex segment, uint32_t offset, unsigned length, AccessKind kind);

  // Registers by number and width; T is uint8_t (AL CL DL BL AH CH DH BH), uint16_t or uint32_t.
  template <class T>
  T reg(unsigned n) const;
  template <class T>
  void set_reg(unsigned n, T value);

  // The ModRM r/m operand: a register or memory.
  template <class T>
  T read_rm(const Instruction& i) {
    return i.mod == 3 ? reg<T>(i.rm) : read<T>(operand_segment(i), operand_offset(i, state.gpr));
  }
  template <class T>
  void write_rm(const Instruction& i, T value) {
    if (i.mod == 3) return set_reg<T>(i.rm, value);
    write<T>(operand_segment(i), operand_offset(i, state.gpr), value);
  }
  // Reads a memory operand that will be written: faults as the write would, before anything changes.
  template <class T>
  T read_rm_for_update(const Instruction& i) {
    if (i.mod == 3) return reg<T>(i.rm);
    const uint32_t address =
        linear(operand_segment(i), operand_offset(i, state.gpr), sizeof(T), AccessKind::kWrite);
    mmu.check_write(address, sizeof(T), user());
    return mmu.read<T>(address, user());
  }

  // The stack at SS:(E)SP; the width of the stack pointer is SS.B. T is uint16_t or uint32_t.
  template <class T>
  void push(T value);
  template <class T>
  T pop();
  uint32_t stack_pointer() const { return state.gpr[kEsp] & state.stack_mask(); }
  void set_stack_pointer(uint32_t value) {
    state.gpr[kEsp] = (state.gpr[kEsp] & ~state.stack_mask()) | (value & state.stack_mask());
  }

  // A #DB trap after this instruction, for these DR6 bits: data and I/O breakpoints, task switches.
  void request_debug_trap(uint32_t dr6_bits) { debug_hits_ |= dr6_bits; }

  // Near transfer of control: checks CS.limit (#GP) and truncates to 16 bits for a 16-bit operand size.
  void jump_near(uint32_t target, unsigned operand_size);

  // String instructions call this after each iteration: a later fault restarts from here, not from the start.
  void commit();
  // A task switch calls this once the new task's registers are loaded: a later fault belongs to the new task.
  void commit_context() { save_checkpoint(); }
  // An unfinished repeated instruction: the next step() continues it.
  void stay_at_this_instruction();
  // May a repeated instruction go on, or must a trap or breakpoint be taken between two iterations?
  bool may_continue_repeat() const;
  // Does an access of this many bytes pass the segment's checks? Raises nothing.
  bool segment_allows(SegmentIndex segment, uint32_t offset, unsigned length, AccessKind kind) const;
  // Must each single access be looked at: by the debug registers, or for its alignment?
  bool accesses_observed() const;

 private:
  struct Checkpoint {
    std::array<uint32_t, 8> gpr;
    uint32_t eip, flags, interrupt_flag, system_flags;
  };
  void save_checkpoint();
  void restore_checkpoint();
  void execute_one();
  void fail(Fault fault);
  // The #DB for the T bit of a task that an interrupt or exception has just switched to (no step() follows).
  std::optional<Fault> take_task_switch_trap();
  void finish(bool single_step);
  void check_instruction_breakpoints();
  void check_data_breakpoints(uint32_t address, unsigned length, AccessKind kind);
  void check_alignment(uint32_t address, unsigned length, AccessKind kind);
  bool alignment_checked() const;

  Checkpoint checkpoint_;
  const Instruction* executed_ = nullptr;
  std::unique_ptr<InstructionFetcher> fetcher_;
  uint32_t debug_hits_ = 0;        // DR6 bits of a #DB trap that is due after this instruction
  bool ends_single_step_ = false;  // INT n and its like clear TF without a trap
};

template <class T>
T Interpreter::reg(unsigned n) const {
  if constexpr (sizeof(T) == 1) return static_cast<T>(n < 4 ? state.gpr[n] : state.gpr[n - 4] >> 8);
  return static_cast<T>(state.gpr[n]);
}

template <class T>
void Interpreter::set_reg(unsigned n, T value) {
  if constexpr (sizeof(T) == 4) {
    state.gpr[n] = value;
  } else if constexpr (sizeof(T) == 2) {
    state.gpr[n] = (state.gpr[n] & 0xFFFF0000) | value;
  } else {
    const unsigned shift = n < 4 ? 0 : 8;
    uint32_t& whole = state.gpr[n & 3];
    whole = (whole & ~(0xFFu << shift)) | static_cast<uint32_t>(value) << shift;
  }
}

template <class T>
void Interpreter::push(T value) {
  const uint32_t top = (stack_pointer() - sizeof(T)) & state.stack_mask();
  write<T>(kSs, top, value);
  set_stack_pointer(top);
}

template <class T>
T Interpreter::pop() {
  const uint32_t top = stack_pointer();
  const T value = read<T>(kSs, top);
  set_stack_pointer(top + sizeof(T));
  return value;
}

}  // namespace ringdown

#include "interpreter/host_execution.h"

extern "C" void ringdown_run_on_host(ringdown::HostFrame* frame, const void* code);

namespace ringdown {

const HostOperation& host_operation(const Instruction& i) {
  thread_local HostOperations operations;
  const HostOperation* operation = operations.find(i);
  if (!operation) raise(Vector::kInvalidOpcode);
  return *operation;
}

HostExecution::HostExecution(Interpreter& cpu, const Instruction& i, const HostOperation& operation)
    : frame{}, cpu_(cpu), operation_(operation) {
  const CpuState& state = cpu.state;
  if (operation.memory_size) read_memory_operand(i);
  frame.fx = state.fx;
  frame.fx.mxcsr &= cpu.model.mxcsr_writable();
  frame.gpr = state.gpr;
  frame.implicit = {state.gpr[kEax], state.gpr[kEcx], state.gpr[kEdx]};
  frame.flags = (state.flags & eflags::kStatus) | eflags::kFixed;
}

// An operand that is written is read as well: an x87 store whose unmasked exception suppresses it then
// leaves the operand as it was.
void HostExecution::read_memory_operand(const Instruction& i) {
  const AccessKind kind = operation_.writes_memory ? AccessKind::kWrite : AccessKind::kRead;
  linear_ = cpu_.linear(operand_segment(i), operand_offset(i, cpu_.state.gpr), operation_.memory_size, kind);
  if (operation_.aligned && linear_ % 16 != 0) raise_general_protection();
  if (operation_.writes_memory) cpu_.mmu.check_write(linear_, operation_.memory_size, cpu_.user());
  cpu_.mmu.read_bytes(linear_, frame.memory.data(), operation_.memory_size, cpu_.user());
}

void HostExecution::run() { ringdown_run_on_host(&frame, operation_.code); }

void HostExecution::commit() {
  CpuState& state = cpu_.state;
  if (operation_.writes_memory)
    cpu_.mmu.write_bytes(linear_, frame.memory.data(), operation_.memory_size, cpu_.user());
  state.gpr = frame.gpr;
  if (operation_.implicit_result != kNoRegister)
    state.gpr[operation_.implicit_result] = frame.implicit[operation_.implicit_result];
  state.flags = (state.flags & ~eflags::kStatus) | (frame.flags & eflags::kStatus);
  // The host's image holds addresses of the host here, or nothing.
  frame.fx.last_opcode = state.fx.last_opcode;
  frame.fx.instruction_offset = state.fx.instruction_offset;
  frame.fx.instruction_selector = state.fx.instruction_selector;
  frame.fx.operand_offset = state.fx.operand_offset;
  frame.fx.operand_selector = state.fx.operand_selector;
  frame.fx.mxcsr_mask = state.fx.mxcsr_mask;
  state.fx = frame.fx;
}

}  // namespace ringdown

#include "interpreter/interpreter.h"

#include "interpreter/debug_breakpoints.h"
#include "interpreter/dispatch.h"
#include "interpreter/fetch.h"
#include "interpreter/lock.h"
#include "interpreter/virtual_interrupts.h"

namespace ringdown {
namespace {

// These enter a handler with TF clear, and no single-step trap follows them (SDM vol. 3, 17.3.1.4). INTO only
// if it was taken, which the cleared TF tells.
bool is_software_interrupt(const Instruction& i) {
  constexpr uint8_t kInt3 = 0xCC, kIntN = 0xCD, kInto = 0xCE, kInt1 = 0xF1;
  if (i.map != OpcodeMap::kOneByte) return false;
  return i.opcode == kInt3 || i.opcode == kIntN || i.opcode == kInto || i.opcode == kInt1;
}

}  // namespace

Interpreter::Interpreter(CpuState& state, Mmu& mmu, CpuBus& bus, const CpuModel& model)
    : state(state),
      mmu(mmu),
      bus(bus),
      model(model),
      checkpoint_{},
      fetcher_(std::make_unique<InstructionFetcher>()) {}

Interpreter::~Interpreter() = default;

void Interpreter::step() {
  executed_ = nullptr;
  if (state.halted || state.shutdown) return;
  const bool single_step = state.system_flags & eflags::kTf;
  const bool after_stack_switch = state.debug_trap_shadowed;
  state.interrupts_shadowed = state.debug_trap_shadowed = false;
  save_checkpoint();
  try {
    if (!after_stack_switch) check_instruction_breakpoints();
    if (virtual_interrupt_is_due(state)) raise_general_protection();
    execute_one();
  } catch (const Fault& fault) {
    return fail(fault);
  }
  finish(single_step);
}

void Interpreter::execute_one() {
  const Instruction& i = fetcher_->fetch(state, mmu);
  executed_ = &i;
  if (!model.supports(i)) raise(Vector::kInvalidOpcode);
  if (i.lock && !may_be_locked(i)) raise(Vector::kInvalidOpcode);
  const Handler handler = find_handler(i);
  if (!handler) raise(Vector::kInvalidOpcode);
  state.system_flags &= ~eflags::kRf;
  state.eip += i.length;
  handler(*this, i);
  ends_single_step_ = is_software_interrupt(i) && !(state.system_flags & eflags::kTf);
}

// The fault is the instruction's only event: what it would have trapped for afterwards never happened.
void Interpreter::fail(Fault fault) {
  restore_checkpoint();
  debug_hits_ = 0;
  if (fault.vector == Vector::kDebug)
    state.dr[7] &= ~dr7::kGeneralDetect;
  else
    state.system_flags |= eflags::kRf;
  deliver_exception(fault);
}

// Traps, after the instruction. Behind MOV SS or POP SS a single step is lost and a data breakpoint waits.
void Interpreter::finish(bool single_step) {
  if (state.debug_trap_shadowed) return;
  const uint32_t hits = debug_hits_ | (single_step && !ends_single_step_ ? dr6::kSingleStep : 0);
  debug_hits_ = 0;
  if (!hits || state.shutdown) return;
  state.halted = false;
  state.dr[6] |= hits;
  state.dr[7] &= ~dr7::kGeneralDetect;
  deliver_exception(Fault{Vector::kDebug});
}

void Interpreter::check_instruction_breakpoints() {
  if (state.system_flags & eflags::kRf) return;
  const uint32_t address = state.segment[kCs].base + state.eip;
  const uint32_t hits = breakpoints_hit(
      state, [&](const Breakpoint& b) { return b.condition == dr7::kExecute && b.overlaps(address, 1); });
  if (!hits) return;
  state.dr[6] |= hits;
  raise(Vector::kDebug);
}

void Interpreter::save_checkpoint() {
  checkpoint_.eip = state.eip;
  commit();
}

void Interpreter::commit() {
  checkpoint_.gpr = state.gpr;
  checkpoint_.flags = state.flags;
  checkpoint_.interrupt_flag = state.interrupt_flag;
  checkpoint_.system_flags = state.system_flags;
}

void Interpreter::restore_checkpoint() {
  state.gpr = checkpoint_.gpr;
  state.eip = checkpoint_.eip;
  state.flags = checkpoint_.flags;
  state.interrupt_flag = checkpoint_.interrupt_flag;
  state.system_flags = checkpoint_.system_flags;
}

void Interpreter::stay_at_this_instruction() {
  state.eip = checkpoint_.eip;
  state.system_flags |= eflags::kRf;
}

bool Interpreter::may_continue_repeat() const { return !debug_hits_ && !(state.system_flags & eflags::kTf); }

void Interpreter::jump_near(uint32_t target, unsigned operand_size) {
  if (operand_size == 2) target &= 0xFFFF;
  if (target > state.segment[kCs].limit) raise_general_protection();
  state.eip = target;
}

}  // namespace ringdown

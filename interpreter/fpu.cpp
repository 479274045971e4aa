// x87 instructions (SDM vol. 1, chapter 8): arithmetic is executed by the host, what stores or loads the
// whole environment is done here so that the pointers in it are the guest's.
#include <Zydis/Mnemonic.h>

#include <cstring>

#include "interpreter/dispatch.h"
#include "interpreter/fpu_state.h"
#include "interpreter/host_execution.h"

namespace ringdown {
namespace {

constexpr unsigned kRegisterBytes = 10;

struct Range {
  uint32_t linear;
  unsigned length;
};

Range operand_range(Interpreter& cpu, const Instruction& i, unsigned length, AccessKind kind) {
  return {cpu.linear(operand_segment(i), operand_offset(i, cpu.state.gpr), length, kind), length};
}

void fnstenv(Interpreter& cpu, const Instruction& i) {
  FxsaveImage& fx = cpu.state.fx;
  const EnvironmentLayout layout = environment_layout(cpu.state, i);
  std::array<uint8_t, 28> image;
  store_environment(fx, layout, image);
  const Range to = operand_range(cpu, i, layout.size(), AccessKind::kWrite);
  cpu.mmu.write_bytes(to.linear, image.data(), to.length, cpu.user());
  fx.control_word |= x87_status::kExceptions;
  update_error_summary(fx);
}

void fldenv(Interpreter& cpu, const Instruction& i) {
  report_pending_x87_exception(cpu.state);
  const EnvironmentLayout layout = environment_layout(cpu.state, i);
  std::array<uint8_t, 28> image;
  const Range from = operand_range(cpu, i, layout.size(), AccessKind::kRead);
  cpu.mmu.read_bytes(from.linear, image.data(), from.length, cpu.user());
  load_environment(cpu.state.fx, layout, image);
}

void fnsave(Interpreter& cpu, const Instruction& i) {
  FxsaveImage& fx = cpu.state.fx;
  const EnvironmentLayout layout = environment_layout(cpu.state, i);
  std::array<uint8_t, 28 + 8 * kRegisterBytes> image;
  store_environment(fx, layout, image);
  for (unsigned n = 0; n < 8; n++)
    std::memcpy(image.data() + layout.size() + n * kRegisterBytes, fx.st[n].data(), kRegisterBytes);
  const Range to = operand_range(cpu, i, layout.size() + 8 * kRegisterBytes, AccessKind::kWrite);
  cpu.mmu.write_bytes(to.linear, image.data(), to.length, cpu.user());
  initialize_x87(fx);
}

void frstor(Interpreter& cpu, const Instruction& i) {
  report_pending_x87_exception(cpu.state);
  FxsaveImage& fx = cpu.state.fx;
  const EnvironmentLayout layout = environment_layout(cpu.state, i);
  std::array<uint8_t, 28 + 8 * kRegisterBytes> image;
  const Range from = operand_range(cpu, i, layout.size() + 8 * kRegisterBytes, AccessKind::kRead);
  cpu.mmu.read_bytes(from.linear, image.data(), from.length, cpu.user());
  load_environment(fx, layout, image);
  for (unsigned n = 0; n < 8; n++)
    std::memcpy(fx.st[n].data(), image.data() + layout.size() + n * kRegisterBytes, kRegisterBytes);
}

// Instructions that run whatever exception is pending (SDM vol. 1, 8.3.12).
bool is_non_waiting(const Instruction& i) {
  switch (i.mnemonic) {
    case ZYDIS_MNEMONIC_FNCLEX:
    case ZYDIS_MNEMONIC_FNSTCW:
    case ZYDIS_MNEMONIC_FNSTSW:
    case ZYDIS_MNEMONIC_FDISI8087_NOP:
    case ZYDIS_MNEMONIC_FENI8087_NOP:
    case ZYDIS_MNEMONIC_FSETPM287_NOP:
      return true;
  }
  return false;
}

// Control instructions leave the pointers to the last instruction alone (SDM vol. 1, 8.1.8).
bool updates_pointers(const Instruction& i) {
  return !is_non_waiting(i) && i.mnemonic != ZYDIS_MNEMONIC_FLDCW;
}

void record_pointers(CpuState& state, uint32_t operand_offset, const Instruction& i) {
  const uint32_t eip_mask = state.segment[kCs].big() ? 0xFFFFFFFF : 0xFFFF;
  FxsaveImage& fx = state.fx;
  fx.instruction_offset = (state.eip - i.length) & eip_mask;
  fx.instruction_selector = state.segment[kCs].selector;
  fx.last_opcode = static_cast<uint16_t>((i.opcode & 7) << 8 | i.mod << 6 | i.reg << 3 | i.rm);
  if (!i.memory_operand()) return;
  fx.operand_offset = operand_offset;
  fx.operand_selector = state.segment[operand_segment(i)].selector;
}

void execute(Interpreter& cpu, const Instruction& i) {
  const bool waiting = !is_non_waiting(i);
  if (waiting) report_pending_x87_exception(cpu.state);
  const uint32_t offset = i.memory_operand() ? operand_offset(i, cpu.state.gpr) : 0;
  HostExecution host(cpu, i, host_operation(i));
  const uint16_t ignored = waiting ? hide_pending_x87_exceptions(host.frame.fx) : 0;
  host.run();
  restore_x87_exceptions(host.frame.fx, ignored);
  host.commit();
  if (updates_pointers(i)) record_pointers(cpu.state, offset, i);
}

void x87(Interpreter& cpu, const Instruction& i) {
  if (cpu.state.cr0 & (cr0::kEm | cr0::kTs)) raise(Vector::kDeviceNotAvailable);
  switch (i.mnemonic) {
    case ZYDIS_MNEMONIC_FNINIT:
      return initialize_x87(cpu.state.fx);
    case ZYDIS_MNEMONIC_FNSTENV:
      return fnstenv(cpu, i);
    case ZYDIS_MNEMONIC_FLDENV:
      return fldenv(cpu, i);
    case ZYDIS_MNEMONIC_FNSAVE:
      return fnsave(cpu, i);
    case ZYDIS_MNEMONIC_FRSTOR:
      return frstor(cpu, i);
  }
  execute(cpu, i);
}

void fwait(Interpreter& cpu, const Instruction&) {
  constexpr uint32_t traps = cr0::kMp | cr0::kTs;
  if ((cpu.state.cr0 & traps) == traps) raise(Vector::kDeviceNotAvailable);
  report_pending_x87_exception(cpu.state);
}

}  // namespace

void add_fpu(DispatchTable& table) {
  table.one_byte[0x9B] = fwait;
  for (unsigned opcode = 0xD8; opcode <= 0xDF; opcode++) table.one_byte[opcode] = x87;
}

}  // namespace ringdown

#include "interpreter/descriptor.h"
#include "interpreter/dispatch.h"
#include "interpreter/segment.h"

// LAR LSL VERR VERW ARPL: what a program may learn about descriptors (SDM vol. 3, 5.10). Only ZF changes.
namespace ringdown {
namespace {

void require_protected_mode(const Interpreter& it) {
  if (it.state.without_descriptors()) raise(Vector::kInvalidOpcode);
}

void set_zero_flag(Interpreter& it, bool value) {
  it.state.flags = value ? it.state.flags | eflags::kZf : it.state.flags & ~eflags::kZf;
}

// Could the program use the descriptor, by its CPL and the selector's RPL? Conforming code always.
bool visible(const Interpreter& it, const Descriptor& d, uint16_t selector) {
  return d.conforming() || (d.dpl() >= it.state.cpl && d.dpl() >= (selector & 3u));
}

bool has_access_rights(const Descriptor& d) {
  using enum SystemType;
  return !d.system() || d.available_tss() || d.busy_tss() || d.call_gate() || d.is(kLdt) || d.is(kTaskGate);
}

bool has_limit(const Descriptor& d) {
  return !d.system() || d.available_tss() || d.busy_tss() || d.is(SystemType::kLdt);
}

void set_result(Interpreter& it, const Instruction& i, uint32_t value) {
  if (i.operand_size == 4)
    it.set_reg<uint32_t>(i.reg, value);
  else
    it.set_reg<uint16_t>(i.reg, static_cast<uint16_t>(value));
}

void lar(Interpreter& it, const Instruction& i) {
  require_protected_mode(it);
  const uint16_t selector = it.read_rm<uint16_t>(i);
  const auto d = find_descriptor(it, selector);
  const bool ok = d && has_access_rights(*d) && visible(it, *d, selector);
  if (ok) set_result(it, i, d->high() & 0x00F0FF00);
  set_zero_flag(it, ok);
}

void lsl(Interpreter& it, const Instruction& i) {
  require_protected_mode(it);
  const uint16_t selector = it.read_rm<uint16_t>(i);
  const auto d = find_descriptor(it, selector);
  const bool ok = d && has_limit(*d) && visible(it, *d, selector);
  if (ok) set_result(it, i, d->limit());
  set_zero_flag(it, ok);
}

void arpl(Interpreter& it, const Instruction& i) {
  require_protected_mode(it);
  const uint16_t selector = it.read_rm_for_update<uint16_t>(i);
  const uint16_t caller_rpl = it.reg<uint16_t>(i.reg) & 3;
  const bool raised = (selector & 3) < caller_rpl;
  if (raised) it.write_rm<uint16_t>(i, static_cast<uint16_t>((selector & ~3) | caller_rpl));
  set_zero_flag(it, raised);
}

}  // namespace

void verify_segment(Interpreter& it, const Instruction& i, bool for_write) {
  require_protected_mode(it);
  const uint16_t selector = it.read_rm<uint16_t>(i);
  const auto d = find_descriptor(it, selector);
  set_zero_flag(it, d && (for_write ? d->writable() : d->readable()) && visible(it, *d, selector));
}

void add_protection_checks(DispatchTable& table) {
  table.two_byte[0x02] = lar;
  table.two_byte[0x03] = lsl;
  table.one_byte[0x63] = arpl;
}

}  // namespace ringdown

#include "interpreter/task_switch.h"

#include "interpreter/control_registers.h"
#include "interpreter/events.h"
#include "interpreter/privilege.h"
#include "interpreter/tss.h"

namespace ringdown {
namespace {

constexpr unsigned kSegmentFields32 = 6,
                   kSegmentFields16 = 4;  // ES CS SS DS (FS GS), the order of SegmentIndex

// The dynamic part of a TSS, as the processor holds it while it switches.
struct Context {
  uint32_t cr3 = 0, eip, eflags;
  std::array<uint32_t, 8> gpr;
  std::array<uint16_t, 6> selector{};
  uint16_t ldt;
  bool trap = false;
};

// Everything that a switch decides before it changes anything.
struct Plan {
  Segment new_tr, old_tr;
  Context context;
  std::array<uint64_t, 4> pdpte;
  bool loads_cr3;
  bool nested, clears_old_busy;
};

Context read_context_32(Interpreter& it, uint32_t base) {
  const auto word = [&](uint32_t at) { return it.mmu.read<uint32_t>(base + at, false); };
  Context c{.cr3 = word(tss::kCr3), .eip = word(tss::kEip), .eflags = word(tss::kEflags)};
  for (unsigned n = 0; n < 8; n++) c.gpr[n] = word(tss::kGprs + n * 4);
  for (unsigned n = 0; n < kSegmentFields32; n++)
    c.selector[n] = static_cast<uint16_t>(word(tss::kSegments + n * 4));
  c.ldt = static_cast<uint16_t>(word(tss::kLdt));
  c.trap = word(tss::kTrap) & 1;
  return c;
}

Context read_context_16(Interpreter& it, uint32_t base) {
  const auto half = [&](uint32_t at) { return it.mmu.read<uint16_t>(base + at, false); };
  Context c{.eip = half(tss::kIp16), .eflags = half(tss::kFlags16)};
  // The upper halves are undefined; processors leave all ones.
  for (unsigned n = 0; n < 8; n++) c.gpr[n] = 0xFFFF0000 | half(tss::kGprs16 + n * 2);
  for (unsigned n = 0; n < kSegmentFields16; n++) c.selector[n] = half(tss::kSegments16 + n * 2);
  c.ldt = half(tss::kLdt16);
  return c;
}

// First and last byte of what is saved in a TSS.
struct SavedPart {
  uint32_t first, end;
};

SavedPart saved_part(const Segment& tr) {
  if (tss::is_32_bit(tr)) return {tss::kEip, tss::kLdt};
  return {tss::kIp16, tss::kLdt16};
}

void check_writes(Interpreter& it, const TaskSwitch& request, const Plan& plan) {
  const auto [first, end] = saved_part(plan.old_tr);
  if (end - 1 > plan.old_tr.limit)
    raise(Vector::kInvalidTss, selector_error(plan.old_tr.selector, request.ext));
  it.mmu.check_write(plan.old_tr.base + first, end - first, false);
  const auto check_descriptor = [&](uint16_t selector) {
    if (const auto at = descriptor_address(it.state, selector)) it.mmu.check_write(*at, 8, false);
  };
  check_descriptor(request.selector);
  check_descriptor(plan.old_tr.selector);
  if (plan.nested) it.mmu.check_write(plan.new_tr.base, 2, false);
}

Plan make_plan(Interpreter& it, const TaskSwitch& request) {
  const Descriptor d = require_descriptor(it, request.selector, Vector::kGeneralProtection, request.ext);
  Plan plan{.new_tr = d.segment(request.selector), .old_tr = it.state.tr};
  const bool wide = tss::is_32_bit(plan.new_tr);
  if (d.limit() < (wide ? tss::kMinimumLimit32 : tss::kMinimumLimit16))
    raise(Vector::kInvalidTss, selector_error(request.selector, request.ext));
  plan.nested = request.cause == TaskSwitchCause::kCall || request.cause == TaskSwitchCause::kInterrupt;
  plan.clears_old_busy = !plan.nested;
  plan.context = wide ? read_context_32(it, d.base()) : read_context_16(it, d.base());
  plan.loads_cr3 = wide && it.state.paging();
  if (plan.loads_cr3 && it.state.pae() && !read_pdptes(it, plan.context.cr3, plan.pdpte))
    raise(Vector::kInvalidTss, selector_error(request.selector, request.ext));
  check_writes(it, request, plan);
  return plan;
}

void save_context_32(Interpreter& it, uint32_t base, uint32_t eflags) {
  const CpuState& s = it.state;
  it.mmu.write<uint32_t>(base + tss::kEip, s.eip, false);
  it.mmu.write<uint32_t>(base + tss::kEflags, eflags, false);
  for (unsigned n = 0; n < 8; n++) it.mmu.write<uint32_t>(base + tss::kGprs + n * 4, s.gpr[n], false);
  for (unsigned n = 0; n < kSegmentFields32; n++)
    it.mmu.write<uint16_t>(base + tss::kSegments + n * 4, s.segment[n].selector, false);
}

void save_context_16(Interpreter& it, uint32_t base, uint32_t eflags) {
  const CpuState& s = it.state;
  const auto half = [&](uint32_t at, uint32_t value) {
    it.mmu.write<uint16_t>(base + at, static_cast<uint16_t>(value), false);
  };
  half(tss::kIp16, s.eip);
  half(tss::kFlags16, eflags);
  for (unsigned n = 0; n < 8; n++) half(tss::kGprs16 + n * 2, s.gpr[n]);
  for (unsigned n = 0; n < kSegmentFields16; n++) half(tss::kSegments16 + n * 2, s.segment[n].selector);
}

void leave_old_task(Interpreter& it, const TaskSwitch& request, const Plan& plan) {
  const Segment& old = plan.old_tr;
  const bool has_descriptor = descriptor_address(it.state, old.selector).has_value();
  if (plan.clears_old_busy && has_descriptor) set_busy(it, old.selector, false);
  uint32_t eflags = request.saved_eflags;
  if (request.cause == TaskSwitchCause::kReturn) eflags &= ~eflags::kNt;
  if (tss::is_32_bit(old))
    save_context_32(it, old.base, eflags);
  else
    save_context_16(it, old.base, eflags);
}

void enter_new_task(Interpreter& it, const TaskSwitch& request, Plan& plan) {
  if (plan.nested) it.mmu.write<uint16_t>(plan.new_tr.base, plan.old_tr.selector, false);
  if (request.cause != TaskSwitchCause::kReturn) set_busy(it, request.selector, true);
  CpuState& s = it.state;
  s.tr = plan.new_tr;
  s.tr.attributes |= 2;  // busy
  s.cr0 |= cr0::kTs;
  s.dr[7] &= ~dr7::kLocalEnables;
  const Context& c = plan.context;
  s.gpr = c.gpr;
  s.eip = c.eip;
  s.set_eflags_image(c.eflags | (plan.nested ? eflags::kNt : 0));
  if (!plan.loads_cr3) return;
  s.cr3 = c.cr3;
  if (s.pae()) s.pdpte = plan.pdpte;
  flush_tlb(it, TlbFlush::kNonGlobal);
}

// Loading and checking what the new TSS names. Each register is unusable until its turn.
class NewSegments {
 public:
  NewSegments(Interpreter& it, const Context& context, uint32_t ext)
      : it_(it), context_(context), ext_(ext) {}

  void load() {
    for (unsigned n = 0; n < 6; n++) it_.state.segment[n] = {.selector = context_.selector[n]};
    it_.state.ldtr = {.selector = context_.ldt};
    it_.state.cpl = it_.state.virtual_8086() ? 3 : context_.selector[kCs] & 3;
    load_ldtr();
    if (it_.state.virtual_8086()) {
      for (unsigned n = 0; n < 6; n++) it_.state.segment[n] = virtual_8086_segment(context_.selector[n]);
      return;
    }
    load_code();
    load_stack();
    for (const SegmentIndex index : {kDs, kEs, kFs, kGs}) load_data(index);
  }

 private:
  [[noreturn]] void invalid(uint16_t selector) { raise(Vector::kInvalidTss, selector_error(selector, ext_)); }
  void require_present(const Descriptor& d, uint16_t selector, Vector vector) {
    if (!d.present()) raise(vector, selector_error(selector, ext_));
  }
  void finish(SegmentIndex index, uint16_t selector, Descriptor d) {
    mark_accessed(it_, selector, d);
    it_.state.segment[index] = d.segment(selector);
  }

  void load_ldtr() {
    const uint16_t selector = context_.ldt;
    if (null_selector(selector)) return;
    if (in_ldt(selector)) invalid(selector);
    const Descriptor d = require_descriptor(it_, selector, Vector::kInvalidTss, ext_);
    if (!d.is(SystemType::kLdt) || !d.present()) invalid(selector);
    it_.state.ldtr = d.segment(selector);
  }

  void load_code() {
    const uint16_t selector = context_.selector[kCs];
    const Descriptor d = require_descriptor(it_, selector, Vector::kInvalidTss, ext_);
    const unsigned rpl = selector & 3;
    if (!d.code() || (d.conforming() ? d.dpl() > rpl : d.dpl() != rpl)) invalid(selector);
    require_present(d, selector, Vector::kSegmentNotPresent);
    finish(kCs, selector, d);
  }

  void load_stack() {
    const uint16_t selector = context_.selector[kSs];
    const Descriptor d = require_descriptor(it_, selector, Vector::kInvalidTss, ext_);
    if (!d.writable() || d.dpl() != it_.state.cpl || (selector & 3u) != it_.state.cpl) invalid(selector);
    require_present(d, selector, Vector::kStackFault);
    finish(kSs, selector, d);
  }

  void load_data(SegmentIndex index) {
    const uint16_t selector = context_.selector[index];
    if (null_selector(selector)) return;
    const Descriptor d = require_descriptor(it_, selector, Vector::kInvalidTss, ext_);
    const unsigned rpl = selector & 3;
    const bool reachable = d.conforming() || (d.dpl() >= it_.state.cpl && d.dpl() >= rpl);
    if (!d.readable() || !reachable) invalid(selector);
    require_present(d, selector, Vector::kSegmentNotPresent);
    finish(index, selector, d);
  }

  Interpreter& it_;
  const Context& context_;
  const uint32_t ext_;
};

void push_error_code(Interpreter& it, const TaskSwitch& request) {
  StackFrame frame(tss::is_32_bit(it.state.tr));
  frame.push(*request.error_code);
  Stack stack = current_stack(it.state);
  frame.write(it, stack, it.state.cpl, request.ext);
  set_stack(it.state, stack);
}

}  // namespace

void switch_task(Interpreter& it, const TaskSwitch& request) {
  Plan plan = make_plan(it, request);
  leave_old_task(it, request, plan);
  enter_new_task(it, request, plan);
  it.commit_context();
  NewSegments(it, plan.context, request.ext).load();
  if (request.error_code) push_error_code(it, request);
  it.commit_context();
  if (it.state.eip > it.state.segment[kCs].limit) raise_general_protection(request.ext);
  if (plan.context.trap) it.request_debug_trap(dr6::kTaskSwitch);
}

}  // namespace ringdown

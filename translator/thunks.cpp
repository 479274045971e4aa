#include "translator/thunks.h"

#include "host-driver/counters.h"
#include "translator/callouts.h"
#include "translator/sensitive.h"

namespace ringdown {
namespace {

using namespace asmjit::x86;

constexpr size_t kState = offsetof(TranslatorContext, state);
constexpr size_t kGprs = kState + offsetof(CpuState, gpr);
constexpr size_t kFlags = kState + offsetof(CpuState, flags);
constexpr size_t kFx = kState + offsetof(CpuState, fx);

// Callee-saved by the System V ABI, in the order of pushing.
const Gp kSaved[] = {rbx, rbp, r12, r13, r14, r15};

Mem field(size_t offset, uint32_t size) { return Emitter::context(offset, size); }

// What C++ expects of MXCSR: all exceptions masked, round to nearest.
constexpr uint32_t kHostMxcsr = 0x1F80;

// Guest registers but the flags from the state, r8 what the entry of a block expects; continues at
// context->entry.
void emit_resume(asmjit::x86::Assembler& a) {
  a.mov(r14, field(offsetof(TranslatorContext, jump_table), 8));
  a.mov(r12d, Emitter::segment_base(kFs));
  a.mov(r13d, Emitter::segment_base(kGs));
  a.mov(r8d, field(kState + offsetof(CpuState, eip), 4));
  a.mov(r9, field(offsetof(TranslatorContext, code_segment), 8));
  a.lea(r8, ptr(r8, r9));
  for (uint8_t n = 0; n < 8; n++) a.mov(gpd(n), field(kGprs + n * 4u, 4));
  a.jmp(field(offsetof(TranslatorContext, entry), 8));
}

// Guest registers into the state; RSP becomes the monitor's.
void emit_suspend(asmjit::x86::Assembler& a) {
  for (uint8_t n = 0; n < 8; n++) a.mov(field(kGprs + n * 4u, 4), gpd(n));
  a.mov(rsp, field(offsetof(TranslatorContext, host_stack), 8));
  a.pushfq();
  a.pop(rax);
  a.cld();
  a.and_(eax, eflags::kInHostFlags);
  a.mov(field(kFlags, 4), eax);
}

// The guest's vector state into the state; MXCSR as C++ expects it.
void emit_save_vectors(asmjit::x86::Assembler& a) {
  a.fxsave(field(kFx, 512));
  a.push(kHostMxcsr);
  a.ldmxcsr(ptr(rsp, 0, 4));
  a.pop(rax);
}

// Continues at the entry that was displaced from the jump table, if that is the one: r8 = place. Keeps flags.
void emit_find_evicted(asmjit::x86::Assembler& a) {
  static_assert(JumpTable::kEntries == 1 << 16 && sizeof(JumpTable::Evicted) == 16);
  const asmjit::Label hit = a.newLabel(), miss = a.newLabel();
  a.rorx(r9d, r8d, 16);
  a.lea(r9d, ptr(r9, r8));
  a.movzx(r9d, r9w);
  a.lea(r9d, ptr(r9, r9));
  a.lea(r9, ptr(r14, r9, 3, static_cast<int32_t>(offsetof(JumpTable, evicted))));
  a.mov(r10, qword_ptr(r9, offsetof(JumpTable::Evicted, tag)));
  a.mov(r11, rcx);
  a.lea(rcx, ptr(r10, r8, 0, 1));
  a.jecxz(rcx, hit);  // JRCXZ
  a.mov(rcx, r11);
  a.jmp(miss);
  a.bind(hit);
  a.mov(rcx, r11);
  a.jmp(qword_ptr(r9, offsetof(JumpTable::Evicted, code)));
  a.bind(miss);
}

Mem xmm_field(unsigned n) { return field(kFx + offsetof(FxsaveImage, xmm) + n * 16, 16); }

// What C++ may change of the guest's vector state: it has no use for x87 and MMX.
void emit_save_sse(asmjit::x86::Assembler& a) {
  for (uint8_t n = 0; n < 8; n++) a.movaps(xmm_field(n), xmm(n));
  a.stmxcsr(field(kFx + offsetof(FxsaveImage, mxcsr), 4));
  a.push(kHostMxcsr);
  a.ldmxcsr(ptr(rsp, 0, 4));
  a.pop(rax);
}

void emit_restore_sse(asmjit::x86::Assembler& a) {
  for (uint8_t n = 0; n < 8; n++) a.movaps(xmm(n), xmm_field(n));
  a.ldmxcsr(field(kFx + offsetof(FxsaveImage, mxcsr), 4));
}

constexpr size_t segment_kind(SegmentIndex segment) {
  static_assert(offsetof(Segment, attributes) == offsetof(Segment, selector) + 2);
  return kState + offsetof(CpuState, segment) + segment * sizeof(Segment) + offsetof(Segment, selector);
}

void emit_count(asmjit::x86::Assembler& a, uint64_t& counter) {
  a.mov(r10, reinterpret_cast<uint64_t>(&counter));
  a.mov(r11, qword_ptr(r10));
  a.lea(r11, ptr(r11, 1));
  a.mov(qword_ptr(r10), r11);
}

// SYSENTER or SYSEXIT as the memo has it: registers and flags stay where they are. If it has not, goes on
// with all as it was. As in lower_identify(), the sum of the differences is 0 if all are. r9d = length and
// mode of the block.
void emit_fast_call(Emitter& out, bool to_user) {
  auto& a = out.a();
  const size_t memo = offsetof(TranslatorContext, fast_calls) + to_user * sizeof(FastCallMemo);
  const auto add_difference_of = [&](size_t value, size_t minus_other) {
    a.mov(r8d, field(value, 4));
    a.mov(r10d, field(memo + minus_other, 4));
    a.lea(r8d, ptr(r8, r10));
    a.lea(rcx, ptr(rcx, r8));
  };
  constexpr size_t msr = kState + offsetof(CpuState, msr);
  constexpr size_t gs_limit =
      kState + offsetof(CpuState, segment) + kGs * sizeof(Segment) + offsetof(Segment, limit);
  const asmjit::Label hit = a.newLabel(), miss = a.newLabel();
  a.mov(r11, rcx);
  a.mov(ecx, field(memo + offsetof(FastCallMemo, minus_info), 4));
  a.lea(ecx, ptr(rcx, r9));
  if (to_user) {
    a.mov(field(offsetof(TranslatorContext, exit_argument), 8), r8);
    add_difference_of(kState + offsetof(CpuState, system_flags), offsetof(FastCallMemo, minus_system_flags));
    add_difference_of(gs_limit, offsetof(FastCallMemo, minus_gs_limit));
    add_difference_of(segment_kind(kGs), offsetof(FastCallMemo, minus_gs_kind));
    a.mov(r8, field(offsetof(TranslatorContext, exit_argument), 8));
  }
  a.jecxz(rcx, hit);  // JRCXZ
  a.mov(rcx, r11);
  a.jmp(miss);
  a.bind(hit);
  a.mov(ecx, r11d);
  emit_count(a,
             sensitive_counts()[static_cast<size_t>(to_user ? Sensitive::kSysexit : Sensitive::kSysenter)]);
  a.mov(r10d, field(memo + offsetof(FastCallMemo, cs), 4));
  a.mov(field(segment_kind(kCs), 4), r10d);
  a.mov(r10d, field(memo + offsetof(FastCallMemo, ss), 4));
  a.mov(field(segment_kind(kSs), 4), r10d);
  a.mov(field(kState + offsetof(CpuState, cpl), 1), to_user ? 3 : 0);
  a.mov(r14, field(memo + offsetof(FastCallMemo, table), 8));
  a.mov(r10, field(offsetof(TranslatorContext, space_base) + to_user * sizeof(uint64_t), 8));
  a.mov(field(offsetof(TranslatorContext, window_base), 8), r10);
  a.wrgsbase(r10);
  if (to_user) {
    a.mov(esp, ecx);
    a.mov(r8d, edx);
  } else {
    a.mov(field(kState + offsetof(CpuState, interrupt_flag), 4), 0);
    a.mov(esp, field(msr + offsetof(ModelSpecificRegisters, sysenter_esp), 4));
    a.mov(r8d, field(msr + offsetof(ModelSpecificRegisters, sysenter_eip), 4));
  }
  out.emit_table_jump();
  a.bind(miss);
}

// Returns from the entry thunk.
void emit_return_to_monitor(asmjit::x86::Assembler& a) {
  for (int n = 5; n >= 0; n--) a.pop(kSaved[n]);
  a.ret();
}

}  // namespace

void emit_entry_thunk(Emitter& out) {
  auto& a = out.a();
  for (const Gp& reg : kSaved) a.push(reg);
  a.mov(r15, rdi);
  a.mov(field(offsetof(TranslatorContext, host_stack), 8), rsp);
  a.fxrstor(field(kFx, 512));
  // Whatever flags a test wants, which single-steps.
  a.mov(eax, field(kFlags, 4));
  a.push(rax);
  a.popfq();
  emit_resume(a);
}

void emit_exit_thunk(Emitter& out, Exit exit) {
  auto& a = out.a();
  if (exit == Exit::kIndirect) emit_find_evicted(a);
  emit_suspend(a);
  a.mov(field(offsetof(TranslatorContext, exit_argument), 8), r8);
  a.mov(field(offsetof(TranslatorContext, exit), 4), static_cast<uint32_t>(exit));
  emit_save_vectors(a);
  emit_return_to_monitor(a);
}

void emit_callout_thunk(Emitter& out, Callout callout) {
  auto& a = out.a();
  const bool uses_sse = callout >= Callout::kPortIo;
  if (callout == Callout::kSysenter) emit_fast_call(out, false);
  if (callout == Callout::kSysexit) emit_fast_call(out, true);
  if (comes_back(callout)) a.mov(field(offsetof(TranslatorContext, behind_callout), 8), r11);
  emit_suspend(a);
  if (uses_sse) emit_save_sse(a);
  a.mov(rdi, r15);
  a.mov(esi, r8d);
  a.mov(edx, r9d);
  a.mov(ecx, r10d);
  a.sub(rsp, 8);  // the ABI's alignment: the entry thunk has pushed six registers
  a.mov(rax, reinterpret_cast<uint64_t>(callout_function(callout)));
  a.call(rax);
  a.add(rsp, 8);
  if (uses_sse) emit_restore_sse(a);
  a.cmp(rax, kDispatch);
  const asmjit::Label leave = a.newLabel();
  a.jbe(leave);
  a.mov(field(offsetof(TranslatorContext, entry), 8), rax);
  a.mov(eax, field(kFlags, 4));
  out.emit_load_flags();
  emit_resume(a);
  a.bind(leave);
  emit_save_vectors(a);
  emit_return_to_monitor(a);
}

}  // namespace ringdown

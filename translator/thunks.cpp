#include "translator/thunks.h"

#include "translator/callouts.h"

namespace ringdown {
namespace {

using namespace asmjit::x86;

constexpr size_t kState = offsetof(TranslatorContext, state);
constexpr size_t kGprs = kState + offsetof(CpuState, gpr);
constexpr size_t kFlags = kState + offsetof(CpuState, flags);
constexpr size_t kFx = kState + offsetof(CpuState, fx);

constexpr size_t segment_base(SegmentIndex segment) {
  return kState + offsetof(CpuState, segment) + segment * sizeof(Segment) + offsetof(Segment, base);
}

// Callee-saved by the System V ABI, in the order of pushing.
const Gp kSaved[] = {rbx, rbp, r12, r13, r14, r15};

Mem field(size_t offset, uint32_t size) { return Emitter::context(offset, size); }

// What C++ expects of MXCSR: all exceptions masked, round to nearest.
constexpr uint32_t kHostMxcsr = 0x1F80;

// Guest registers but the flags from the state, r8d what the entry of a block expects; continues at
// context->entry.
void emit_resume(asmjit::x86::Assembler& a) {
  a.mov(r14, field(offsetof(TranslatorContext, jump_table), 8));
  a.mov(r12d, field(segment_base(kFs), 4));
  a.mov(r13d, field(segment_base(kGs), 4));
  a.mov(r8d, field(kState + offsetof(CpuState, eip), 4));
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

// Continues at the entry that was displaced from the jump table, if that is the one: r8d = EIP. Keeps flags.
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

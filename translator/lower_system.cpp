// Sensitive instructions that are done in line: no call at all in the usual case.
#include "cpu/state.h"
#include "translator/block_translator.h"

namespace ringdown {
namespace {

using namespace asmjit::x86;

constexpr size_t kState = offsetof(TranslatorContext, state);
constexpr size_t kInterruptFlag = kState + offsetof(CpuState, interrupt_flag);
constexpr size_t kSystemFlags = kState + offsetof(CpuState, system_flags);

Mem field(size_t offset) { return Emitter::context(offset, 4); }

Mem control(unsigned number) {
  static constexpr size_t kControl[] = {offsetof(CpuState, cr0), 0, offsetof(CpuState, cr2),
                                        offsetof(CpuState, cr3), offsetof(CpuState, cr4)};
  return field(kState + kControl[number]);
}

// In user mode at a host IF of 1 always reads as set; the guest's is added instead.
constexpr int32_t kHostInterruptFlag = eflags::kIf;

}  // namespace

// PUSHFD: the host's own status flags and DF, plus the virtual ones. Sums instead of ORs, which would change
// flags: the parts have no bit in common. The host's bit 1 is the fixed one; its AC, NT, IOPL and ID bits are
// 0.
bool BlockTranslator::lower_push_flags(const Instruction& i) {
  auto& a = out_.a();
  a.mov(r9, rsp);
  a.mov(rsp, Emitter::context(offsetof(TranslatorContext, host_stack), 8));
  a.pushfq();
  a.pop(r10);
  a.mov(rsp, r9);
  a.mov(r9d, field(kInterruptFlag));
  a.lea(r10d, ptr(r10, r9, 0, -kHostInterruptFlag));
  a.mov(r9d, field(kSystemFlags));
  a.lea(r10d, ptr(r10, r9));
  // VM and RF are not in the image; VM is 0 here, RF is only ever set while the interpreter runs.
  if (key_.mode.segmented()) return segmented_push(kR10, i.operand_size);
  out_.emit_store(stack(-4), kR10);
  esp_offset_ -= 4;
  return true;
}

// `guest`: where the guest's RCX is, which is not restored for what follows.
void BlockTranslator::emit_interpret_unless_rcx_is_0(const Gp& guest) {
  auto& a = out_.a();
  const asmjit::Label zero = a.newLabel();
  a.jecxz(rcx, zero);
  a.mov(rcx, guest);
  emit_interpret();
  a.bind(zero);
}

// POPFD. All status flags are about to change, so the checks may use them once the value is loaded.
// What changes more than status flags, DF and (in ring 0) IF is the interpreter's.
bool BlockTranslator::lower_pop_flags(const Instruction& i) {
  const bool user = key_.mode.user();
  constexpr uint32_t kMayNotChange = eflags::kTf | eflags::kNt | eflags::kAc | eflags::kId;
  const uint32_t of_image = i.operand_size == 2 ? 0xFFFF : 0xFFFFFFFF;
  const uint32_t mask =
      of_image & (user ? kMayNotChange : kMayNotChange | eflags::kIopl | eflags::kVif | eflags::kVip);
  auto& a = out_.a();
  const bool flat = !key_.mode.segmented();
  emit_load_extended(kR10, flat ? stack(0) : stack_operand(0, i.operand_size, false), i.operand_size);
  // The checks must not lose the flags, should it become the interpreter's: compare without them.
  a.mov(r9d, field(kSystemFlags));
  a.mov(r11d, mask);
  a.pext(r9d, r9d, r11d);
  a.pext(r11d, r10d, r11d);
  a.not_(r9d);
  a.lea(r9d, ptr(r9, r11, 0, 1));  // 0 if equal
  if (!user) {
    // If IF becomes set while an interrupt waits: r9 += pending, which is 0 or 1.
    a.mov(r11d, field(offsetof(TranslatorContext, interrupt_pending)));
    a.lea(r9, ptr(r9, r11));
  }
  a.mov(r11, rcx);
  a.mov(rcx, r9);
  emit_interpret_unless_rcx_is_0(r11);
  a.mov(rcx, r11);
  if (flat)
    esp_offset_ += 4;
  else
    emit_add_to_stack_pointer(i.operand_size);
  if (!user) {
    a.mov(r11d, r10d);
    a.and_(r11d, eflags::kIf);
    a.mov(field(kInterruptFlag), r11d);
  }
  a.mov(r9, rax);
  a.mov(eax, r10d);
  a.cld();
  out_.emit_load_flags();
  a.mov(rax, r9);
  return true;
}

bool BlockTranslator::lower_clear_interrupt_flag(const Instruction&) {
  out_.a().mov(field(kInterruptFlag), 0);
  return true;
}

bool BlockTranslator::lower_set_interrupt_flag(const Instruction&) {
  emit_interpret_if_interrupt_pending();
  out_.a().mov(field(kInterruptFlag), eflags::kIf);
  return true;
}

// An interrupt that waits is taken after the instruction behind STI: the interpreter sees to that.
void BlockTranslator::emit_interpret_if_interrupt_pending() {
  auto& a = out_.a();
  a.mov(r10, rcx);
  a.mov(ecx, field(offsetof(TranslatorContext, interrupt_pending)));
  emit_interpret_unless_rcx_is_0(r10);
  a.mov(rcx, r10);
}

// EDX:EAX = host TSC + offset, added without touching flags.
bool BlockTranslator::lower_read_time_stamp(const Instruction&) {
  auto& a = out_.a();
  a.rdtsc();
  a.rorx(rdx, rdx, 32);
  a.lea(rax, ptr(rax, rdx));
  a.mov(rdx, Emitter::context(offsetof(TranslatorContext, time_stamp_offset), 8));
  a.lea(rdx, ptr(rax, rdx));
  a.mov(eax, edx);
  a.rorx(rdx, rdx, 32);
  a.mov(edx, edx);
  return true;
}

bool BlockTranslator::lower_read_control(const Instruction& i) {
  if (i.reg == 1 || i.reg > 4) return false;
  out_.a().mov(gpd(i.rm), control(i.reg));
  return true;
}

// The sum of the differences is 0 if all are: none has more than 32 bits, nor a sign.
bool BlockTranslator::lower_identify(const Instruction&) {
  auto& a = out_.a();
  constexpr size_t memo = offsetof(TranslatorContext, cpuid);
  constexpr size_t revision =
      kState + offsetof(CpuState, msr) + offsetof(ModelSpecificRegisters, microcode_revision);
  const auto add_difference = [&a](const Gp& value, size_t minus_other) {
    a.mov(r10d, field(minus_other));
    a.lea(r10d, ptr(value, r10));
    a.lea(r8, ptr(r8, r10));
  };
  a.mov(r8d, field(memo + offsetof(CpuidMemo, empty)));
  add_difference(rax, memo + offsetof(CpuidMemo, minus_leaf));
  add_difference(rcx, memo + offsetof(CpuidMemo, minus_subleaf));
  a.mov(r9d, field(revision + 4));
  add_difference(r9, memo + offsetof(CpuidMemo, minus_revision));
  a.mov(r9d, field(revision));
  a.lea(r8, ptr(r8, r9));
  a.mov(r10, rcx);
  a.mov(rcx, r8);
  emit_interpret_unless_rcx_is_0(r10);
  a.mov(eax, field(memo + offsetof(CpuidMemo, eax)));
  a.mov(ebx, field(memo + offsetof(CpuidMemo, ebx)));
  a.mov(ecx, field(memo + offsetof(CpuidMemo, ecx)));
  a.mov(edx, field(memo + offsetof(CpuidMemo, edx)));
  a.mov(field(memo + offsetof(CpuidMemo, answered)), 1);
  return true;
}

// Kernels write CR0 and CR4 back more often than they change them. r11 = RCX, which is lost where it
// jumps.
void BlockTranslator::emit_jump_if_control_is(const Instruction& i, const asmjit::Label& same) {
  auto& a = out_.a();
  a.mov(r9d, gpd(i.rm));
  a.not_(r9d);
  a.mov(r10d, control(i.reg));
  a.mov(r11, rcx);
  a.lea(ecx, ptr(r9, r10, 0, 1));
  a.jecxz(rcx, same);
  a.mov(rcx, r11);
}

// A change of CR4 is the interpreter's.
bool BlockTranslator::lower_write_control(const Instruction& i) {
  auto& a = out_.a();
  if (i.reg == 2) {
    a.mov(control(2), gpd(i.rm));
    return true;
  }
  const asmjit::Label same = a.newLabel();
  emit_jump_if_control_is(i, same);
  emit_interpret();
  a.bind(same);
  a.mov(rcx, r11);
  return true;
}

bool BlockTranslator::lower_write_cr0(const Instruction& i) {
  auto& a = out_.a();
  const asmjit::Label same = a.newLabel();
  emit_jump_if_control_is(i, same);
  a.mov(r10d, gpd(i.rm));
  lower_callout(Callout::kWriteCr0);
  a.bind(same);
  a.mov(rcx, r11);
  return true;
}

}  // namespace ringdown

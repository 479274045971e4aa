// Sensitive instructions that call C++ (callouts.h). Most end their block: the state that they change decides
// where and in which mode to go on.
#include "translator/block_translator.h"

namespace ringdown {

using namespace asmjit::x86;
using Memo = SegmentLoads::Memo;

// The memo of a load that r9 chooses among those of its register, by the selector.
struct SegmentMemo {
  SegmentIndex segment;
  bool popped;

  Mem field(size_t offset, uint32_t size) const {
    const size_t memos = offsetof(TranslatorContext, segment_loads) + offsetof(SegmentLoads, memos) +
                         popped * sizeof(SegmentLoads::memos[0]) +
                         segment * SegmentLoads::kMemosOfRegister * sizeof(Memo);
    return ptr(r15, r9, 0, static_cast<int32_t>(memos + offset), size);
  }
};

bool BlockTranslator::lower_callout(Callout callout, unsigned detail) {
  auto& a = out_.a();
  block_->calls_out = true;
  emit_eip(eip());
  a.mov(r9d, length_ | detail << 8);
  a.jmp(Emitter::context(Emitter::callout_thunk(callout), 8));
  return true;
}

// One that goes on behind the instruction if nothing speaks against it.
bool BlockTranslator::lower_returning_callout(Callout callout, unsigned detail) {
  auto& a = out_.a();
  const asmjit::Label behind = a.newLabel();
  a.lea(r11, ptr(behind));
  lower_callout(callout, detail);
  a.bind(behind);
  return true;
}

namespace {

// Chooses r9, and jumps if that memo is of this key and the selector in r10. r11 = RCX.
void emit_jump_if_key_is(Assembler& a, const SegmentMemo& memo, uint32_t key, const asmjit::Label& known) {
  static_assert(sizeof(Memo) == 64 && SegmentLoads::kMemosOfRegister == 4);
  a.mov(r9d, SegmentLoads::kSelectorBits);
  a.pext(r9d, r10d, r9d);
  a.rorx(r9, r9, 64 - 6);
  a.mov(r11, rcx);
  a.lea(ecx, ptr(r10, static_cast<int32_t>(key)));
  a.mov(r8d, memo.field(offsetof(Memo, minus_key), 4));
  a.lea(ecx, ptr(rcx, r8));
  a.jecxz(rcx, known);
}

void emit_jump_if_descriptor_is(Assembler& a, const SegmentMemo& memo, const asmjit::Label& same) {
  a.mov(r8, memo.field(offsetof(Memo, descriptor_at), 8));
  a.mov(rcx, memo.field(offsetof(Memo, minus_descriptor), 8));
  a.mov(r8, qword_ptr(r8));
  a.lea(rcx, ptr(rcx, r8));
  a.jecxz(rcx, same);
}

}  // namespace

// MOV or POP to a segment register as its memo has it, and by callout if it has not. r10 = selector.
bool BlockTranslator::lower_load_of_segment(Callout callout, SegmentIndex segment) {
  const unsigned detail = segment | unsigned{key_.mode.bits} << 3;
  if (key_.mode.user() || key_.mode.segmented()) return lower_returning_callout(callout, detail);
  auto& a = out_.a();
  const SegmentMemo memo{segment, callout == Callout::kPopSegment};
  const asmjit::Label known = a.newLabel(), same = a.newLabel(), miss = a.newLabel(), behind = a.newLabel();
  emit_jump_if_key_is(a, memo, SegmentLoads::key_of(detail, 0), known);
  a.bind(miss);
  a.mov(rcx, r11);
  a.lea(r11, ptr(behind));
  lower_callout(callout, detail);
  a.bind(known);
  emit_jump_if_descriptor_is(a, memo, same);
  a.jmp(miss);
  a.bind(same);
  emit_load_by_memo(memo);
  a.bind(behind);
  return true;
}

// What was compared is what the first load did. r11 = RCX.
void BlockTranslator::emit_load_by_memo(const SegmentMemo& memo) {
  auto& a = out_.a();
  const asmjit::Label stays = a.newLabel();
  const size_t loaded =
      offsetof(TranslatorContext, state) + offsetof(CpuState, segment) + memo.segment * sizeof(Segment);
  static_assert(offsetof(Segment, base) == 0 && sizeof(Segment) == 12);
  a.mov(r8d, memo.field(offsetof(Memo, segment) + 8, 4));
  a.mov(Emitter::context(loaded + 8, 4), r8d);
  a.mov(r8, memo.field(offsetof(Memo, segment), 8));
  a.mov(Emitter::context(loaded, 8), r8);
  if (memo.segment == kFs) a.mov(r12d, r8d);
  if (memo.segment == kGs) a.mov(r13d, r8d);
  if (memo.popped) a.lea(esp, ptr(rsp, 4));
  a.mov(rcx, memo.field(offsetof(Memo, table), 8));
  a.jecxz(rcx, stays);
  a.mov(r14, rcx);
  a.mov(rcx, r11);
  emit_table_jump_to(next_eip());
  a.bind(stays);
  a.mov(rcx, r11);
}

bool BlockTranslator::lower_load_segment(const Instruction& i) {
  if (i.mod != 3) {
    out_.emit_memory({.map = OpcodeMap::k0F, .opcode = 0xB7}, kR10, operand(i, 2, false));  // MOVZX r10d, m16
  } else {
    out_.a().movzx(r10d, gpd(i.rm).r16());
  }
  return lower_load_of_segment(Callout::kLoadSegment, static_cast<SegmentIndex>(i.reg));
}

bool BlockTranslator::lower_pop_segment(const Instruction& i) {
  out_.emit_load(kR10, stack(0));
  out_.a().movzx(r10d, r10w);
  const unsigned number = i.opcode >> 3 & (i.map == OpcodeMap::k0F ? 7u : 3u);
  return lower_load_of_segment(Callout::kPopSegment, static_cast<SegmentIndex>(number));
}

bool BlockTranslator::lower_invalidate_page(const Instruction& i) {
  out_.emit_lea(kR10, operand(i, 1, false));
  return lower_callout(Callout::kInvalidatePage);
}

// E4-E7 name the port, EC-EF take it from DX; bit 0 is the width, bit 1 the direction; bit 2 of
// the detail: a wide one is a word.
bool BlockTranslator::lower_port_io(const Instruction& i) {
  auto& a = out_.a();
  if (i.opcode & 8)
    a.movzx(r10d, dx);
  else
    a.mov(r10d, i.immediate[0].value & 0xFF);
  return lower_returning_callout(Callout::kPortIo, (i.opcode & 3u) | (i.operand_size == 2 ? 4 : 0));
}

}  // namespace ringdown

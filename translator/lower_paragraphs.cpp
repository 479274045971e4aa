// Segment registers and far transfers where a selector is a base divided by 16: in real and virtual-8086
// mode. No descriptor is read, no limit changes, and the mode stays as it is (CodeMode::are_paragraphs()).
#include "cpu/state.h"
#include "translator/block_translator.h"

namespace ringdown {
namespace {

using namespace asmjit::x86;

Mem code_segment() { return Emitter::context(offsetof(TranslatorContext, code_segment), 8); }

uint32_t immediate_offset(const Instruction& i) {
  return i.operand_size == 2 ? i.immediate[0].value & 0xFFFF : i.immediate[0].value;
}

SegmentIndex loaded_by(const Instruction& i) {
  // clang-format off
  switch (i.opcode) {
    case 0xC4: return kEs;
    case 0xC5: return kDs;
    case 0xB2: return kSs;
    case 0xB4: return kFs;
  }
  // clang-format on
  return kGs;
}

}  // namespace

// The selector in `selector`, which becomes the base, has nothing above its 16 bits.
void BlockTranslator::emit_load_paragraph(SegmentIndex segment, uint8_t selector) {
  auto& a = out_.a();
  a.mov(Emitter::segment_selector(segment), gpw(selector));
  a.rorx(gpd(selector), gpd(selector), 28);
  a.mov(Emitter::segment_base(segment), gpd(selector));
}

// To the offset in r10. r9 is lost.
void BlockTranslator::emit_goto_paragraph(uint8_t selector) {
  auto& a = out_.a();
  emit_load_paragraph(kCs, selector);
  a.rorx(r9, gpq(selector), 32);
  a.lea(r9, ptr(r9, gpq(selector)));
  a.mov(code_segment(), r9);
  a.lea(r8, ptr(r9, r10));
  out_.emit_table_jump();
}

void BlockTranslator::emit_goto_far(uint16_t selector, uint32_t target) {
  auto& a = out_.a();
  const uint64_t segment = code_segment_of_paragraphs(uint32_t{selector} << 4);
  a.mov(Emitter::segment_selector(kCs), selector);
  a.mov(Emitter::segment_base(kCs), uint32_t{selector} << 4);
  a.mov(r8, segment);
  a.mov(code_segment(), r8);
  emit_table_jump_to_place(segment + target);
}

bool BlockTranslator::load_paragraph(const Instruction& i) {
  if (i.mod == 3)
    emit_low_word(kR10, i.rm);
  else
    emit_load_extended(kR10, operand(i, 2, false), 2);
  emit_load_paragraph(static_cast<SegmentIndex>(i.reg), kR10);
  return true;
}

bool BlockTranslator::pop_paragraph(const Instruction& i) {
  const unsigned segment = i.opcode >> 3 & (i.map == OpcodeMap::k0F ? 7u : 3u);
  emit_load_extended(kR10, stack_operand(0, i.operand_size, false), i.operand_size);
  emit_low_word(kR10, kR10);
  emit_load_paragraph(static_cast<SegmentIndex>(segment), kR10);
  emit_add_to_stack_pointer(i.operand_size);
  return true;
}

// r10 = the offset, r11 = the selector that a memory operand holds. The selector's own offset may wrap.
void BlockTranslator::emit_load_far_operand(const Instruction& i) {
  const bool small = i.address_size == 2;
  const SegmentIndex segment = operand_segment(i);
  emit_effective_address(i);
  const Address at = operand_in(segment, small, i.operand_size, false);
  emit_load_extended(kR10, at, i.operand_size);
  out_.emit_lea(kR8, {.base = kR8, .displacement = i.operand_size});
  if (small) emit_low_word(kR8, kR8);
  emit_limit_check(segment, small, 2, false);
  emit_load_extended(kR11, at, 2);
}

bool BlockTranslator::load_far_pointer(const Instruction& i) {
  emit_load_far_operand(i);
  emit_load_paragraph(loaded_by(i), kR11);
  emit_set_register(i.reg, kR10, i.operand_size);
  return true;
}

bool BlockTranslator::far_jump(const Instruction& i) {
  if (i.opcode == 0xEA) {
    if (!within_limit(immediate_offset(i))) return false;
    emit_goto_far(static_cast<uint16_t>(i.immediate[1].value), immediate_offset(i));
    return true;
  }
  emit_load_far_operand(i);
  emit_fetch_check(kR10, i.operand_size, kR9);
  emit_goto_paragraph(kR11);
  return true;
}

bool BlockTranslator::far_call(const Instruction& i) {
  auto& a = out_.a();
  const auto bytes = static_cast<int32_t>(i.operand_size);
  const bool direct = i.opcode == 0x9A;
  if (direct && !within_limit(immediate_offset(i))) return false;
  if (!direct) {
    emit_load_far_operand(i);
    emit_fetch_check(kR10, i.operand_size, kR9);
    a.mov(Emitter::saved(0), r10);
    a.mov(Emitter::saved(1), r11);
  }
  stack_operand(-2 * bytes, i.operand_size, true);  // may be pushed before anything is
  const Address at = stack_operand(-bytes, i.operand_size, true);
  a.movzx(r10d, Emitter::segment_selector(kCs));
  emit_store_register(at, kR10, i.operand_size);
  emit_store_immediate(stack_operand(-2 * bytes, i.operand_size, true), next_eip(), i.operand_size);
  emit_add_to_stack_pointer(-2 * bytes);
  if (direct) {
    emit_goto_far(static_cast<uint16_t>(i.immediate[1].value), immediate_offset(i));
    return true;
  }
  a.mov(r10, Emitter::saved(0));
  a.mov(r11, Emitter::saved(1));
  emit_goto_paragraph(kR11);
  return true;
}

bool BlockTranslator::far_return(const Instruction& i) {
  const unsigned bytes = i.operand_size;
  const unsigned extra = i.opcode == 0xCA ? i.immediate[0].value & 0xFFFF : 0;
  emit_load_extended(kR10, stack_operand(0, bytes, false), bytes);
  emit_fetch_check(kR10, bytes, kR9);
  emit_load_extended(kR11, stack_operand(static_cast<int32_t>(bytes), bytes, false), bytes);
  emit_low_word(kR11, kR11);
  emit_add_to_stack_pointer(static_cast<int32_t>(2 * bytes + extra));
  emit_goto_paragraph(kR11);
  return true;
}

}  // namespace ringdown

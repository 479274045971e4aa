// What segmented code does in another way than flat code: stack, branches, strings, and operands that ModRM
// does not name. Sizes are by operand, address and stack; nothing changes before the last access that can
// fault.
#include "cpu/state.h"
#include "translator/block_translator.h"

namespace ringdown {
namespace {

using namespace asmjit::x86;

SegmentIndex data_segment(const Instruction& i) {
  return i.segment_override == kNoRegister ? kDs : static_cast<SegmentIndex>(i.segment_override);
}

}  // namespace

bool BlockTranslator::lower_segmented(Treatment t, const Instruction& i) {
  // clang-format off
  switch (t) {
    case Treatment::kAbsoluteMove: return segmented_absolute_move(i);
    case Treatment::kLoadEffectiveAddress: return segmented_lea(i);
    case Treatment::kTranslateByte: return segmented_translate_byte(i);
    case Treatment::kString: return i.repeat == RepeatPrefix::kNone ? segmented_string(i) : segmented_repeated_string(i);
    case Treatment::kPushRegister: return segmented_push(i.opcode & 7, i.operand_size);
    case Treatment::kPopRegister: return segmented_pop(i.opcode & 7, i.operand_size);
    case Treatment::kPushImmediate: return segmented_push_immediate(i);
    case Treatment::kPushMemory: return segmented_push_memory(i);
    case Treatment::kPopMemory: return segmented_pop_memory(i);
    case Treatment::kPushAll: return segmented_push_all(i);
    case Treatment::kPopAll: return segmented_pop_all(i);
    case Treatment::kLeave: return segmented_leave(i);
    case Treatment::kEnter: return segmented_enter(i);
    case Treatment::kPushSegment: return segmented_push_segment(i);
    case Treatment::kLoop: return segmented_loop(i);
    case Treatment::kCall: return segmented_call(i);
    case Treatment::kJumpIndirect: return segmented_jump_indirect(i);
    case Treatment::kCallIndirect: return segmented_call_indirect(i);
    case Treatment::kReturn: return segmented_return(i);
    case Treatment::kLoadParagraph: return load_paragraph(i);
    case Treatment::kPopParagraph: return pop_paragraph(i);
    case Treatment::kLoadFarPointer: return load_far_pointer(i);
    case Treatment::kFarCall: return far_call(i);
    case Treatment::kFarJump: return far_jump(i);
    case Treatment::kFarReturn: return far_return(i);
    default: return false;
  }
  // clang-format on
}

// ---- Operands --------------------------------------------------------------------------------------------

// AH, CH, DH, BH cannot stand beside the prefix that names r8 and r9. False: not of this form.
bool BlockTranslator::copy_with_high_byte(const Instruction& i, const Encoding& encoding, const Address& at) {
  auto& a = out_.a();
  const bool alu = i.opcode < 0x40;
  if ((alu && (i.opcode & 7) == 0) || i.opcode == 0x84 || i.opcode == 0x88) {
    a.rorx(r10d, gpd(i.reg & 3), 8);
    out_.emit_memory(encoding, kR10, at);
    return true;
  }
  emit_load_extended(kR10, at, 1);
  const uint8_t lent = (i.reg & 3) == kEbx ? kEax : kEbx;
  a.mov(r11, gpq(lent));
  a.mov(gpd(lent), r10d);
  out_.emit_registers(encoding, i.reg, lent);
  a.mov(gpq(lent), r11);
  return true;
}

bool BlockTranslator::segmented_absolute_move(const Instruction& i) {
  static constexpr uint8_t kWithModrm[] = {0x8A, 0x8B, 0x88, 0x89};
  const unsigned bytes = i.opcode & 1 ? i.operand_size : 1u;
  const bool small = i.address_size == 2;
  const uint32_t offset = static_cast<uint32_t>(i.displacement) & (small ? 0xFFFF : 0xFFFFFFFF);
  const Address at = constant_operand(data_segment(i), offset, small, bytes, (i.opcode & 2) != 0);
  out_.emit_memory({.operand_size = bytes == 2, .opcode = kWithModrm[i.opcode & 3]}, kEax, at);
  return true;
}

bool BlockTranslator::segmented_lea(const Instruction& i) {
  emit_effective_address(i);
  emit_set_register(i.reg, kR8, i.operand_size);
  return true;
}

bool BlockTranslator::segmented_translate_byte(const Instruction& i) {
  auto& a = out_.a();
  a.movzx(r8d, al);
  a.lea(r8d, ptr(r8, rbx));
  if (i.address_size == 2) emit_low_word(kR8, kR8);
  emit_load_extended(kR10, operand_in(data_segment(i), i.address_size == 2, 1, false), 1);
  a.mov(al, r10b);
  return true;
}

// ---- The stack -------------------------------------------------------------------------------------------

bool BlockTranslator::segmented_push(uint8_t reg, unsigned bytes) {
  auto& a = out_.a();
  const bool lost = reg == kR10 && checked_;
  if (lost) a.mov(Emitter::saved(0), r10);
  const Address at = stack_operand(-static_cast<int32_t>(bytes), bytes, true);
  if (lost) a.mov(r10, Emitter::saved(0));
  emit_store_register(at, reg, bytes);
  emit_add_to_stack_pointer(-static_cast<int32_t>(bytes));
  return true;
}

bool BlockTranslator::segmented_push_immediate(const Instruction& i) {
  const unsigned bytes = i.operand_size;
  emit_store_immediate(stack_operand(-static_cast<int32_t>(bytes), bytes, true), i.immediate[0].value, bytes);
  emit_add_to_stack_pointer(-static_cast<int32_t>(bytes));
  return true;
}

bool BlockTranslator::segmented_push_memory(const Instruction& i) {
  if (i.mod == 3) return segmented_push(i.rm, i.operand_size);
  emit_load_extended(kR10, operand(i, i.operand_size, false), i.operand_size);
  return segmented_push(kR10, i.operand_size);
}

bool BlockTranslator::segmented_push_segment(const Instruction& i) {
  out_.a().movzx(r10d, Emitter::segment_selector(i.opcode >> 3 & 7));  // 06 0E 16 1E, 0F A0, 0F A8
  return segmented_push(kR10, i.operand_size);
}

bool BlockTranslator::segmented_pop(uint8_t reg, unsigned bytes) {
  const Address at = stack_operand(0, bytes, false);
  emit_load_register(reg == kEsp ? uint8_t{kR10} : reg, at, bytes);
  emit_add_to_stack_pointer(static_cast<int32_t>(bytes));
  if (reg == kEsp) emit_set_register(kEsp, kR10, bytes);
  return true;
}

// An ESP base means ESP after the pop.
bool BlockTranslator::segmented_pop_memory(const Instruction& i) {
  if (i.mod == 3) return segmented_pop(i.rm, i.operand_size);
  auto& a = out_.a();
  const unsigned bytes = i.operand_size;
  const bool by_esp = i.address_size == 4 && i.has_sib && i.base == kEsp;
  if (by_esp && key_.mode.has(CodeMode::kStack16)) return false;
  emit_load_extended(kR10, stack_operand(0, bytes, false), bytes);
  a.mov(Emitter::saved(0), r10);
  Instruction to = i;
  if (by_esp) to.displacement += static_cast<int32_t>(bytes);
  const Address at = operand(to, bytes, true);
  a.mov(r10, Emitter::saved(0));
  emit_store_register(at, kR10, bytes);
  emit_add_to_stack_pointer(static_cast<int32_t>(bytes));
  return true;
}

bool BlockTranslator::segmented_push_all(const Instruction& i) {
  const auto bytes = static_cast<int32_t>(i.operand_size);
  // All may be pushed before anything is.
  for (int32_t n = 1; n <= 8; n++) stack_operand(-bytes * n, i.operand_size, true);
  for (uint8_t reg = 0; reg < 8; reg++)
    emit_store_register(stack_operand(-bytes * (reg + 1), i.operand_size, true), reg, i.operand_size);
  emit_add_to_stack_pointer(-8 * bytes);
  return true;
}

// All is touched first.
bool BlockTranslator::segmented_pop_all(const Instruction& i) {
  const unsigned bytes = i.operand_size;
  for (unsigned n = 0; n < 8; n++)
    emit_load_register(kR10, stack_operand(static_cast<int32_t>(n * bytes), bytes, false), bytes);
  for (uint8_t reg = 0; reg < 8; reg++) {
    if (reg != kEsp)
      emit_load_register(reg, stack_operand(static_cast<int32_t>((7u - reg) * bytes), bytes, false), bytes);
  }
  emit_add_to_stack_pointer(static_cast<int32_t>(8 * bytes));
  return true;
}

bool BlockTranslator::segmented_leave(const Instruction& i) {
  const bool small = key_.mode.has(CodeMode::kStack16);
  const unsigned bytes = i.operand_size;
  if (small)
    emit_low_word(kR8, kEbp);
  else
    out_.a().mov(r8d, ebp);
  emit_load_extended(kR10, operand_in(kSs, small, bytes, false), bytes);
  out_.emit_lea(kR8, {.base = kEbp, .displacement = static_cast<int32_t>(bytes)});
  emit_set_register(kEsp, kR8, small ? 2 : 4);
  emit_set_register(kEbp, kR10, bytes);
  return true;
}

// The last access shows that the stack can be written where it will then point to.
bool BlockTranslator::segmented_enter(const Instruction& i) {
  const auto bytes = static_cast<int32_t>(i.operand_size);
  const auto size = static_cast<int32_t>(i.immediate[0].value & 0xFFFF);
  emit_store_register(stack_operand(-bytes, i.operand_size, true), kEbp, i.operand_size);
  const Address top = stack_operand(-bytes - size, 1, true);
  block_->starts.back().exchanging = true;
  if (top.window) out_.emit_lea(kR11, top);  // as lower_exchange()
  emit_load_extended(kR10, top, 1);
  out_.emit_memory({.opcode = 0x88}, kR10, top);
  emit_add_to_stack_pointer(-bytes);
  emit_set_register(kEbp, kEsp, i.operand_size);
  emit_add_to_stack_pointer(-size);
  return true;
}

// ---- Branches --------------------------------------------------------------------------------------------

// E0 LOOPNE, E1 LOOPE, E2 LOOP, E3 JCXZ, by CX or ECX.
bool BlockTranslator::segmented_loop(const Instruction& i) {
  const uint32_t target = branch_target(i);
  if (!within_limit(target)) return false;
  auto& a = out_.a();
  const bool decrements = i.opcode != 0xE3, small = i.address_size == 2;
  if (decrements) {
    out_.emit_lea(kR8, {.base = kEcx, .displacement = -1});
    emit_set_register(kEcx, kR8, small ? 2 : 4);
  }
  const asmjit::Label zero = a.newLabel();
  a.mov(r10, rcx);
  if (small) emit_low_word(kEcx, kEcx);
  a.jecxz(rcx, zero);
  a.mov(rcx, r10);
  constexpr uint8_t kIfZero = 4, kIfNotZero = 5;
  if (i.opcode == 0xE0) emit_goto_if(kIfNotZero, target);
  if (i.opcode == 0xE1) emit_goto_if(kIfZero, target);
  emit_goto(i.opcode == 0xE2 ? target : next_eip());
  a.bind(zero);
  a.mov(rcx, r10);
  emit_goto(i.opcode == 0xE3 ? target : next_eip());
  return true;
}

// As emit_push_return_address().
uint32_t BlockTranslator::emit_segmented_return_address(unsigned bytes) {
  auto& a = out_.a();
  emit_store_immediate(stack_operand(-static_cast<int32_t>(bytes), bytes, true), next_eip(), bytes);
  emit_add_to_stack_pointer(-static_cast<int32_t>(bytes));
  emit_index_of_return();
  a.lea(r10, ptr(rip, 0));
  const uint32_t displacement = out_.offset() - 4;
  a.mov(Emitter::return_place(), r10);
  return displacement;
}

bool BlockTranslator::segmented_call(const Instruction& i) {
  const uint32_t target = branch_target(i);
  if (!within_limit(target)) return false;
  const uint32_t return_point = emit_segmented_return_address(i.operand_size);
  emit_goto(target);
  emit_return_point(return_point);
  return true;
}

// r8 = where an indirect jump or call leads.
void BlockTranslator::emit_load_target(const Instruction& i) {
  const unsigned bytes = i.operand_size;
  if (i.mod != 3)
    emit_load_extended(kR8, operand(i, bytes, false), bytes);
  else if (bytes == 2)
    emit_low_word(kR8, i.rm);
  else
    out_.a().mov(r8d, gpd(i.rm));
  emit_fetch_check(kR8, bytes, kR11);
}

bool BlockTranslator::segmented_jump_indirect(const Instruction& i) {
  emit_load_target(i);
  emit_place(kR8);
  out_.emit_table_jump();
  return true;
}

bool BlockTranslator::segmented_call_indirect(const Instruction& i) {
  auto& a = out_.a();
  emit_load_target(i);
  a.mov(Emitter::saved(1), r8);
  const uint32_t return_point = emit_segmented_return_address(i.operand_size);
  a.mov(r8, Emitter::saved(1));
  emit_place(kR8);
  out_.emit_table_jump();
  emit_return_point(return_point);
  return true;
}

bool BlockTranslator::segmented_return(const Instruction& i) {
  auto& a = out_.a();
  const unsigned bytes = i.operand_size;
  const unsigned extra = i.opcode == 0xC2 ? i.immediate[0].value & 0xFFFF : 0;
  emit_load_extended(kR8, stack_operand(0, bytes, false), bytes);
  emit_fetch_check(kR8, bytes, kR11);
  emit_place(kR8);
  a.mov(r10, r8);
  emit_index_of_return();
  emit_add_to_stack_pointer(static_cast<int32_t>(bytes + extra));
  a.mov(r8, r10);
  a.jmp(Emitter::return_place());
  return true;
}

// ---- Strings ---------------------------------------------------------------------------------------------

namespace {

constexpr unsigned element_bytes(const Instruction& i) { return i.opcode & 1 ? i.operand_size : 1u; }

bool writes_destination(const Instruction& i) {
  return i.opcode == 0xA4 || i.opcode == 0xA5 || i.opcode == 0xAA || i.opcode == 0xAB;
}

}  // namespace

// r10, or r11, becomes what has to be subtracted from the host address to have the guest's register, which
// becomes the host address; the register as it was is kept in r8, or r9.
void BlockTranslator::emit_string_address(const Instruction& i, SegmentIndex segment, bool source) {
  auto& a = out_.a();
  const Gp pointer = source ? rsi : rdi, base = source ? r10 : r11, old = source ? r8 : r9;
  a.mov(base, Emitter::context(offsetof(TranslatorContext, space_base) + key_.mode.user() * 8u, 8));
  a.mov(old.r32(), Emitter::segment_base(segment));
  a.lea(base, ptr(base, old));  // of the segment
  a.mov(old, pointer);
  if (i.address_size == 2) {
    a.movzx(pointer.r32(), pointer.r16());
    a.lea(pointer, ptr(pointer, base));
    a.not_(old);
    a.lea(base, ptr(pointer, old, 0, 1));  // less the upper half of the register
    a.not_(old);
  } else {
    a.lea(pointer, ptr(pointer, base));
  }
}

// The instruction itself, between host addresses.
void BlockTranslator::emit_string_instruction(const Instruction& i) {
  auto& a = out_.a();
  const bool source = string_has_source(i.opcode), destination = string_has_destination(i.opcode);
  if (source) emit_string_address(i, data_segment(i), true);
  if (destination) emit_string_address(i, kEs, false);
  std::array<uint8_t, 3> bytes;
  size_t size = 0;
  if (i.repeat != RepeatPrefix::kNone) bytes[size++] = static_cast<uint8_t>(i.repeat);
  if (element_bytes(i) == 2) bytes[size++] = 0x66;
  bytes[size++] = i.opcode;
  out_.emit_bytes({bytes.data(), size});
  const auto emit_restore = [&](const Gp& pointer, const Gp& base, const Gp& old) {
    a.not_(base);
    if (i.address_size == 4) {
      a.lea(pointer.r32(), ptr(pointer, base, 0, 1));
      return;
    }
    a.lea(base.r32(), ptr(pointer, base, 0, 1));
    a.mov(pointer.r32(), old.r32());
    a.mov(pointer.r16(), base.r16());
  };
  if (source) emit_restore(rsi, r10, r8);
  if (destination) emit_restore(rdi, r11, r9);
}

bool BlockTranslator::segmented_string(const Instruction& i) {
  if (checked_ && writes_destination(i)) return false;
  const bool small = i.address_size == 2;
  const unsigned bytes = element_bytes(i);
  const auto emit_check = [&](const Gp& pointer, SegmentIndex segment, bool write) {
    if (small)
      out_.a().movzx(r8d, pointer.r16());
    else
      out_.a().mov(r8d, pointer.r32());
    emit_limit_check(segment, small, bytes, write);
  };
  if (string_has_source(i.opcode)) emit_check(rsi, data_segment(i), false);
  if (string_has_destination(i.opcode)) emit_check(rdi, kEs, writes_destination(i));
  emit_string_instruction(i);
  return true;
}

// In line if it goes upwards, does not wrap, and ECX has nothing above a CX that counts; otherwise the
// interpreter's, which does all of it as well. What ends on a comparison may be counted too far: then, too.
bool BlockTranslator::segmented_repeated_string(const Instruction& i) {
  if (checked_ && writes_destination(i)) return false;
  auto& a = out_.a();
  const bool small = i.address_size == 2;
  const bool source = string_has_source(i.opcode), destination = string_has_destination(i.opcode);
  const unsigned bytes = element_bytes(i), shift = bytes == 4 ? 2 : bytes - 1;
  const auto count = Emitter::context(offsetof(TranslatorContext, string_count), 8);
  // base = the offset of the last byte.
  const auto emit_last = [&](const Gp& pointer, const Gp& last) {
    if (small)
      a.movzx(last.r32(), pointer.r16());
    else
      a.mov(last.r32(), pointer.r32());
    a.lea(last, ptr(last, rcx, shift, -1));
  };
  emit_checked_string_begin();  // r8 = DF
  a.mov(r9, r8);
  a.mov(r8d, small ? 16 : 32);
  if (small) {
    a.shrx(r10, rcx, r8);
    a.lea(r9, ptr(r9, r10));
  }
  if (source) {
    emit_last(rsi, r10);
    a.shrx(r10, r10, r8);
    a.lea(r9, ptr(r9, r10));
  }
  if (destination) {
    emit_last(rdi, r11);
    a.shrx(r11, r11, r8);
    a.lea(r9, ptr(r9, r11));
  }
  const asmjit::Label fits = a.newLabel();
  a.mov(rcx, r9);
  a.jecxz(rcx, fits);  // JRCXZ
  a.mov(rcx, count);
  emit_interpret();
  a.bind(fits);
  a.mov(rcx, count);
  if (source) {
    emit_last(rsi, r8);
    emit_limit_check_at(data_segment(i), r8, 0, false);
  }
  if (destination) {
    emit_last(rdi, r8);
    emit_limit_check_at(kEs, r8, 0, writes_destination(i));
  }
  emit_string_instruction(i);
  return true;
}

}  // namespace ringdown

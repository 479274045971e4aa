// The stack. ESP changes after the last access that can fault, so the state is always that before the
// instruction.
#include "cpu/state.h"
#include "translator/block_translator.h"

namespace ringdown {
namespace {

using namespace asmjit::x86;

Address stack(int32_t offset) { return {.base = kEsp, .displacement = offset}; }

}  // namespace

bool BlockTranslator::lower_push_register(const Instruction& i) {
  out_.emit_store(stack(-4), i.opcode & 7);
  out_.emit_adjust_stack(-4);
  return true;
}

bool BlockTranslator::lower_pop_register(const Instruction& i) {
  const uint8_t reg = i.opcode & 7;
  out_.emit_load(reg, stack(0));
  if (reg != kEsp) out_.emit_adjust_stack(4);
  return true;
}

bool BlockTranslator::lower_push_immediate(const Instruction& i) {
  out_.emit_store_value(stack(-4), i.immediate[0].value);
  out_.emit_adjust_stack(-4);
  return true;
}

bool BlockTranslator::lower_push_memory(const Instruction& i) {
  if (i.mod == 3) {
    out_.emit_store(stack(-4), i.rm);
  } else {
    out_.emit_load(kR10, operand(i, 4, false));
    out_.emit_store(stack(-4), kR10);
  }
  out_.emit_adjust_stack(-4);
  return true;
}

bool BlockTranslator::lower_pop_memory(const Instruction& i) {
  if (i.mod == 3) {
    out_.emit_load(i.rm, stack(0));
    if (i.rm != kEsp) out_.emit_adjust_stack(4);
    return true;
  }
  // An ESP base means ESP after the pop.
  Address flat = guest_address(i);
  if (flat.base == kEsp) flat = flat.plus(4);
  const Address to = resolve(i, flat);
  out_.emit_load(kR10, stack(0));
  out_.emit_store(to, kR10);
  out_.emit_adjust_stack(4);
  return true;
}

bool BlockTranslator::lower_push_all(const Instruction&) {
  for (uint8_t reg = 0; reg < 8; reg++) out_.emit_store(stack(-4 * (reg + 1)), reg);
  out_.emit_adjust_stack(-32);
  return true;
}

// All is touched first, in order, so that a fault finds the registers as they were and names the right
// address.
bool BlockTranslator::lower_pop_all(const Instruction&) {
  for (int32_t offset = 0; offset < 32; offset += 4) out_.emit_load(kR10, stack(offset));
  for (uint8_t reg = 0; reg < 8; reg++) {
    if (reg != kEsp) out_.emit_load(reg, stack(4 * (7 - reg)));
  }
  out_.emit_adjust_stack(32);
  return true;
}

bool BlockTranslator::lower_leave(const Instruction&) {
  out_.emit_load(kR10, {.base = kEbp});
  out_.emit_lea(kEsp, {.base = kEbp, .displacement = 4});
  out_.a().mov(ebp, r10d);
  return true;
}

bool BlockTranslator::lower_push_segment(const Instruction& i) {
  out_.a().movzx(r10d, Emitter::segment_selector(i.opcode >> 3 & 7));  // 06 0E 16 1E, 0F A0, 0F A8
  out_.emit_store(stack(-4), kR10);
  out_.emit_adjust_stack(-4);
  return true;
}

}  // namespace ringdown

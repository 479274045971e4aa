// The stack. ESP changes after the last access that can fault, so the state is always that before the
// instruction. The host's RSP follows it later, once for what several instructions have added to ESP: when
// one comes that names ESP, or that may leave the block or be entered from elsewhere.
#include "cpu/state.h"
#include "translator/block_translator.h"

namespace ringdown {
namespace {

using namespace asmjit::x86;

// Is ModRM.reg more of the opcode, and no register?
bool reg_extends_opcode(const Instruction& i) {
  const uint8_t op = i.opcode;
  return i.map == OpcodeMap::kOneByte && ((op >= 0x80 && op <= 0x83) || (op & 0xFE) == 0xC0 ||
                                          (op >= 0xD0 && op <= 0xD3) || (op & 0xF6) == 0xF6);
}

// Are the opcode's last three bits a register?
bool opcode_has_register(const Instruction& i) {
  const uint8_t eight = i.opcode & 0xF8;
  if (i.map == OpcodeMap::k0F) return eight == 0xC8;
  return i.map == OpcodeMap::kOneByte && ((eight >= 0x40 && eight <= 0x58) || eight == 0x90 || eight == 0xB8);
}

// As anything but the base of its memory operand. Sometimes true of what is another register of its number.
bool names_esp(const Instruction& i) {
  if (!i.has_modrm) return opcode_has_register(i) && (i.opcode & 7) == kEsp;
  return (i.mod == 3 && i.rm == kEsp) || (i.reg == kEsp && !reg_extends_opcode(i));
}

}  // namespace

// Does it go by esp_offset_? Segmented code does not, which pushes words with 16-bit ESPs.
bool BlockTranslator::leaves_esp_unsettled(Treatment t, const Instruction& i) const {
  if (checked_) return false;
  switch (t) {
    case Treatment::kCopy:
      return copies_esp(i) || !names_esp(i);
    case Treatment::kIncrementRegister:
    case Treatment::kLoadEffectiveAddress:
    case Treatment::kExchange:
    case Treatment::kBitString:
    case Treatment::kReadSegment:
    case Treatment::kPushRegister:
    case Treatment::kPopRegister:
    case Treatment::kPushMemory:
    case Treatment::kPopMemory:
      return !names_esp(i);
    case Treatment::kNothing:
    case Treatment::kAbsoluteMove:
    case Treatment::kTranslateByte:
    case Treatment::kString:
    case Treatment::kPushImmediate:
    case Treatment::kPopAll:
    case Treatment::kLeave:
    case Treatment::kPushFlags:
    case Treatment::kPushSegment:
    case Treatment::kClearInterruptFlag:
    case Treatment::kReadTimeStamp:
    case Treatment::kReturn:
      return true;
    default:
      return false;
  }
}

// MOV r32, ESP that is not settled.
bool BlockTranslator::copies_esp(const Instruction& i) const {
  if (esp_offset_ == 0 || i.map != OpcodeMap::kOneByte || i.mod != 3 || i.operand_size != 4) return false;
  return (i.opcode == 0x8B && i.rm == kEsp && i.reg != kEsp) ||
         (i.opcode == 0x89 && i.reg == kEsp && i.rm != kEsp);
}

void BlockTranslator::settle_esp() {
  if (esp_offset_ != 0) out_.emit_adjust_stack(esp_offset_);
  esp_offset_ = 0;
}

Address BlockTranslator::flat_address(const Instruction& i) const {
  const Address address = guest_address(i);
  return address.base == kEsp ? address.plus(esp_offset_) : address;
}

bool BlockTranslator::lower_push_register(const Instruction& i) {
  out_.emit_store(stack(-4), i.opcode & 7);
  esp_offset_ -= 4;
  return true;
}

bool BlockTranslator::lower_pop_register(const Instruction& i) {
  const uint8_t reg = i.opcode & 7;
  out_.emit_load(reg, stack(0));
  if (reg != kEsp) esp_offset_ += 4;
  return true;
}

bool BlockTranslator::lower_push_immediate(const Instruction& i) {
  out_.emit_store_value(stack(-4), i.immediate[0].value);
  esp_offset_ -= 4;
  return true;
}

bool BlockTranslator::lower_push_memory(const Instruction& i) {
  if (i.mod == 3) {
    out_.emit_store(stack(-4), i.rm);
  } else {
    out_.emit_load(kR10, operand(i, 4, false));
    out_.emit_store(stack(-4), kR10);
  }
  esp_offset_ -= 4;
  return true;
}

bool BlockTranslator::lower_pop_memory(const Instruction& i) {
  if (i.mod == 3) {
    out_.emit_load(i.rm, stack(0));
    if (i.rm != kEsp) esp_offset_ += 4;
    return true;
  }
  // An ESP base means ESP after the pop.
  Address flat = flat_address(i);
  if (flat.base == kEsp) flat = flat.plus(4);
  const Address to = resolve(i, flat);
  out_.emit_load(kR10, stack(0));
  out_.emit_store(to, kR10);
  esp_offset_ += 4;
  return true;
}

bool BlockTranslator::lower_push_all(const Instruction&) {
  for (uint8_t reg = 0; reg < 8; reg++) out_.emit_store(stack(-4 * (reg + 1)), reg);
  esp_offset_ -= 32;
  return true;
}

// All is touched first, in order, so that a fault finds the registers as they were and names the right
// address.
bool BlockTranslator::lower_pop_all(const Instruction&) {
  for (int32_t offset = 0; offset < 32; offset += 4) out_.emit_load(kR10, stack(offset));
  for (uint8_t reg = 0; reg < 8; reg++) {
    if (reg != kEsp) out_.emit_load(reg, stack(4 * (7 - reg)));
  }
  esp_offset_ += 32;
  return true;
}

bool BlockTranslator::lower_leave(const Instruction&) {
  out_.emit_load(kR10, {.base = kEbp});
  out_.a().mov(esp, ebp);
  out_.a().mov(ebp, r10d);
  esp_offset_ = 4;
  return true;
}

bool BlockTranslator::lower_push_segment(const Instruction& i) {
  out_.a().movzx(r10d, Emitter::segment_selector(i.opcode >> 3 & 7));  // 06 0E 16 1E, 0F A0, 0F A8
  out_.emit_store(stack(-4), kR10);
  esp_offset_ -= 4;
  return true;
}

}  // namespace ringdown

#include "translator/treatment.h"

#include <Zydis/Zydis.h>

#include "host-driver/log.h"
#include "interpreter/lock.h"
#include "translator/sensitive.h"

namespace ringdown {
namespace {

using enum Treatment;

bool in(uint8_t opcode, uint8_t first, uint8_t last) { return opcode >= first && opcode <= last; }

Treatment copy_if(bool harmless) { return harmless ? kCopy : kInterpret; }

// ---- What is sensitive: by the table ----------------------------------------------------------------------

// SS is loaded together with an interrupt shadow, CS by none of these.
bool loads_data_segment(const Instruction& i) {
  const bool stack = i.map == OpcodeMap::kOneByte && (i.opcode == 0x17 || (i.opcode == 0x8E && i.reg == kSs));
  return !stack && !(i.opcode == 0x8E && (i.reg == kCs || i.reg > kGs));
}

// Does the form that a sensitive instruction's treatment is made for fit this one?
bool lowered_form(Treatment t, const Instruction& i, CodeMode mode) {
  const bool callout = kind_of(t) == TreatmentKind::kCallout;
  if (callout && log_enabled(LogClass::kSensitive))
    return false;  // the log is written where the interpreter runs
  if (t == kPushFlags || t == kPushSegment) return i.operand_size == 4;
  if (t == kPopFlags) return i.operand_size == 4 && !mode.has(CodeMode::kIoPrivileged);
  if (t == kReadTimeStamp) return !mode.has(CodeMode::kTscTrapped);
  if (t == kIdentify) return !log_enabled(LogClass::kSensitive);
  if (t == kCallLoadSegment || t == kCallPopSegment) return i.operand_size == 4 && loads_data_segment(i);
  return !callout || t == kCallInvalidatePage || i.operand_size == 4;
}

Treatment sensitive_treatment(const SensitiveRow& row, const Instruction& i, CodeMode mode) {
  const Treatment t = mode.user() ? row.ring3 : row.ring0;
  if (t == kCallClearTaskSwitched && mode.has(CodeMode::kX87)) return kClearTaskSwitched;
  return lowered_form(t, i, mode) ? t : kInterpret;
}

// ---- What is not: the list of what is known to be harmless in ring 3 --------------------------------------

// The arithmetic block 00-3F holds eight groups of eight: six ALU forms, then segments, prefixes and BCD.
Treatment alu_group(uint8_t opcode) { return copy_if((opcode & 7) < 6); }

Treatment group_ff(const Instruction& i) {
  if (i.reg <= 1) return kCopy;
  if (i.operand_size != 4) return kInterpret;
  // clang-format off
  switch (i.reg) {
    case 2: return kCallIndirect;
    case 4: return kJumpIndirect;
    case 6: return kPushMemory;
  }
  // clang-format on
  return kInterpret;
}

// FLDENV, FNSTENV, FRSTOR, FNSAVE store or load addresses of the guest, which the host does not have.
Treatment x87(const Instruction& i, CodeMode mode) {
  if (!mode.has(CodeMode::kX87)) return kInterpret;
  const bool environment = i.mod != 3 && (i.reg == 4 || i.reg == 6) && (i.opcode == 0xD9 || i.opcode == 0xDD);
  return copy_if(!environment);
}

Treatment one_byte(const Instruction& i, CodeMode mode) {
  const uint8_t op = i.opcode;
  const bool wide = i.operand_size == 4;
  if (op < 0x40) return alu_group(op);
  if (in(op, 0x40, 0x4F)) return kIncrementRegister;
  if (in(op, 0x50, 0x57)) return wide ? kPushRegister : kInterpret;
  if (in(op, 0x58, 0x5F)) return wide ? kPopRegister : kInterpret;
  if (in(op, 0x70, 0x7F)) return kJumpConditional;
  if (in(op, 0xB0, 0xBF)) return kCopy;
  if (in(op, 0xD8, 0xDF)) return x87(i, mode);
  // clang-format off
  switch (op) {
    case 0x60: return wide ? kPushAll : kInterpret;
    case 0x61: return wide ? kPopAll : kInterpret;
    case 0x68: case 0x6A: return wide ? kPushImmediate : kInterpret;
    case 0x69: case 0x6B: return kCopy;
    case 0x80: case 0x81: case 0x82: case 0x83: return kCopy;
    case 0x86: case 0x87: return i.mod == 3 ? kCopy : kExchange;
    case 0x84: case 0x85: case 0x88: case 0x89: case 0x8A: case 0x8B: return kCopy;
    case 0x8D: return kLoadEffectiveAddress;
    case 0x8F: return wide ? kPopMemory : kInterpret;
    case 0x90: case 0x91: case 0x92: case 0x93: case 0x94: case 0x95: case 0x96: case 0x97:
    case 0x98: case 0x99: return kCopy;
    case 0x9B: return copy_if(mode.has(CodeMode::kX87));
    case 0x9E: case 0x9F: return kCopy;
    case 0xA0: case 0xA1: case 0xA2: case 0xA3: return kAbsoluteMove;
    case 0xA4: case 0xA5: case 0xA6: case 0xA7: return kString;
    case 0xA8: case 0xA9: return kCopy;
    case 0xAA: case 0xAB: case 0xAC: case 0xAD: case 0xAE: case 0xAF: return kString;
    case 0xC0: case 0xC1: case 0xD0: case 0xD1: case 0xD2: case 0xD3: return kCopy;
    case 0xC2: case 0xC3: return wide ? kReturn : kInterpret;
    case 0xC6: case 0xC7: return copy_if(i.reg == 0);
    case 0xC9: return wide ? kLeave : kInterpret;
    case 0xD7: return kTranslateByte;
    case 0xE0: case 0xE1: case 0xE2: case 0xE3: return kLoop;
    case 0xE8: return kCall;
    case 0xE9: case 0xEB: return kJump;
    case 0xF5: case 0xF8: case 0xF9: case 0xFC: case 0xFD: return kCopy;
    case 0xF6: case 0xF7: return i.reg >= 6 ? kDivide : kCopy;
    case 0xFE: return copy_if(i.reg <= 1);
    case 0xFF: return group_ff(i);
  }
  // clang-format on
  return kInterpret;
}

bool is_vector(const Instruction& i) {
  // clang-format off
  switch (i.isa_set) {
    case ZYDIS_ISA_SET_SSE: case ZYDIS_ISA_SET_SSE2: case ZYDIS_ISA_SET_SSE2MMX: case ZYDIS_ISA_SET_SSEMXCSR:
    case ZYDIS_ISA_SET_SSE3: case ZYDIS_ISA_SET_SSSE3: case ZYDIS_ISA_SET_SSSE3MMX: case ZYDIS_ISA_SET_SSE4:
    case ZYDIS_ISA_SET_AES: case ZYDIS_ISA_SET_PCLMULQDQ: case ZYDIS_ISA_SET_SHA:
      return true;
  }
  // clang-format on
  return false;
}

// In these two sets are integer instructions as well.
bool is_sse42_vector(const Instruction& i) {
  return i.isa_set == ZYDIS_ISA_SET_SSE42 && i.map == OpcodeMap::k0F3A;
}

Treatment vector(CodeMode mode) {
  // MOVNTI, the fences and the like do not depend on the vector state, but copying them only when it is
  // usable costs nothing: it always is.
  return copy_if(mode.has(CodeMode::kSse));
}

Treatment group_ae(const Instruction& i, CodeMode mode) {
  if (i.mod == 3) return copy_if(i.reg >= 5 && i.repeat == RepeatPrefix::kNone && !i.operand_size_prefix);
  if (i.reg == 2 || i.reg == 3) return copy_if(mode.has(CodeMode::kSse));
  return copy_if(i.reg == 7 && !i.operand_size_prefix && i.repeat == RepeatPrefix::kNone);  // CLFLUSH
}

Treatment group_c7(const Instruction& i) {
  if (i.mod != 3) return copy_if(i.reg == 1);                     // CMPXCHG8B
  return copy_if(i.reg >= 6 && i.repeat == RepeatPrefix::kNone);  // RDRAND, RDSEED
}

Treatment two_byte(const Instruction& i, CodeMode mode) {
  const uint8_t op = i.opcode;
  if (in(op, 0x80, 0x8F)) return i.operand_size == 4 ? kJumpConditional : kInterpret;
  if (in(op, 0x40, 0x4F) || in(op, 0x90, 0x9F) || in(op, 0xC8, 0xCF)) return kCopy;
  if (in(op, 0x18, 0x1F) || op == 0x0D) return kNothing;
  // clang-format off
  switch (op) {
    case 0x77: return copy_if(mode.has(CodeMode::kX87));
    case 0xA3: case 0xAB: case 0xB3: case 0xBB: return i.mod == 3 ? kCopy : kBitString;
    case 0xA4: case 0xA5: case 0xAC: case 0xAD: case 0xAF: return kCopy;
    case 0xAE: return group_ae(i, mode);
    case 0xB0: case 0xB1: case 0xB6: case 0xB7: case 0xBE: case 0xBF: return kCopy;
    case 0xC0: case 0xC1: return i.mod == 3 ? kCopy : kExchange;
    case 0xB8: return copy_if(i.repeat == RepeatPrefix::kRep);  // POPCNT
    case 0xBA: return copy_if(i.reg >= 4);
    case 0xBC: case 0xBD: return kCopy;
    case 0xC7: return group_c7(i);
    // MASKMOVQ and MASKMOVDQU name no operand that could be pointed elsewhere, and processors differ in whether bytes
    // that are masked out can fault or make a page dirty.
    case 0xF7: return kInterpret;
  }
  // clang-format on
  if (i.isa_set == ZYDIS_ISA_SET_PENTIUMMMX) return copy_if(mode.has(CodeMode::kX87));
  return is_vector(i) ? vector(mode) : kInterpret;
}

Treatment three_byte(const Instruction& i, CodeMode mode) {
  // clang-format off
  switch (i.isa_set) {
    case ZYDIS_ISA_SET_MOVBE: case ZYDIS_ISA_SET_ADOX_ADCX: return kCopy;
    case ZYDIS_ISA_SET_SSE42: return is_sse42_vector(i) || i.opcode == 0x37 ? vector(mode) : kCopy;  // CRC32
  }
  // clang-format on
  return is_vector(i) ? vector(mode) : kInterpret;
}

Treatment by_map(const Instruction& i, CodeMode mode) {
  // clang-format off
  switch (i.map) {
    case OpcodeMap::kOneByte: return one_byte(i, mode);
    case OpcodeMap::k0F: return two_byte(i, mode);
    case OpcodeMap::k0F38:
    case OpcodeMap::k0F3A: return three_byte(i, mode);
    case OpcodeMap::k3dNow:
    case OpcodeMap::kVector: return kInterpret;
  }
  // clang-format on
  return kInterpret;
}

bool segment_usable(const Instruction& i, CodeMode mode) {
  if (i.segment_override == kFs) return mode.has(CodeMode::kFsUnlimited);
  if (i.segment_override == kGs) return mode.has(CodeMode::kGsUnlimited);
  return true;
}

bool touches_segment(Treatment t) {
  // clang-format off
  switch (t) {
    case kCopy: case kAbsoluteMove: case kExchange: case kDivide: case kBitString: case kTranslateByte: case kString:
    case kPushMemory: case kPopMemory: case kReadSegment: case kJumpIndirect: case kCallIndirect: case kCallLoadSegment:
    case kCallInvalidatePage:
      return true;
    case kInterpret: case kNothing: case kIncrementRegister: case kLoadEffectiveAddress: case kPushRegister:
    case kPopRegister: case kPushImmediate: case kPushAll: case kPopAll: case kLeave: case kPushFlags:
    case kPopFlags: case kPushSegment: case kClearInterruptFlag: case kSetInterruptFlag: case kReadTimeStamp:
    case kIdentify: case kReadControl: case kWriteControl: case kClearTaskSwitched: case kJumpConditional: case kLoop: case kJump:
    case kCall: case kReturn: case kCallPopSegment:
    case kCallInterrupt: case kCallInterruptReturn: case kCallHalt: case kCallSysenter: case kCallSysexit:
    case kCallPortIo: case kCallWriteCr0: case kCallClearTaskSwitched:
      return false;
  }
  // clang-format on
  return false;
}

// Where FS and GS have bases to add but the operand leaves no room for it.
bool implicit_operand(Treatment t) { return t == kString || t == kTranslateByte; }

}  // namespace

TreatmentKind kind_of(Treatment t) {
  // clang-format off
  switch (t) {
    case kInterpret: return TreatmentKind::kInterpret;
    case kCopy: case kNothing: return TreatmentKind::kIdentical;
    case kIncrementRegister: case kAbsoluteMove: case kLoadEffectiveAddress: case kExchange: case kDivide: case kBitString:
    case kTranslateByte: case kString: case kPushRegister: case kPopRegister: case kPushImmediate: case kPushMemory:
    case kPopMemory: case kPushAll: case kPopAll: case kLeave: case kPushFlags: case kPopFlags: case kPushSegment:
    case kReadSegment: case kClearInterruptFlag: case kSetInterruptFlag: case kReadTimeStamp: case kIdentify:
    case kReadControl: case kWriteControl: case kClearTaskSwitched:
    case kJumpConditional: case kLoop: case kJump: case kCall: case kJumpIndirect: case kCallIndirect: case kReturn:
      return TreatmentKind::kInLine;
    case kCallLoadSegment: case kCallPopSegment: case kCallInterrupt: case kCallInterruptReturn: case kCallHalt:
    case kCallSysenter: case kCallSysexit: case kCallPortIo: case kCallInvalidatePage:
    case kCallWriteCr0: case kCallClearTaskSwitched:
      return TreatmentKind::kCallout;
  }
  // clang-format on
  return TreatmentKind::kInterpret;
}

Treatment treatment_of(const Instruction& i, const CpuModel& model, CodeMode mode) {
  if (!model.supports(i)) return kInterpret;
  const SensitiveRow* row = find_sensitive(i);
  const Treatment t = row ? sensitive_treatment(*row, i, mode) : by_map(i, mode);
  if (t == kInterpret || t == kNothing) return t;
  const bool branch_or_callout = t >= kCallLoadSegment;
  if (i.address_size == 2 && (i.memory_operand() || t == kAbsoluteMove || implicit_operand(t) || t == kLoop))
    return kInterpret;
  if (branch_or_callout && i.operand_size == 2) return kInterpret;
  if (i.lock && !may_be_locked(i)) return kInterpret;
  if (i.segment_override == kCs && touches_segment(t)) return kInterpret;  // must not be written
  const bool fs_or_gs = i.segment_override == kFs || i.segment_override == kGs;
  if (fs_or_gs && touches_segment(t) && (!segment_usable(i, mode) || implicit_operand(t))) return kInterpret;
  return t;
}

}  // namespace ringdown

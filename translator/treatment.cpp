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
  const bool sized = i.operand_size == 4 || mode.segmented();
  if (t == kPushFlags || t == kPushSegment) return sized;
  if (t == kPopFlags) return sized && !mode.has(CodeMode::kIoPrivileged);
  if (t == kReadTimeStamp) return !mode.has(CodeMode::kTscTrapped);
  if (t == kIdentify) return !log_enabled(LogClass::kSensitive);
  if (t == kCallLoadSegment || t == kCallPopSegment) return i.operand_size == 4 && loads_data_segment(i);
  return !callout || t == kCallInvalidatePage || sized;
}

// Where selectors are paragraphs; kInterpret: what is as everywhere.
Treatment paragraph_treatment(const Instruction& i, CodeMode mode) {
  const bool two_byte = i.map == OpcodeMap::k0F;
  const bool loads_cs = !two_byte && i.opcode == 0x8E && i.reg == kCs;
  if (log_enabled(LogClass::kSensitive) || loads_cs) return kInterpret;
  // clang-format off
  if (two_byte) switch (i.opcode) {
    case 0xA1: case 0xA9: return kPopParagraph;
    case 0xB2: case 0xB4: case 0xB5: return kLoadFarPointer;
    default: return kInterpret;
  }
  switch (i.opcode) {
    case 0x07: case 0x17: case 0x1F: return kPopParagraph;
    case 0x8E: return i.reg <= kGs ? kLoadParagraph : kInterpret;
    case 0xC4: case 0xC5: return kLoadFarPointer;
    case 0x9A: return kFarCall;
    case 0xEA: return kFarJump;
    case 0xCA: case 0xCB: return kFarReturn;
    case 0xFF: return i.reg == 3 ? kFarCall : i.reg == 5 ? kFarJump : kInterpret;
    case 0xCD: return mode.real() ? kCallRealInterrupt : kInterpret;
    case 0xCF: return mode.real() && i.operand_size == 2 ? kCallRealInterruptReturn : kInterpret;
  }
  // clang-format on
  return kInterpret;
}

// What virtual-8086 mode allows with an IOPL of 3 alone is the interpreter's.
Treatment segmented_sensitive_treatment(const SensitiveRow& row, const Instruction& i, CodeMode mode) {
  if (mode.has(CodeMode::kParagraphs)) {
    const Treatment t = paragraph_treatment(i, mode);
    if (t != kInterpret) return t;
  }
  const Treatment t = mode.user() ? row.ring3 : row.ring0;
  // clang-format off
  switch (t) {
    case kPushFlags: case kPopFlags: return mode.virtual_8086() ? kInterpret : lowered_form(t, i, mode) ? t : kInterpret;
    case kPushSegment: case kReadSegment: case kClearInterruptFlag: case kSetInterruptFlag: case kReadTimeStamp:
    case kIdentify: case kReadControl: case kWriteControl: case kCallPortIo: case kCallHalt: case kCallWriteCr0:
      return lowered_form(t, i, mode) ? t : kInterpret;
    case kCallClearTaskSwitched:
      return mode.has(CodeMode::kX87) ? kClearTaskSwitched : lowered_form(t, i, mode) ? t : kInterpret;
    default: return kInterpret;
  }
  // clang-format on
}

Treatment sensitive_treatment(const SensitiveRow& row, const Instruction& i, CodeMode mode) {
  if (mode.segmented()) return segmented_sensitive_treatment(row, i, mode);
  const Treatment t = mode.user() ? row.ring3 : row.ring0;
  if (t == kCallClearTaskSwitched && mode.has(CodeMode::kX87)) return kClearTaskSwitched;
  return lowered_form(t, i, mode) ? t : kInterpret;
}

// ---- What is not: the list of what is known to be harmless in ring 3 --------------------------------------

// The arithmetic block 00-3F holds eight groups of eight: six ALU forms, then segments, prefixes and BCD.
Treatment alu_group(uint8_t opcode) { return copy_if((opcode & 7) < 6); }

Treatment group_ff(const Instruction& i, CodeMode mode) {
  if (i.reg <= 1) return kCopy;
  if (i.operand_size != 4 && !mode.segmented()) return kInterpret;
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
  const bool wide = i.operand_size == 4 || mode.segmented();  // both sizes
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
    case 0xC8: return mode.segmented() && (i.immediate[1].value & 31) == 0 ? kEnter : kInterpret;
    case 0xC9: return wide ? kLeave : kInterpret;
    case 0xD7: return kTranslateByte;
    case 0xE0: case 0xE1: case 0xE2: case 0xE3: return kLoop;
    case 0xE8: return kCall;
    case 0xE9: case 0xEB: return kJump;
    case 0xF5: case 0xF8: case 0xF9: case 0xFC: case 0xFD: return kCopy;
    case 0xF6: case 0xF7: return i.reg >= 6 ? kDivide : kCopy;
    case 0xFE: return copy_if(i.reg <= 1);
    case 0xFF: return group_ff(i, mode);
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
  if (in(op, 0x80, 0x8F)) return i.operand_size == 4 || mode.segmented() ? kJumpConditional : kInterpret;
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
    case kCallPortIo: case kCallWriteCr0: case kCallClearTaskSwitched: case kEnter:
    case kLoadParagraph: case kPopParagraph: case kLoadFarPointer: case kFarCall: case kFarJump: case kFarReturn:
    case kCallRealInterrupt: case kCallRealInterruptReturn:
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
    case kEnter: case kLoadParagraph: case kPopParagraph: case kLoadFarPointer: case kFarCall: case kFarJump: case kFarReturn:
      return TreatmentKind::kInLine;
    case kCallLoadSegment: case kCallPopSegment: case kCallInterrupt: case kCallInterruptReturn: case kCallHalt:
    case kCallSysenter: case kCallSysexit: case kCallPortIo: case kCallInvalidatePage:
    case kCallWriteCr0: case kCallClearTaskSwitched: case kCallRealInterrupt: case kCallRealInterruptReturn:
      return TreatmentKind::kCallout;
  }
  // clang-format on
  return TreatmentKind::kInterpret;
}

bool is_lowered_for_segments(Treatment t) {
  // clang-format off
  switch (t) {
    case kAbsoluteMove: case kLoadEffectiveAddress: case kTranslateByte: case kString: case kPushRegister:
    case kPopRegister: case kPushImmediate: case kPushMemory: case kPopMemory: case kPushAll: case kPopAll: case kLeave:
    case kEnter: case kPushSegment: case kLoop: case kCall: case kJumpIndirect:
    case kCallIndirect: case kReturn: case kLoadParagraph: case kPopParagraph: case kLoadFarPointer: case kFarCall:
    case kFarJump: case kFarReturn:
      return true;
    case kInterpret: case kCopy: case kNothing: case kIncrementRegister: case kExchange: case kDivide: case kBitString:
    case kJumpConditional: case kJump:
    case kPushFlags: case kPopFlags: case kReadSegment: case kClearInterruptFlag: case kSetInterruptFlag:
    case kReadTimeStamp: case kIdentify: case kReadControl: case kWriteControl: case kClearTaskSwitched:
    case kCallLoadSegment: case kCallPopSegment: case kCallPortIo: case kCallWriteCr0: case kCallInterrupt:
    case kCallInterruptReturn: case kCallRealInterrupt: case kCallRealInterruptReturn: case kCallHalt: case kCallSysenter:
    case kCallSysexit: case kCallInvalidatePage: case kCallClearTaskSwitched:
      return false;
  }
  // clang-format on
  return false;
}

Treatment treatment_of(const Instruction& i, const CpuModel& model, CodeMode mode) {
  if (!model.supports(i)) return kInterpret;
  const SensitiveRow* row = find_sensitive(i);
  const Treatment t = row ? sensitive_treatment(*row, i, mode) : by_map(i, mode);
  if (t == kInterpret || t == kNothing) return t;
  if (i.lock && !may_be_locked(i)) return kInterpret;
  if (mode.segmented()) return t;
  const bool branch_or_callout = t >= kCallLoadSegment;
  if (i.address_size == 2 && (i.memory_operand() || t == kAbsoluteMove || implicit_operand(t) || t == kLoop))
    return kInterpret;
  if (branch_or_callout && i.operand_size == 2) return kInterpret;
  if (i.segment_override == kCs && touches_segment(t)) return kInterpret;  // must not be written
  const bool fs_or_gs = i.segment_override == kFs || i.segment_override == kGs;
  if (fs_or_gs && touches_segment(t) && (!segment_usable(i, mode) || implicit_operand(t))) return kInterpret;
  return t;
}

}  // namespace ringdown

#pragma once
#include <cstdint>

#include "cpu/cpu_model.h"
#include "cpu/instruction.h"
#include "translator/code_mode.h"

namespace ringdown {

// What the translator does with a guest instruction. One function, treatment_of(), decides it for discovery
// and for emission: what sensitive.inc names is treated as it says; of the rest, whatever is not listed as
// harmless in ring 3 is the interpreter's.
enum class Treatment : uint8_t {
  kInterpret,
  kCopy,               // as it is; a memory operand is pointed into the window
  kNothing,            // a hint: emits nothing
  kIncrementRegister,  // 40-4F, REX prefixes in 64-bit code
  kAbsoluteMove,       // A0-A3
  kLoadEffectiveAddress,
  kExchange,  // XCHG and XADD with memory
  kDivide,
  kBitString,      // BT BTS BTR BTC m, r: reaches beyond its operand
  kTranslateByte,  // XLAT
  kString,
  kPushRegister,
  kPopRegister,
  kPushImmediate,
  kPushMemory,
  kPopMemory,
  kPushAll,
  kPopAll,
  kLeave,
  kEnter,  // of no nesting level, in segmented code
  kPushFlags,
  kPopFlags,
  kPushSegment,
  kReadSegment,  // MOV r/m, sreg
  kClearInterruptFlag,
  kSetInterruptFlag,
  kReadTimeStamp,
  kIdentify,           // CPUID
  kReadControl,        // MOV r, CRn
  kWriteControl,       // MOV CR4, r that changes nothing; MOV CR2, r
  kClearTaskSwitched,  // CLTS of what is clear
  // Where selectors are paragraphs (lower_paragraphs.cpp):
  kLoadParagraph,   // MOV sreg, r/m
  kPopParagraph,    // POP sreg
  kLoadFarPointer,  // LDS LES LSS LFS LGS
  // Callouts for the usual case of what else is the interpreter's (lower_callout.cpp). These come back:
  kCallLoadSegment,  // MOV sreg, r/m
  kCallPopSegment,
  kCallPortIo,  // IN, OUT
  // Comes back, without having called anything, if it changes nothing:
  kCallWriteCr0,
  // Goes elsewhere and yet has something behind it:
  kCall,
  kCallIndirect,
  kJumpConditional,
  // What ends a block:
  kLoop,  // LOOP LOOPE LOOPNE JECXZ
  kJump,
  kJumpIndirect,
  kReturn,
  kFarCall,
  kFarJump,
  kFarReturn,
  // Callouts that do not come back:
  kCallInterrupt,  // INT n
  kCallInterruptReturn,
  kCallRealInterrupt,        // INT n in real mode
  kCallRealInterruptReturn,  // IRET there
  kCallHalt,
  kCallSysenter,
  kCallSysexit,
  kCallInvalidatePage,
  kCallClearTaskSwitched,
};

// How far from the guest's instruction a treatment is.
enum class TreatmentKind : uint8_t {
  kIdentical,  // the host executes it
  kInLine,     // the host executes something else, without a call in the usual case
  kCallout,    // leaves translated code for a C++ function made for it
  kInterpret,  // leaves translated code for the interpreter
};
TreatmentKind kind_of(Treatment t);

Treatment treatment_of(const Instruction& i, const CpuModel& model, CodeMode mode);

// Of the string instructions with this opcode: whether they access [ESI], ES:[EDI].
constexpr bool string_has_source(uint8_t opcode) {
  return (opcode >= 0xA4 && opcode <= 0xA7) || opcode == 0xAC || opcode == 0xAD;
}
constexpr bool string_has_destination(uint8_t opcode) { return opcode != 0xAC && opcode != 0xAD; }

// Is it lowered in another way where operands lie in segments (lower_segmented.cpp)?
bool is_lowered_for_segments(Treatment t);

// Nothing of a block can come behind it.
inline bool ends_block(Treatment t) { return t == Treatment::kInterpret || t >= Treatment::kLoop; }
// Control leaves the block, or may, and what is behind it can be translated with it.
inline bool goes_on_elsewhere(Treatment t) {
  return t >= Treatment::kCall && t <= Treatment::kJumpConditional;
}

}  // namespace ringdown

// Sensitive instructions that call C++ (callouts.h). They end their block: the state that they change decides where
// and in which mode to go on.
#include "translator/block_translator.h"

namespace ringdown {
namespace {

using namespace asmjit::x86;

}  // namespace

void BlockTranslator::emit_callout(Callout callout, unsigned detail) {
  auto& a = out_.a();
  a.mov(r8d, eip());
  a.mov(r9d, length_ | detail << 8);
  a.jmp(Emitter::context(offsetof(TranslatorContext, callouts) + static_cast<size_t>(callout) * 8, 8));
}

bool BlockTranslator::lower_load_segment(const Instruction& i) {
  if (i.mod != 3) {
    out_.emit_memory({.map = OpcodeMap::k0F, .opcode = 0xB7}, kR10, operand(i));  // MOVZX r10d, m16
  } else {
    out_.a().mov(r10d, gpd(i.rm));
  }
  emit_callout(Callout::kLoadSegment, i.reg);
  return true;
}

bool BlockTranslator::lower_pop_segment(const Instruction& i) {
  out_.emit_load(kR10, {.base = kEsp});
  emit_callout(Callout::kPopSegment, i.opcode >> 3 & (i.map == OpcodeMap::k0F ? 7 : 3));
  return true;
}

// Which of the interpreter's instructions have a callout for their usual case.
bool BlockTranslator::lower_callout(const Instruction& i) {
  if (i.lock || i.operand_size != 4) return false;
  const bool user = key_.mode.user();
  if (i.map == OpcodeMap::kOneByte) {
    switch (i.opcode) {
      case 0x07: case 0x1F: return lower_pop_segment(i);
      case 0x8E: {
        const bool plain = i.reg != kCs && i.reg != kSs && i.reg <= kGs;
        const bool simple_address = i.mod == 3 || (i.address_size == 4 && i.segment_override == kNoRegister);
        return plain && simple_address && lower_load_segment(i);
      }
      case 0xCD:
        if (!user) return false;
        emit_callout(Callout::kInterrupt, i.immediate[0].value & 0xFF);
        return true;
      case 0xCF:
        if (user) return false;
        emit_callout(Callout::kInterruptReturn, 0);
        return true;
    }
  } else if (i.map == OpcodeMap::k0F) {
    switch (i.opcode) {
      case 0x34: emit_callout(Callout::kSysenter, 0); return true;
      case 0x35:
        if (user) return false;
        emit_callout(Callout::kSysexit, 0);
        return true;
      case 0xA1: case 0xA9: return lower_pop_segment(i);
    }
  }
  return false;
}

}  // namespace ringdown

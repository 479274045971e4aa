// Sensitive instructions that call C++ (callouts.h). Most end their block: the state that they change decides
// where and in which mode to go on.
#include "translator/block_translator.h"

namespace ringdown {

using namespace asmjit::x86;

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

// For SegmentLoads.
unsigned BlockTranslator::segment_detail(unsigned segment) const {
  return segment | unsigned{key_.mode.bits} << 3;
}

bool BlockTranslator::lower_load_segment(const Instruction& i) {
  if (i.mod != 3) {
    out_.emit_memory({.map = OpcodeMap::k0F, .opcode = 0xB7}, kR10, operand(i, 2, false));  // MOVZX r10d, m16
  } else {
    out_.a().mov(r10d, gpd(i.rm));
  }
  return lower_returning_callout(Callout::kLoadSegment, segment_detail(i.reg));
}

bool BlockTranslator::lower_pop_segment(const Instruction& i) {
  out_.emit_load(kR10, {.base = kEsp});
  return lower_returning_callout(Callout::kPopSegment,
                                 segment_detail(i.opcode >> 3 & (i.map == OpcodeMap::k0F ? 7u : 3u)));
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

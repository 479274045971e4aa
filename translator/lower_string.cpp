// String instructions. Their ES:EDI operand takes no segment override, so the registers are made host
// addresses for the duration and truncated afterwards; windows are aligned to 4 GiB, so truncation is exact
// at any moment, also when an iteration faults. A repetition that runs out of the window meets the guard page
// after it.
#include "translator/block_translator.h"

namespace ringdown {
namespace {

using namespace asmjit::x86;

bool uses_source(uint8_t opcode) {
  return (opcode >= 0xA4 && opcode <= 0xA7) || opcode == 0xAC || opcode == 0xAD;
}
bool uses_destination(uint8_t opcode) { return opcode != 0xAC && opcode != 0xAD; }

Mem space_base(bool user) { return Emitter::context(offsetof(TranslatorContext, space_base) + user * 8u, 8); }

}  // namespace

bool BlockTranslator::lower_string(const Instruction& i) {
  auto& a = out_.a();
  const bool source = uses_source(i.opcode), destination = uses_destination(i.opcode);
  const auto emit_base = [&](const Gp& pointer, const Gp& address) {
    if (accessor_) {
      a.rorx(r9, pointer, 22);
      a.movzx(r9d, r9w);
      a.movzx(r9d, byte_ptr(r15, r9, 0, offsetof(TranslatorContext, slot_space)));
      a.mov(address, qword_ptr(r15, r9, 3, offsetof(TranslatorContext, space_base)));
    } else {
      a.mov(address, space_base(key_.mode.user()));
    }
  };
  if (source) emit_base(rsi, r10);
  if (destination) emit_base(rdi, r11);
  if (source) a.lea(rsi, ptr(rsi, r10));
  if (destination) a.lea(rdi, ptr(rdi, r11));

  std::array<uint8_t, 3> bytes;
  size_t size = 0;
  if (i.repeat != RepeatPrefix::kNone) bytes[size++] = static_cast<uint8_t>(i.repeat);
  if (i.operand_size_prefix) bytes[size++] = 0x66;
  bytes[size++] = i.opcode;
  out_.emit_bytes({bytes.data(), size});

  if (source) a.mov(esi, esi);
  if (destination) a.mov(edi, edi);
  return true;
}

}  // namespace ringdown

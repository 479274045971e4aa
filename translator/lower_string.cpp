// String instructions. Their ES:EDI operand takes no segment override, so the registers are made host
// addresses for the duration and truncated afterwards; windows are aligned to 4 GiB, so truncation is exact
// at any moment, also when an iteration faults. A repetition that runs out of the window meets the guard page
// after it.
#include "translator/block_translator.h"

namespace ringdown {
namespace {

using namespace asmjit::x86;

Mem space_base(bool user) { return Emitter::context(offsetof(TranslatorContext, space_base) + user * 8u, 8); }

unsigned element_shift(const Instruction& i) {
  if (!(i.opcode & 1)) return 0;
  return i.operand_size_prefix ? 1 : 2;
}

bool writes(uint8_t opcode) { return opcode == 0xA4 || opcode == 0xA5 || opcode == 0xAA || opcode == 0xAB; }

// The two pages that CMPS reads could displace each other for ever.
bool may_be_checked(uint8_t opcode) { return opcode != 0xA6 && opcode != 0xA7; }

}  // namespace

bool BlockTranslator::lower_string(const Instruction& i) {
  auto& a = out_.a();
  const bool source = string_has_source(i.opcode), destination = string_has_destination(i.opcode);
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
  const bool checked = checked_ && may_be_checked(i.opcode);
  if (checked) {
    const bool repeated = i.repeat != RepeatPrefix::kNone;
    emit_checked_string_begin();
    if (source) emit_checked_string_base(rsi, r10, {.repeated = repeated, .shift = element_shift(i)});
    if (destination)
      emit_checked_string_base(rdi, r11,
                               {.repeated = repeated,
                                .shift = element_shift(i),
                                .write = writes(i.opcode),
                                .of_destination = source});
  }
  if (source) a.lea(rsi, ptr(rsi, r10));
  if (destination) a.lea(rdi, ptr(rdi, r11));

  // A window's base is 0 in its lower half, that of a page is not.
  const auto emit_linear = [&](const Gp& pointer, const Gp& base, bool any_base) {
    if (!any_base) return a.mov(pointer, pointer);
    a.not_(base);
    return a.lea(pointer, ptr(pointer.r64(), base, 0, 1));
  };

  std::array<uint8_t, 3> bytes;
  size_t size = 0;
  if (i.repeat != RepeatPrefix::kNone) bytes[size++] = static_cast<uint8_t>(i.repeat);
  if (i.operand_size_prefix) bytes[size++] = 0x66;
  bytes[size++] = i.opcode;
  out_.emit_bytes({bytes.data(), size});

  if (source) emit_linear(esi, r10, checked);
  if (destination) emit_linear(edi, r11, checked);
  return true;
}

}  // namespace ringdown

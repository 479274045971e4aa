// Accesses that look their page up in a software TLB instead of letting the host's MMU fault:
// for instructions whose every page would be a fault, a mapping, and soon gone.
#include "cpu/physical_memory.h"
#include "translator/block_translator.h"
#include "translator/code_pieces.h"

namespace ringdown {
using namespace asmjit::x86;

size_t BlockTranslator::checked_pages(bool write) const {
  return offsetof(TranslatorContext, checked_pages) + (key_.mode.user() * 2u + write) * sizeof(CheckedPages);
}

// False: nothing was emitted, the access is not of a kind that can be checked.
bool BlockTranslator::lower_checked(const Instruction& i, const Encoding& encoding) {
  const auto access = memory_access(i);
  if (!access || access->bytes == 0 || access->bytes > kLargestCheckedAccess) return false;
  const Address at = operand(i, access->bytes, access->write);
  out_.emit_memory(encoding, i.reg, emit_checked(at, access->bytes, access->write, plain_move(i)));
  return true;
}

// In segmented code no MOV is done by the callout.
BlockTranslator::Move BlockTranslator::plain_move(const Instruction& i) const {
  if (i.map != OpcodeMap::kOneByte || key_.mode.segmented()) return {};
  if (i.opcode >= 0x88 && i.opcode <= 0x8B) return {.exists = true, .reg = i.reg};
  if (i.opcode >= 0xA0 && i.opcode <= 0xA3) return {.exists = true, .reg = kEax};
  if (i.opcode == 0xC6 || i.opcode == 0xC7)
    return {.exists = true, .of_immediate = true, .immediate = i.immediate[0].value};
  return {};
}

// The page, or in segmented code the piece, of the access's last byte must be that of the entry for its first
// one. r8 = linear address, r9 = where the page's linear 0 would be; flags are kept, which leaves JECXZ.
Address BlockTranslator::emit_checked(const Address& window, unsigned bytes, bool write, const Move& move) {
  auto& a = out_.a();
  const bool by_piece = key_.mode.segmented();
  const size_t pages =
      by_piece ? offsetof(TranslatorContext, checked_pieces) + key_.mode.user() * sizeof(CheckedPages)
               : checked_pages(write);
  static_assert(CheckedPages::kCount == 256, "the index is a byte");
  out_.emit_lea(kR8, window);
  a.lea(r9d, ptr(r8, static_cast<int32_t>(bytes - 1)));
  a.mov(r10d, by_piece ? CodePieces::kShift : kPageShift);
  a.shrx(r9d, r9d, r10d);
  a.shrx(r10d, r8d, r10d);
  a.movzx(r10d, r10b);
  a.mov(r11d, dword_ptr(r15, r10, 2, static_cast<int32_t>(pages + offsetof(CheckedPages, tag))));
  a.lea(r9d, ptr(r9, r11));  // 0: the page is there
  a.mov(r11, rcx);
  a.mov(ecx, r9d);
  const asmjit::Label hit = a.newLabel();
  a.jecxz(rcx, hit);
  a.mov(rcx, r11);
  emit_checked_miss(r8d, bytes, write, false, move);
  a.bind(hit);
  a.mov(rcx, r11);
  a.mov(r9, qword_ptr(r15, r10, 3, static_cast<int32_t>(pages + offsetof(CheckedPages, host))));
  return {.base = kR9, .index = kR8, .window = false};
}

// The registers are the guest's. Comes back to where the instruction begins.
void BlockTranslator::emit_checked_miss(const Gp& linear, unsigned bytes, bool write, bool of_destination,
                                        const Move& move) {
  auto& a = out_.a();
  static_assert(kLargestCheckedAccess < 1 << 7, "bit 7 is the direction");
  if (move.of_immediate)
    a.mov(Emitter::context(offsetof(TranslatorContext, moved_immediate), 4), move.immediate);
  const unsigned detail_of_move = move.exists << 9 | move.reg << 10 | move.of_immediate << 13;
  a.mov(r10d, linear);
  a.lea(r11, ptr(rip, 0));
  out_.patch(out_.offset() - 4, block_->starts.back().host_offset);
  const unsigned by_piece = key_.mode.segmented();
  lower_callout(Callout::kCheckedMiss,
                bytes | write << 7 | of_destination << 8 | detail_of_move | by_piece << 14);
}

// For a string instruction. RCX and RSP are borrowed: r8 = DF as 0 or 1.
void BlockTranslator::emit_checked_string_begin() {
  auto& a = out_.a();
  a.mov(Emitter::context(offsetof(TranslatorContext, string_count), 8), rcx);
  a.mov(r9, rsp);
  a.mov(rsp, Emitter::context(offsetof(TranslatorContext, host_stack), 8));
  a.pushfq();
  a.pop(r8);
  a.mov(rsp, r9);
  a.mov(r9d, eflags::kDf);
  a.pext(r8, r8, r9);
  a.mov(Emitter::context(offsetof(TranslatorContext, string_direction), 8), r8);
}

// `base` becomes that of the operand's page, if the instruction goes upwards and ends within that page: RCX
// elements, if it is repeated. If not, it stays that of the window.
void BlockTranslator::emit_checked_string_base(const Gp& pointer, const Gp& base,
                                               const StringOperand& operand) {
  auto& a = out_.a();
  const size_t pages = checked_pages(operand.write);
  const auto count = Emitter::context(offsetof(TranslatorContext, string_count), 8);
  const asmjit::Label some = a.newLabel(), one_page = a.newLabel(), hit = a.newLabel(), none = a.newLabel(),
                      otherwise = a.newLabel();
  if (operand.repeated) {
    a.jecxz(rcx, none);
    a.jmp(some);
    a.bind(none);
    a.jmp(otherwise);
    a.bind(some);
    a.lea(r9, ptr(pointer, rcx, operand.shift, -1));
  } else {
    a.lea(r9, ptr(pointer, (1 << operand.shift) - 1));
  }
  a.mov(r8d, kPageShift);
  a.shrx(r9, r9, r8);
  a.shrx(r8, pointer, r8);
  a.not_(r8);
  a.lea(rcx, ptr(r8, r9, 0, 1));  // pages from the first to the last
  a.mov(r8, Emitter::context(offsetof(TranslatorContext, string_direction), 8));
  a.lea(rcx, ptr(rcx, r8));
  a.jecxz(rcx, one_page);
  a.jmp(otherwise);
  a.bind(one_page);
  a.movzx(r8d, r9b);
  a.mov(ecx, dword_ptr(r15, r8, 2, static_cast<int32_t>(pages + offsetof(CheckedPages, tag))));
  a.lea(ecx, ptr(rcx, r9));
  a.jecxz(rcx, hit);
  a.mov(rcx, count);
  emit_checked_miss(pointer.r32(), 1, operand.write, operand.of_destination, {});
  a.bind(hit);
  a.mov(base, qword_ptr(r15, r8, 3, static_cast<int32_t>(pages + offsetof(CheckedPages, host))));
  a.bind(otherwise);
  a.mov(rcx, count);
}

}  // namespace ringdown

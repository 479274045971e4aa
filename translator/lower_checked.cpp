// Accesses that look their page up in a software TLB instead of letting the host's MMU fault:
// for instructions whose every page would be a fault, a mapping, and soon gone.
#include "cpu/physical_memory.h"
#include "translator/block_translator.h"

namespace ringdown {
namespace {
using namespace asmjit::x86;
}  // namespace

// False: nothing was emitted, the access is not of a kind that can be checked.
bool BlockTranslator::lower_checked(const Instruction& i, const Encoding& encoding) {
  const auto access = memory_access(i);
  if (!access || access->bytes == 0 || access->bytes > kLargestCheckedAccess) return false;
  out_.emit_memory(encoding, i.reg, emit_checked(operand(i), access->bytes, access->write));
  return true;
}

// The page of the access's last byte must be that of the entry for its first one. r8 = linear address, r9 =
// where the page's linear 0 would be; flags are kept, which leaves JECXZ.
Address BlockTranslator::emit_checked(const Address& window, unsigned bytes, bool write) {
  auto& a = out_.a();
  const size_t pages = offsetof(TranslatorContext, checked_pages) + key_.mode.user() * sizeof(CheckedPages);
  const size_t tags = pages + (write ? offsetof(CheckedPages, writable) : offsetof(CheckedPages, readable));
  static_assert(CheckedPages::kCount == 256, "the index is a byte");
  out_.emit_lea(kR8, window);
  a.lea(r9d, ptr(r8, static_cast<int32_t>(bytes - 1)));
  a.mov(r10d, kPageShift);
  a.shrx(r9d, r9d, r10d);
  a.shrx(r10d, r8d, r10d);
  a.movzx(r10d, r10b);
  a.mov(r11d, dword_ptr(r15, r10, 2, static_cast<int32_t>(tags)));
  a.lea(r9d, ptr(r9, r11));  // 0: the page is there
  a.mov(r11, rcx);
  a.mov(ecx, r9d);
  const asmjit::Label hit = a.newLabel();
  a.jecxz(rcx, hit);
  a.mov(rcx, r11);
  const size_t miss = offsetof(TranslatorContext, checked_miss);
  const uint32_t kind = write ? CheckedMiss::kWrite : CheckedMiss::kRead;
  static_assert(offsetof(CheckedMiss, kind) == 0 && offsetof(CheckedMiss, bytes) == 2);
  a.mov(Emitter::context(miss, 4), kind | bytes << 16);
  a.mov(Emitter::context(miss + offsetof(CheckedMiss, linear), 4), r8d);
  out_.emit_exit(Exit::kInterpret, eip());
  a.bind(hit);
  a.mov(rcx, r11);
  a.mov(r9, qword_ptr(r15, r10, 3, static_cast<int32_t>(pages + offsetof(CheckedPages, host))));
  return {.base = kR9, .index = kR8, .window = false};
}

}  // namespace ringdown

// Operands of segmented code. An offset is computed at the address size, in r8; a load that faults checks it
// against the segment's limit and rights (host-driver/limit_probe.h), unless it cannot exceed them; the base
// is added by the operand itself. What faults is the interpreter's, which raises #GP or #SS. r9 and r11 are
// lost.
#include "cpu/state.h"
#include "translator/block_translator.h"

namespace ringdown {
namespace {

using namespace asmjit::x86;

// The registers that a 16-bit operand adds up, by its ModRM's R/M field.
struct Registers16 {
  uint8_t base, index;
};
constexpr Registers16 kRegisters16[] = {
    {kEbx, kEsi},           {kEbx, kEdi},           {kEbp, kEsi},           {kEbp, kEdi},
    {kEsi, Address::kNone}, {kEdi, Address::kNone}, {kEbp, Address::kNone}, {kEbx, Address::kNone}};

bool is_absolute16(const Instruction& i) { return i.address_size == 2 && i.mod == 0 && i.rm == 6; }

}  // namespace

Address BlockTranslator::segment_operand(const Instruction& i, unsigned bytes, bool write) {
  const SegmentIndex segment = operand_segment(i);
  if (is_absolute16(i)) return constant_operand(segment, i.displacement & 0xFFFF, true, bytes, write);
  emit_effective_address(i);
  return operand_in(segment, i.address_size == 2, bytes, write);
}

Address BlockTranslator::constant_operand(SegmentIndex segment, uint32_t offset, bool address16,
                                          unsigned bytes, bool write) {
  if (reaches_64k(segment) && offset + bytes <= 0x10000 && !(write && checked_)) {
    out_.a().mov(r9d, Emitter::segment_base(segment));
    return {.base = kR9, .displacement = static_cast<int32_t>(offset)};
  }
  out_.a().mov(r8d, offset);
  return operand_in(segment, address16, bytes, write);
}

Address BlockTranslator::operand_in(SegmentIndex segment, bool address16, unsigned bytes, bool write) {
  emit_limit_check(segment, address16, bytes, write);
  out_.a().mov(r9d, Emitter::segment_base(segment));
  const Address at{.base = kR9, .index = kR8};
  return write && checked_ ? emit_checked(at, bytes, true, {}) : at;
}

Address BlockTranslator::stack_operand(int32_t offset, unsigned bytes, bool write) {
  const bool small = key_.mode.has(CodeMode::kStack16);
  if (offset != 0 || !small) out_.emit_lea(kR8, {.base = kEsp, .displacement = offset});
  if (small) emit_low_word(kR8, offset == 0 ? uint8_t{kEsp} : uint8_t{kR8});
  return operand_in(kSs, small, bytes, write);
}

// r8 = the offset that the ModRM operand names.
void BlockTranslator::emit_effective_address(const Instruction& i) {
  if (i.address_size == 4) return out_.emit_lea(kR8, guest_address(i));
  if (is_absolute16(i)) {
    out_.a().mov(r8d, i.displacement & 0xFFFF);
    return;
  }
  const auto [base, index] = kRegisters16[i.rm];
  if (index == Address::kNone && i.displacement == 0) return emit_low_word(kR8, base);
  out_.emit_lea(kR8, {.base = base, .index = index, .displacement = i.displacement});
  emit_low_word(kR8, kR8);
}

bool BlockTranslator::reaches_64k(SegmentIndex segment) const {
  const bool counted = segment == kDs || segment == kEs || segment == kSs;
  return key_.mode.has(CodeMode::kFull64K) && (counted || key_.mode.has(CodeMode::kParagraphs));
}

// Of the last of `bytes` at r8.
void BlockTranslator::emit_limit_check(SegmentIndex segment, bool address16, unsigned bytes, bool write) {
  if (address16 && bytes == 1 && reaches_64k(segment)) return;
  emit_limit_check_at(segment, r8, static_cast<int32_t>(bytes - 1), write);
}

// Of one byte, whose offset in the register is below 4 GiB.
void BlockTranslator::emit_limit_check_at(SegmentIndex segment, const Gp& offset, int32_t more, bool write) {
  auto& a = out_.a();
  const size_t probe =
      offsetof(TranslatorContext, limit_probes) + segment * 2 * sizeof(uint64_t) + write * sizeof(uint64_t);
  a.mov(r11, Emitter::context(probe, 8));
  a.movzx(r11d, byte_ptr(r11, offset, 0, more));
}

// The target in `eip`: of 16 bits it can only be beyond a smaller limit. `lost` is lost.
void BlockTranslator::emit_fetch_check(uint8_t eip, unsigned bytes, uint8_t lost) {
  if (bytes == 2 && limit_ >= 0xFFFF) return;
  auto& a = out_.a();
  a.mov(gpq(lost), Emitter::context(offsetof(TranslatorContext, fetch_probe), 8));
  a.movzx(gpd(lost), byte_ptr(gpq(lost), gpq(eip)));
}

void BlockTranslator::emit_low_word(uint8_t to, uint8_t from) { out_.a().movzx(gpd(to), gpw(from)); }

// r8 = the place of the EIP in `eip`. r9 is lost.
void BlockTranslator::emit_place(uint8_t eip) {
  auto& a = out_.a();
  a.mov(r9, Emitter::context(offsetof(TranslatorContext, code_segment), 8));
  a.lea(r8, ptr(r9, gpq(eip)));
}

// r8 is lost.
void BlockTranslator::emit_add_to_stack_pointer(int32_t bytes) {
  if (!key_.mode.has(CodeMode::kStack16)) return out_.emit_adjust_stack(bytes);
  out_.emit_lea(kR8, {.base = kEsp, .displacement = bytes});
  out_.a().mov(sp, r8w);
}

void BlockTranslator::emit_set_register(uint8_t reg, uint8_t from, unsigned bytes) {
  if (bytes == 2)
    out_.a().mov(gpw(reg), gpw(from));
  else
    out_.a().mov(gpd(reg), gpd(from));
}

void BlockTranslator::emit_load_register(uint8_t reg, const Address& from, unsigned bytes) {
  out_.emit_memory({.operand_size = bytes == 2, .opcode = 0x8B}, reg, from);
}

void BlockTranslator::emit_store_register(const Address& to, uint8_t reg, unsigned bytes) {
  out_.emit_memory({.operand_size = bytes == 2, .opcode = 0x89}, reg, to);
}

void BlockTranslator::emit_store_immediate(const Address& to, uint32_t value, unsigned bytes) {
  const std::array<uint8_t, 4> immediate = {static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8),
                                            static_cast<uint8_t>(value >> 16),
                                            static_cast<uint8_t>(value >> 24)};
  out_.emit_memory(
      {.operand_size = bytes == 2, .opcode = 0xC7, .immediate = std::span(immediate).first(bytes)}, 0, to);
}

}  // namespace ringdown

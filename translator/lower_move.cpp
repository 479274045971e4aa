// Instructions that are copied, and those that only name their operands in another way in 64-bit code.
#include <Zydis/Zydis.h>

#include "translator/block_translator.h"

namespace ringdown {
namespace {

// F2 and F3 select SSE instructions (and PAUSE, POPCNT, CRC32). Elsewhere this processor ignores them, while
// the host may read them as LZCNT, TZCNT, XACQUIRE or BND.
bool repeat_is_part_of_opcode(const Instruction& i) {
  if (i.map == OpcodeMap::kOneByte) return i.opcode == 0x90;
  return i.mnemonic != ZYDIS_MNEMONIC_BSF && i.mnemonic != ZYDIS_MNEMONIC_BSR;
}

// Elsewhere it selects the size of an integer operand.
bool operand_size_prefix_is_part_of_opcode(const Instruction& i) {
  const uint8_t op = i.opcode;
  if (i.map == OpcodeMap::k0F38) return (op & 0xFE) != 0xF0;  // MOVBE, CRC32
  if (i.map != OpcodeMap::k0F) return i.map != OpcodeMap::kOneByte;
  const bool integer = (op >= 0x40 && op <= 0x4F) || (op >= 0x80 && op <= 0xBF && op != 0xAE) || op == 0xC0 ||
                       op == 0xC1 || (op == 0xC7 && i.mod == 3) || op >= 0xC8;
  return !integer || op >= 0xD0;
}

// Must the host's have the prefix, which in 16-bit code is the other way round?
bool has_operand_size_prefix(const Instruction& i) {
  const bool x87 = i.map == OpcodeMap::kOneByte && i.opcode >= 0xD8 && i.opcode <= 0xDF;
  return operand_size_prefix_is_part_of_opcode(i) || x87 ? i.operand_size_prefix : i.operand_size == 2;
}

std::span<const uint8_t> immediates(const Instruction& i) {
  const unsigned size = i.immediate[0].size + i.immediate[1].size;
  return {i.bytes.data() + i.length - size, size};
}

// Without LOCK: the processor and its devices are one thread, which a signal interrupts between instructions
// only, and no other writes to guest RAM.
Encoding encoding_of(const Instruction& i) {
  return {.mandatory = repeat_is_part_of_opcode(i) ? static_cast<uint8_t>(i.repeat) : uint8_t{0},
          .operand_size = has_operand_size_prefix(i),
          .map = i.map,
          // 82 is 80 once more, but not in 64-bit code.
          .opcode = i.map == OpcodeMap::kOneByte && i.opcode == 0x82 ? uint8_t{0x80} : i.opcode,
          .immediate = immediates(i)};
}

// Is the register operand AH, CH, DH or BH, which cannot stand beside a REX prefix?
bool has_high_byte_register(const Instruction& i) {
  if (i.reg < 4) return false;
  if (i.map == OpcodeMap::k0F) return i.opcode == 0xB0 || i.opcode == 0xC0;
  if (i.map != OpcodeMap::kOneByte) return false;
  const bool alu = i.opcode < 0x40 && (i.opcode & 5) == 0;
  return alu || i.opcode == 0x84 || i.opcode == 0x86 || i.opcode == 0x88 || i.opcode == 0x8A;
}

}  // namespace

bool BlockTranslator::lower_copy(const Instruction& i) {
  const Encoding encoding = encoding_of(i);
  if (i.memory_operand() && key_.mode.segmented()) {
    const auto access = memory_access(i, !key_.mode.has(CodeMode::kCode16));
    if (!access || access->bytes == 0 || access->bytes > kLargestCheckedAccess) return false;
    const bool high = has_high_byte_register(i);
    const bool exchanges = i.map == OpcodeMap::k0F ? i.opcode == 0xB0 || i.opcode == 0xC0 : i.opcode == 0x86;
    if (high && exchanges) return false;
    const Address at = operand(i, access->bytes, access->write);
    if (high) return copy_with_high_byte(i, encoding, at);
    out_.emit_memory(encoding, i.reg, at);
  } else if (i.memory_operand()) {
    const bool extended = accessor_ || i.segment_override == kFs || i.segment_override == kGs;
    if (checked_ && !has_high_byte_register(i) && lower_checked(i, encoding)) return true;
    if (extended && has_high_byte_register(i)) return false;
    out_.emit_memory(encoding, i.reg, operand(i, 0, false));
  } else if (copies_esp(i)) {
    out_.emit_lea(i.opcode == 0x8B ? i.reg : i.rm, stack(0));
  } else if (i.has_modrm) {
    out_.emit_registers(encoding, i.reg, i.rm);
  } else {
    out_.emit_opcode(encoding);
  }
  return true;
}

bool BlockTranslator::lower_increment_register(const Instruction& i) {
  const uint8_t extension = i.opcode < 0x48 ? 0 : 1;
  out_.emit_registers({.operand_size = i.operand_size == 2, .opcode = 0xFF}, extension, i.opcode & 7);
  return true;
}

bool BlockTranslator::lower_absolute_move(const Instruction& i) {
  // A0 MOV AL, moffs … A3 MOV moffs, EAX are 8A 8B 88 89 with a register operand of 0.
  static constexpr uint8_t kWithModrm[] = {0x8A, 0x8B, 0x88, 0x89};
  Address address = resolve(i, {.displacement = i.displacement});
  const unsigned bytes = i.opcode & 1 ? i.operand_size : 1u;
  if (checked_) address = emit_checked(address, bytes, i.opcode & 2, plain_move(i));
  out_.emit_memory({.operand_size = i.operand_size_prefix, .opcode = kWithModrm[i.opcode & 3]}, kEax,
                   address);
  return true;
}

bool BlockTranslator::lower_load_effective_address(const Instruction& i) {
  Address address = flat_address(i);
  address.window = false;
  out_.emit_memory({.operand_size = i.operand_size_prefix, .opcode = 0x8D}, i.reg, address);
  return true;
}

// The host takes five cycles for these, and one for a load and a store. Registers and flags change when all
// that may fault is done. r11d = the linear address while it loads, for reads_second_page().
bool BlockTranslator::lower_exchange(const Instruction& i) {
  if (has_high_byte_register(i)) return lower_copy(i);
  const unsigned bytes = i.opcode & 1 ? i.operand_size : 1u;
  const bool adds = i.map == OpcodeMap::k0F;
  block_->starts.back().exchanging = true;
  Address at = operand(i, bytes, true);
  if (checked_ && at.window) at = emit_checked(at, bytes, true, {});
  if (!checked_) out_.emit_lea(kR11, at.window ? at : Address{.base = kR8});
  emit_load_extended(kR10, at, bytes);
  if (adds) out_.emit_lea(kR11, {.base = i.reg, .index = kR10, .window = false});
  out_.emit_memory({.operand_size = bytes == 2, .opcode = bytes == 1 ? uint8_t{0x88} : uint8_t{0x89}},
                   adds ? uint8_t{kR11} : i.reg, at);
  const auto with_what_was_there = [&](uint8_t byte_opcode) {
    const uint8_t opcode = byte_opcode + (bytes > 1);
    out_.emit_registers({.operand_size = bytes == 2, .opcode = opcode}, i.reg, kR10);
  };
  constexpr uint8_t kAdd = 0x02, kMove = 0x8A;
  if (adds) with_what_was_there(kAdd);  // for its flags
  with_what_was_there(kMove);
  return true;
}

// A divisor of 0 is found before the host faults. Too large a quotient is not. The operand is read once, and
// first: its page fault comes before the divide error.
bool BlockTranslator::lower_divide(const Instruction& i) {
  if (!divide_errors_.contains(key_.physical + guest_offset_)) return lower_copy(i);
  using namespace asmjit::x86;
  auto& a = out_.a();
  const asmjit::Label zero = a.newLabel(), done = a.newLabel();
  const unsigned bytes = i.opcode == 0xF6 ? 1u : i.operand_size;
  if (i.memory_operand()) {
    const Address at = operand(i, bytes, false);
    emit_load_extended(kR8, checked_ && !key_.mode.segmented() ? emit_checked(at, bytes, false, {}) : at,
                       bytes);
  }
  a.mov(r10, rcx);
  if (i.memory_operand())
    a.mov(ecx, r8d);
  else if (bytes == 4)
    a.mov(ecx, gpd(i.rm));
  else if (bytes == 2)
    a.movzx(ecx, gpw(i.rm));
  else
    a.movzx(ecx, i.rm < 4 ? Gp(gpb_lo(i.rm)) : Gp(gpb_hi(i.rm - 4u)));
  a.jecxz(rcx, zero);
  a.mov(rcx, r10);
  out_.emit_registers(encoding_of(i), i.reg, i.memory_operand() ? uint8_t{kR8} : i.rm);
  a.short_().jmp(done);
  a.bind(zero);
  a.mov(rcx, r10);
  lower_callout(Callout::kDivideError);
  a.bind(done);
  return true;
}

// With zeros above it.
void BlockTranslator::emit_load_extended(uint8_t reg, const Address& from, unsigned bytes) {
  if (bytes == 4) return out_.emit_load(reg, from);
  const uint8_t movzx = bytes == 1 ? 0xB6 : 0xB7;
  out_.emit_memory({.map = OpcodeMap::k0F, .opcode = movzx}, reg, from);
}

// The bit offset is a signed register, so the byte accessed may be 256 MiB away from the operand: name the
// doubleword that holds the bit, and the bit within it.
bool BlockTranslator::lower_bit_string(const Instruction& i) {
  using namespace asmjit::x86;
  if (i.operand_size == 2 || key_.mode.segmented()) return false;
  auto& a = out_.a();
  out_.emit_lea(kR8, operand(i, 4, true));
  const Gp bit = gpd(i.reg);
  a.mov(r9d, 5);
  a.sarx(r9d, bit, r9d);
  a.mov(r10d, 31);
  a.pext(r10d, bit, r10d);
  out_.emit_memory({.map = OpcodeMap::k0F, .opcode = i.opcode}, kR10,
                   {.base = kR8, .index = kR9, .scale = 2});
  return true;
}

// XLAT takes its operand's address size and segment from prefixes alone.
bool BlockTranslator::lower_translate_byte(const Instruction& i) {
  out_.emit_bytes(std::array<uint8_t, 3>{0x67, 0x65, i.opcode});
  return true;
}

bool BlockTranslator::lower_read_segment(const Instruction& i) {
  using namespace asmjit::x86;
  auto& a = out_.a();
  const Mem selector = Emitter::segment_selector(i.reg);
  if (i.mod != 3) {
    const Address to = operand(i, 2, true);
    a.movzx(r10d, selector);
    out_.emit_memory({.operand_size = true, .opcode = 0x89}, kR10, to);
  } else if (i.operand_size == 2) {
    a.mov(gpw(i.rm), selector);
  } else {
    a.movzx(gpd(i.rm), selector);
  }
  return true;
}

}  // namespace ringdown

#include "translator/emitter.h"

#include <array>
#include <cstring>

namespace ringdown {
namespace {

// One instruction being put together.
class Bytes {
 public:
  void add(uint8_t byte) { bytes_[size_++] = byte; }
  void add32(uint32_t value) {
    std::memcpy(&bytes_[size_], &value, 4);
    size_ += 4;
  }
  void add(std::span<const uint8_t> more) {
    for (const uint8_t byte : more) add(byte);
  }
  std::span<const uint8_t> span() const { return {bytes_.data(), size_}; }

 private:
  std::array<uint8_t, 32> bytes_;
  size_t size_ = 0;
};

void add_prefixes(Bytes& out, const Encoding& e) {
  if (e.mandatory) out.add(e.mandatory);
  if (e.operand_size) out.add(0x66);
}

void add_opcode(Bytes& out, const Encoding& e) {
  if (e.map != OpcodeMap::kOneByte) out.add(0x0F);
  if (e.map == OpcodeMap::k0F38) out.add(0x38);
  if (e.map == OpcodeMap::k0F3A) out.add(0x3A);
  out.add(e.opcode);
}

uint8_t modrm(unsigned mod, unsigned reg, unsigned rm) {
  return static_cast<uint8_t>(mod << 6 | (reg & 7) << 3 | (rm & 7));
}

void add_modrm_memory(Bytes& out, uint8_t reg, const Address& a) {
  const bool no_base = a.base == Address::kNone;
  const bool sib = no_base || a.index != Address::kNone || (a.base & 7) == kEsp;
  const bool byte = a.displacement == static_cast<int8_t>(a.displacement);
  // A base of EBP or R13 has no form without a displacement; no base is mod 0 with a 32-bit one.
  const bool none = a.displacement == 0 && !no_base && (a.base & 7) != kEbp;
  const unsigned mod = no_base || none ? 0 : byte ? 1 : 2;
  out.add(modrm(mod, reg, sib ? 4u : a.base));
  if (sib) {
    const unsigned index = a.index == Address::kNone ? unsigned{kEsp} : a.index;
    out.add(modrm(a.scale, index, no_base ? unsigned{kEbp} : a.base));
  }
  if (no_base || mod == 2)
    out.add32(static_cast<uint32_t>(a.displacement));
  else if (mod == 1)
    out.add(static_cast<uint8_t>(a.displacement));
}

}  // namespace

Emitter::Emitter() { attach(); }

void Emitter::attach() {
  holder_.init(asmjit::Environment::host());
  holder_.attach(&assembler_);
}

void Emitter::reset() {
  // A holder keeps every label it was ever asked for.
  constexpr size_t kLabelsKept = 1 << 14;
  if (holder_.labelCount() > kLabelsKept) {
    holder_.reset();
    attach();
  }
  assembler_.setOffset(0);
}

void Emitter::emit_memory(const Encoding& e, uint8_t reg, const Address& a) {
  Bytes out;
  add_prefixes(out, e);
  if (a.window) {
    out.add(0x67);
    out.add(0x65);
  }
  const unsigned rex = (reg >= 8) << 2 | (a.index != Address::kNone && a.index >= 8) << 1 |
                       (a.base != Address::kNone && a.base >= 8);
  if (rex) out.add(static_cast<uint8_t>(0x40 | rex));
  add_opcode(out, e);
  add_modrm_memory(out, reg, a);
  out.add(e.immediate);
  emit_bytes(out.span());
}

void Emitter::emit_registers(const Encoding& e, uint8_t reg, uint8_t rm) {
  Bytes out;
  add_prefixes(out, e);
  if (rm >= 8) out.add(0x41);
  add_opcode(out, e);
  out.add(modrm(3, reg, rm));
  out.add(e.immediate);
  emit_bytes(out.span());
}

void Emitter::emit_opcode(const Encoding& e) {
  Bytes out;
  add_prefixes(out, e);
  add_opcode(out, e);
  out.add(e.immediate);
  emit_bytes(out.span());
}

void Emitter::emit_store_value(const Address& to, uint32_t value) {
  std::array<uint8_t, 4> immediate;
  std::memcpy(immediate.data(), &value, 4);
  emit_memory({.opcode = 0xC7, .immediate = immediate}, 0, to);
}

void Emitter::emit_lea(uint8_t reg, const Address& a) {
  Address plain = a;
  plain.window = false;  // LEA to a 32-bit register truncates by itself
  emit_memory({.opcode = 0x8D}, reg, plain);
}

void Emitter::emit_adjust_stack(int32_t bytes) { emit_lea(kEsp, {.base = kEsp, .displacement = bytes}); }

uint32_t Emitter::emit_jump() {
  emit_bytes(std::array<uint8_t, 5>{0xE9});
  return offset() - 4;
}

uint32_t Emitter::emit_jump_if(uint8_t condition) {
  emit_bytes(std::array<uint8_t, 6>{0x0F, static_cast<uint8_t>(0x80 | condition)});
  return offset() - 4;
}

void Emitter::patch(uint32_t rel32_offset, uint32_t target_offset) {
  const uint32_t relative = target_offset - (rel32_offset + 4);
  std::memcpy(assembler_.bufferData() + rel32_offset, &relative, 4);
}

void Emitter::patch8(uint32_t rel8_offset, uint32_t target_offset) {
  assembler_.bufferData()[rel8_offset] = static_cast<uint8_t>(target_offset - (rel8_offset + 1));
}

void Emitter::emit_exit(Exit exit, uint64_t argument) {
  using namespace asmjit::x86;
  if (argument >> 32)
    assembler_.mov(r8, argument);
  else
    assembler_.mov(r8d, static_cast<uint32_t>(argument));
  emit_exit(exit);
}

void Emitter::emit_table_jump() {
  using namespace asmjit::x86;
  static_assert(JumpTable::kEntries == 1 << 16, "the index is a word");
  assembler_.movzx(r9d, r8w);
  assembler_.jmp(qword_ptr(r14, r9, 3, offsetof(JumpTable, code)));
}

// OF is the carry into the sign of 127 + OF, and SAHF keeps it.
void Emitter::emit_load_flags() {
  using namespace asmjit::x86;
  auto& a = assembler_;
  const asmjit::Label upwards = a.newLabel();
  a.mov(r10d, eax);
  a.test(ah, eflags::kDf >> 8);
  a.short_().jz(upwards);
  a.std();
  a.bind(upwards);
  a.shr(r10d, 11);
  a.and_(r10d, 1);
  a.add(r10b, 127);
  a.mov(ah, al);
  a.sahf();
}

void Emitter::emit_exit(Exit exit) { assembler_.jmp(context(exit_thunk(exit), 8)); }

}  // namespace ringdown

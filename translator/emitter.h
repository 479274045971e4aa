#pragma once
#include <asmjit/x86.h>

#include <cstdint>
#include <span>

#include "translator/address.h"
#include "translator/context.h"

namespace ringdown {

// Host registers by number, beyond the eight that are the guest's.
enum HostRegister : uint8_t { kR8 = 8, kR9, kR10, kR11, kFsBase /* r12 */, kGsBase /* r13 */ };

// What an instruction is made of besides its memory operand.
struct Encoding {
  uint8_t mandatory = 0;      // 0, F2 or F3
  bool operand_size = false;  // 66
  OpcodeMap map = OpcodeMap::kOneByte;
  uint8_t opcode = 0;
  std::span<const uint8_t> immediate{};
};

// Emits host code. asmjit encodes what the translator makes up; what is copied from the guest, and every
// access to a window, is put together from raw fields here. None of the emitted helpers touches the host's
// flags unless its name says so.
class Emitter {
 public:
  Emitter();

  void reset();
  std::span<const uint8_t> code() const { return {assembler_.bufferData(), assembler_.offset()}; }
  uint32_t offset() const { return static_cast<uint32_t>(assembler_.offset()); }
  // asmjit's assembler, for everything without a window operand.
  asmjit::x86::Assembler& a() { return assembler_; }

  void emit_bytes(std::span<const uint8_t> bytes) { assembler_.embed(bytes.data(), bytes.size()); }
  // `e.opcode` with a ModRM memory operand; `reg` is the register or opcode extension (0..15).
  void emit_memory(const Encoding& e, uint8_t reg, const Address& address);
  // `e.opcode` with two register operands; `reg` is the guest's, or an opcode extension.
  void emit_registers(const Encoding& e, uint8_t reg, uint8_t rm);

  // `e.opcode` without operands but its immediate.
  void emit_opcode(const Encoding& e);

  // 32-bit moves between a register and a window.
  void emit_load(uint8_t reg, const Address& from) { emit_memory({.opcode = 0x8B}, reg, from); }
  void emit_store(const Address& to, uint8_t reg) { emit_memory({.opcode = 0x89}, reg, to); }
  void emit_store_value(const Address& to, uint32_t value);
  // reg = the 32-bit effective address, truncated.
  void emit_lea(uint8_t reg, const Address& address);
  // ESP += bytes.
  void emit_adjust_stack(int32_t bytes);

  // The context's fields.
  static asmjit::x86::Mem context(size_t offset, uint32_t size) {
    return asmjit::x86::ptr(asmjit::x86::r15, static_cast<int32_t>(offset), size);
  }
  static asmjit::x86::Mem segment_base(unsigned segment) {
    return context(segment_field(segment) + offsetof(Segment, base), 4);
  }
  static asmjit::x86::Mem segment_selector(unsigned segment) {
    return context(segment_field(segment) + offsetof(Segment, selector), 2);
  }
  static asmjit::x86::Mem saved(unsigned n) { return context(offsetof(TranslatorContext, saved) + n * 8, 8); }
  // Where the return whose index is in r9 goes on.
  static asmjit::x86::Mem return_place() {
    using namespace asmjit::x86;
    return qword_ptr(r14, r9, 3, offsetof(JumpTable, returns));
  }

  // rel32 jumps whose target is patched in later: returns where the rel32 lies.
  uint32_t emit_jump();
  uint32_t emit_jump_if(uint8_t condition);
  void patch(uint32_t rel32_offset, uint32_t target_offset);
  // What was emitted, to be changed.
  uint8_t* writable() { return assembler_.bufferData(); }
  void patch8(uint32_t rel8_offset, uint32_t target_offset);

  // The offsets in the context of the addresses of thunks.
  static constexpr size_t exit_thunk(Exit exit) {
    return offsetof(TranslatorContext, exits) + static_cast<size_t>(exit) * sizeof(uint64_t);
  }
  static constexpr size_t callout_thunk(Callout callout) {
    return offsetof(TranslatorContext, callouts) + static_cast<size_t>(callout) * sizeof(uint64_t);
  }
  // To the EIP in r8d, by the jump table.
  void emit_table_jump();
  // The host's status flags and DF = those of eax, where DF is 0: POPFQ would take three times as long. eax
  // and r10 are lost.
  void emit_load_flags();
  // Leaves translated code.
  void emit_exit(Exit exit, uint64_t argument);
  // The same with the argument already in r8.
  void emit_exit(Exit exit);

 private:
  static constexpr size_t segment_field(unsigned segment) {
    return offsetof(TranslatorContext, state) + offsetof(CpuState, segment) + segment * sizeof(Segment);
  }
  void attach();

  asmjit::CodeHolder holder_;
  asmjit::x86::Assembler assembler_;
};

}  // namespace ringdown

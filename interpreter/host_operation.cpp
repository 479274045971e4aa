#include "interpreter/host_operation.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <optional>

#include "cpu/state.h"

namespace ringdown {
namespace {

constexpr uint8_t kRet = 0xC3;
constexpr uint8_t kMemoryAtRdi = 7;  // ModRM: mod 0, rm RDI
constexpr uint8_t kRexR = 0x44, kRexB = 0x41;

// The fields that decide what an instruction of the allowed sets does, addressing aside.
struct Form {
  bool operand_size_prefix;
  RepeatPrefix repeat;
  OpcodeMap map;
  uint8_t opcode;
  bool has_modrm;
  uint8_t modrm;
  bool has_immediate;
  uint8_t immediate;

  uint64_t key() const {
    return uint64_t{immediate} | uint64_t{modrm} << 8 | uint64_t{opcode} << 16 |
           uint64_t{static_cast<uint8_t>(map)} << 24 | uint64_t{static_cast<uint8_t>(repeat)} << 32 |
           uint64_t{operand_size_prefix} << 40 | uint64_t{has_immediate} << 41 | uint64_t{has_modrm} << 42;
  }
};

Form form_of(const Instruction& i) {
  const bool prefix_selects = i.map != OpcodeMap::kOneByte;  // an x87 instruction ignores them
  const uint8_t rm_part = i.mod == 3 ? 0xC0 | i.rm : kMemoryAtRdi;
  return {.operand_size_prefix = prefix_selects && i.operand_size_prefix,
          .repeat = prefix_selects ? i.repeat : RepeatPrefix::kNone,
          .map = i.map,
          .opcode = i.opcode,
          .has_modrm = i.has_modrm,
          .modrm = static_cast<uint8_t>(i.has_modrm ? rm_part | i.reg << 3 : 0),
          .has_immediate = i.immediate[0].size == 1,
          .immediate = static_cast<uint8_t>(i.immediate[0].size == 1 ? i.immediate[0].value : 0)};
}

struct Code {
  std::array<uint8_t, 16> bytes;
  uint8_t length = 0;
  void put(uint8_t byte) { bytes[length++] = byte; }
};

Code encode(const Form& form, uint8_t rex) {
  Code code{};
  if (form.operand_size_prefix) code.put(0x66);
  if (form.repeat != RepeatPrefix::kNone) code.put(static_cast<uint8_t>(form.repeat));
  if (rex) code.put(rex);
  if (form.map != OpcodeMap::kOneByte) code.put(0x0F);
  if (form.map == OpcodeMap::k0F38) code.put(0x38);
  if (form.map == OpcodeMap::k0F3A) code.put(0x3A);
  code.put(form.opcode);
  if (form.has_modrm) code.put(form.modrm);
  if (form.has_immediate) code.put(form.immediate);
  return code;
}

struct Decoded {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

  std::span<const ZydisDecodedOperand> all_operands() const { return {operands, instruction.operand_count}; }
};

std::optional<Decoded> decode_whole(const Code& code) {
  static const ZydisDecoder decoder = [] {
    ZydisDecoder d;
    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return d;
  }();
  Decoded d;
  const ZyanStatus status =
      ZydisDecoderDecodeFull(&decoder, code.bytes.data(), code.length, &d.instruction, d.operands);
  if (!ZYAN_SUCCESS(status) || d.instruction.length != code.length) return std::nullopt;
  return d;
}

// The list of what the host may execute. Each set's members touch the x87/SSE registers, general registers,
// status flags and one ModRM operand; those of its members that do more are in is_done_in_software().
bool is_allowed_set(uint8_t isa_set) {
  switch (isa_set) {
    case ZYDIS_ISA_SET_X87:
    case ZYDIS_ISA_SET_FCMOV:
    case ZYDIS_ISA_SET_SSE3X87:
    case ZYDIS_ISA_SET_PENTIUMMMX:
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX:
    case ZYDIS_ISA_SET_SSE3:
    case ZYDIS_ISA_SET_SSSE3:
    case ZYDIS_ISA_SET_SSSE3MMX:
    case ZYDIS_ISA_SET_SSE4:
    case ZYDIS_ISA_SET_SSE42:
    case ZYDIS_ISA_SET_AES:
    case ZYDIS_ISA_SET_PCLMULQDQ:
    case ZYDIS_ISA_SET_SHA:
      return true;
  }
  return false;
}

bool is_done_in_software(uint16_t mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FNSAVE:
    case ZYDIS_MNEMONIC_FWAIT:
    case ZYDIS_MNEMONIC_MASKMOVQ:
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_CRC32:
      return true;
  }
  return false;
}

bool is_allowed(const Instruction& i) {
  switch (i.mnemonic) {
    case ZYDIS_MNEMONIC_FCOMI:
    case ZYDIS_MNEMONIC_FCOMIP:
    case ZYDIS_MNEMONIC_FUCOMI:
    case ZYDIS_MNEMONIC_FUCOMIP:
      return true;  // of a set that holds SYSENTER as well
  }
  return !i.lock && is_allowed_set(i.isa_set) && !is_done_in_software(i.mnemonic);
}

// 16-byte operands must be aligned, except for these (SDM vol. 2, 2.4: exception types 4 with note and 5).
bool may_be_unaligned(uint16_t mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVUPD:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_PCMPESTRI:
    case ZYDIS_MNEMONIC_PCMPESTRM:
    case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_PCMPISTRM:
      return true;
  }
  return false;
}

bool is_gpr(ZydisRegisterClass c) {
  return c == ZYDIS_REGCLASS_GPR8 || c == ZYDIS_REGCLASS_GPR16 || c == ZYDIS_REGCLASS_GPR32 ||
         c == ZYDIS_REGCLASS_GPR64;
}

ZydisRegisterClass class_of(const ZydisDecodedOperand& o) {
  return o.type == ZYDIS_OPERAND_TYPE_REGISTER ? ZydisRegisterGetClass(o.reg.value) : ZYDIS_REGCLASS_INVALID;
}

// The REX prefix that moves the general registers among the ModRM operands to r8..r15.
uint8_t rex_for(const Decoded& d) {
  uint8_t rex = 0;
  for (const auto& o : d.all_operands()) {
    if (!is_gpr(class_of(o))) continue;
    if (o.encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG) rex |= kRexR;
    if (o.encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM) rex |= kRexB;
  }
  return rex;
}

void describe_memory(const ZydisDecodedOperand& o, uint16_t mnemonic, HostOperation& operation) {
  operation.memory_size = o.size / 8;
  operation.reads_memory = o.actions & ZYDIS_OPERAND_ACTION_MASK_READ;
  operation.writes_memory = o.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
  operation.aligned = operation.memory_size == 16 && !may_be_unaligned(mnemonic);
}

void describe_register(const ZydisDecodedOperand& o, HostOperation& operation) {
  const ZydisRegisterClass c = class_of(o);
  operation.uses_mmx |= c == ZYDIS_REGCLASS_MMX;
  operation.uses_xmm |= c == ZYDIS_REGCLASS_XMM;
  const bool by_modrm =
      o.encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG || o.encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM;
  if (is_gpr(c) && !by_modrm && (o.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
    operation.implicit_result = static_cast<uint8_t>(ZydisRegisterGetId(o.reg.value));
}

HostOperation describe(const Decoded& d) {
  HostOperation operation{};
  operation.implicit_result = kNoRegister;
  for (const auto& o : d.all_operands()) {
    if (o.type == ZYDIS_OPERAND_TYPE_MEMORY) describe_memory(o, d.instruction.mnemonic, operation);
    if (o.type == ZYDIS_OPERAND_TYPE_REGISTER) describe_register(o, operation);
  }
  const auto mnemonic = d.instruction.mnemonic;
  operation.uses_mmx |= mnemonic == ZYDIS_MNEMONIC_EMMS || mnemonic == ZYDIS_MNEMONIC_CVTPI2PS;
  // A conversion from memory to a general or MMX register raises SSE exceptions with no xmm operand.
  operation.uses_xmm |= d.instruction.meta.category == ZYDIS_CATEGORY_CONVERT;
  return operation;
}

// Is this the instruction asked for, and does it reach no memory but [rdi] and no register that the entry
// code keeps?
bool is_confined(const Decoded& d, const Instruction& i) {
  if (d.instruction.mnemonic != i.mnemonic) return false;
  for (const auto& o : d.all_operands()) {
    if (o.type == ZYDIS_OPERAND_TYPE_MEMORY &&
        (o.mem.base != ZYDIS_REGISTER_RDI || o.mem.index != ZYDIS_REGISTER_NONE || o.mem.disp.value != 0 ||
         o.size > 8 * 64))
      return false;
    if (!is_gpr(class_of(o))) continue;
    const bool modrm =
        o.encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG || o.encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM;
    const ZyanI8 id = ZydisRegisterGetId(o.reg.value);
    if (modrm ? id < 8 : id > kEdx) return false;
  }
  return true;
}

}  // namespace

const HostOperation* HostOperations::find(const Instruction& i) {
  if (!is_allowed(i)) return nullptr;
  const Form form = form_of(i);
  if (auto known = operations_.find(form.key()); known != operations_.end()) return &known->second;

  const auto plain = decode_whole(encode(form, 0));
  if (!plain) return nullptr;
  Code code = encode(form, rex_for(*plain));
  const auto final_form = decode_whole(code);
  if (!final_form || !is_confined(*final_form, i)) return nullptr;
  HostOperation operation = describe(*final_form);
  code.put(kRet);
  const std::span<const uint8_t> bytes(code.bytes.data(), code.length);
  operation.code = buffer_.append(bytes);
  if (!operation.code) {
    operations_.clear();
    buffer_.clear();
    operation.code = buffer_.append(bytes);
  }
  return &operations_.emplace(form.key(), operation).first->second;
}

}  // namespace ringdown

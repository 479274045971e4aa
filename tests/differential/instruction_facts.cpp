#include "tests/differential/instruction_facts.h"

#include <algorithm>
#include <cstdio>

#include "cpu/cpu_model.h"
#include "cpu/state.h"

namespace ringdown::differential {
namespace {

struct Decoded {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

bool decode(std::span<const uint8_t> code, Decoded& out) {
  static const ZydisDecoder decoder = [] {
    ZydisDecoder d;
    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    return d;
  }();
  return ZYAN_SUCCESS(
      ZydisDecoderDecodeFull(&decoder, code.data(), code.size(), &out.instruction, out.operands));
}

uint8_t written_gprs(const Decoded& d) {
  uint8_t written = 0;
  for (unsigned i = 0; i < d.instruction.operand_count; ++i) {
    const ZydisDecodedOperand& operand = d.operands[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER || !(operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
      continue;
    const ZydisRegister whole =
        ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LEGACY_32, operand.reg.value);
    if (whole >= ZYDIS_REGISTER_EAX && whole <= ZYDIS_REGISTER_EDI)
      written |= static_cast<uint8_t>(1u << (whole - ZYDIS_REGISTER_EAX));
  }
  return written;
}

// SDM vol. 2, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD: what is undefined depends on the count.
uint32_t undefined_by_count(ZydisMnemonic mnemonic, bool rotate, unsigned size, unsigned count) {
  using namespace eflags;
  const bool known = count != kUnknownCount;
  if (known && (count & 31) == 0) return 0;
  uint32_t undefined = rotate ? 0 : kAf;
  if (!known || (count & 31) != 1) undefined |= kOf;
  const bool beyond = size < 32 && (!known || (count & 31) >= size);
  if (!rotate && mnemonic != ZYDIS_MNEMONIC_SAR && beyond) undefined |= kCf;
  if ((mnemonic == ZYDIS_MNEMONIC_SHLD || mnemonic == ZYDIS_MNEMONIC_SHRD) && beyond) undefined = kStatus;
  return undefined;
}

uint32_t undefined_flags(const Decoded& d, unsigned cl) {
  const bool rotate = d.instruction.meta.category == ZYDIS_CATEGORY_ROTATE;
  if (rotate || d.instruction.meta.category == ZYDIS_CATEGORY_SHIFT) {
    const bool is_double =
        d.instruction.mnemonic == ZYDIS_MNEMONIC_SHLD || d.instruction.mnemonic == ZYDIS_MNEMONIC_SHRD;
    const ZydisDecodedOperand& count = d.operands[is_double ? 2 : 1];
    const bool immediate = count.type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    return undefined_by_count(d.instruction.mnemonic, rotate, d.operands[0].size,
                              immediate ? static_cast<unsigned>(count.imm.value.u & 0xFF) : cl);
  }
  return d.instruction.cpu_flags ? d.instruction.cpu_flags->undefined & eflags::kStatus : 0;
}

bool category_is_permitted(ZydisInstructionCategory category) {
  constexpr ZydisInstructionCategory kForbidden[] = {
      ZYDIS_CATEGORY_CALL,      ZYDIS_CATEGORY_CET,     ZYDIS_CATEGORY_CLZERO,      ZYDIS_CATEGORY_COND_BR,
      ZYDIS_CATEGORY_INTERRUPT, ZYDIS_CATEGORY_IO,      ZYDIS_CATEGORY_IOSTRINGOP,  ZYDIS_CATEGORY_INVALID,
      ZYDIS_CATEGORY_MOVDIR,    ZYDIS_CATEGORY_MPX,     ZYDIS_CATEGORY_PADLOCK,     ZYDIS_CATEGORY_RDPID,
      ZYDIS_CATEGORY_RDPRU,     ZYDIS_CATEGORY_RDRAND,  ZYDIS_CATEGORY_RDSEED,      ZYDIS_CATEGORY_RET,
      ZYDIS_CATEGORY_SEGOP,     ZYDIS_CATEGORY_SYSCALL, ZYDIS_CATEGORY_SYSRET,      ZYDIS_CATEGORY_SYSTEM,
      ZYDIS_CATEGORY_UNCOND_BR, ZYDIS_CATEGORY_VTX,     ZYDIS_CATEGORY_WAITPKG,     ZYDIS_CATEGORY_XSAVE,
      ZYDIS_CATEGORY_XSAVEOPT,  ZYDIS_CATEGORY_PKU,     ZYDIS_CATEGORY_PREFETCHWT1, ZYDIS_CATEGORY_SERIALIZE};
  return std::find(std::begin(kForbidden), std::end(kForbidden), category) == std::end(kForbidden);
}

// What the permitted categories still hold: state that processors keep differently, and segment loads.
bool mnemonic_is_permitted(ZydisMnemonic mnemonic) {
  constexpr ZydisMnemonic kForbidden[] = {
      ZYDIS_MNEMONIC_FNSAVE, ZYDIS_MNEMONIC_FNSTENV, ZYDIS_MNEMONIC_FXSAVE,   ZYDIS_MNEMONIC_FXRSTOR,
      ZYDIS_MNEMONIC_LDS,    ZYDIS_MNEMONIC_LES,     ZYDIS_MNEMONIC_LFS,      ZYDIS_MNEMONIC_LGS,
      ZYDIS_MNEMONIC_LSS,    ZYDIS_MNEMONIC_LAR,     ZYDIS_MNEMONIC_LSL,      ZYDIS_MNEMONIC_VERR,
      ZYDIS_MNEMONIC_VERW,   ZYDIS_MNEMONIC_SLDT,    ZYDIS_MNEMONIC_STR,      ZYDIS_MNEMONIC_SMSW,
      ZYDIS_MNEMONIC_CPUID,  ZYDIS_MNEMONIC_RDTSC,   ZYDIS_MNEMONIC_RDTSCP,   ZYDIS_MNEMONIC_RDPMC,
      ZYDIS_MNEMONIC_XGETBV, ZYDIS_MNEMONIC_CLI,     ZYDIS_MNEMONIC_STI,      ZYDIS_MNEMONIC_POPF,
      ZYDIS_MNEMONIC_POPFD,  ZYDIS_MNEMONIC_LDMXCSR, ZYDIS_MNEMONIC_MASKMOVQ, ZYDIS_MNEMONIC_MASKMOVDQU,
      ZYDIS_MNEMONIC_SALC};
  return std::find(std::begin(kForbidden), std::end(kForbidden), mnemonic) == std::end(kForbidden);
}

bool names_register_of(const Decoded& d, ZydisRegisterClass kind) {
  const std::span visible(d.operands, d.instruction.operand_count_visible);
  return std::any_of(visible.begin(), visible.end(), [&](const ZydisDecodedOperand& operand) {
    return operand.type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(operand.reg.value) == kind;
  });
}

// A 16-bit double shift by more than 16 leaves its result undefined.
bool result_is_undefined(const Decoded& d, unsigned cl) {
  if (d.instruction.mnemonic != ZYDIS_MNEMONIC_SHLD && d.instruction.mnemonic != ZYDIS_MNEMONIC_SHRD)
    return false;
  const bool immediate = d.operands[2].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
  const unsigned count = immediate ? static_cast<unsigned>(d.operands[2].imm.value.u & 0xFF) : cl;
  return d.operands[0].size == 16 && (count == kUnknownCount || (count & 31) > 16);
}

bool permitted(const Decoded& d) {
  return d.instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
         category_is_permitted(d.instruction.meta.category) &&
         mnemonic_is_permitted(d.instruction.mnemonic) && !names_register_of(d, ZYDIS_REGCLASS_SEGMENT);
}

bool supported(const Decoded& d) {
  static const CpuModel model = CpuModel::default_model();
  Instruction instruction{};
  instruction.isa_set = static_cast<uint8_t>(d.instruction.meta.isa_set);
  return model.supports(instruction);
}

// Some processors check the alignment of a SHA instruction's memory operand, some do not.
bool is_sha_of_memory(const InstructionFacts& facts, const Decoded& d) {
  return facts.memory_operand && d.instruction.meta.isa_set == ZYDIS_ISA_SET_SHA;
}

// ARPL reads its operand and writes it only if it must; whether it checks before that it may is up to the
// processor. So is whether CVTPI2PS of memory touches MMX state, and with it meets pending x87 exceptions.
bool is_vague_with_memory(const InstructionFacts& facts) {
  return facts.memory_operand &&
         (facts.mnemonic == ZYDIS_MNEMONIC_ARPL || facts.mnemonic == ZYDIS_MNEMONIC_CVTPI2PS);
}

// PREFETCHW with a register operand: #UD on AMD's processors, a NOP on Intel's.
bool is_prefetch_of_register(const InstructionFacts& facts, const Decoded& d) {
  return !facts.memory_operand && d.instruction.opcode_map == ZYDIS_OPCODE_MAP_0F &&
         d.instruction.opcode == 0x0D;
}

}  // namespace

std::optional<InstructionFacts> facts_of(std::span<const uint8_t> code, unsigned cl) {
  Decoded d;
  if (!decode(code, d)) return std::nullopt;
  InstructionFacts facts;
  facts.length = d.instruction.length;
  facts.mnemonic = d.instruction.mnemonic;
  facts.memory_operand =
      (d.instruction.attributes & ZYDIS_ATTRIB_HAS_MODRM) && d.instruction.raw.modrm.mod != 3;
  facts.mmx_operand = names_register_of(d, ZYDIS_REGCLASS_MMX);
  facts.written_gprs = written_gprs(d);
  facts.undefined_flags = undefined_flags(d, cl);
  facts.undefined_result = result_is_undefined(d, cl);
  facts.supported = supported(d);
  facts.permitted = facts.supported && !facts.undefined_result && permitted(d) &&
                    !is_sha_of_memory(facts, d) && !is_prefetch_of_register(facts, d) &&
                    !is_vague_with_memory(facts);
  return facts;
}

std::string disassemble(std::span<const uint8_t> code, uint32_t address, unsigned& length) {
  char line[160];
  Decoded d;
  if (!decode(code, d)) {
    length = 1;
    std::snprintf(line, sizeof(line), "%08x  %02x%21s(bad)", address, code[0], "");
    return line;
  }
  length = d.instruction.length;
  static const ZydisFormatter formatter = [] {
    ZydisFormatter f;
    ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_INTEL);
    return f;
  }();
  char text[96], hex[48] = "";
  ZydisFormatterFormatInstruction(&formatter, &d.instruction, d.operands, d.instruction.operand_count_visible,
                                  text, sizeof(text), address, nullptr);
  for (unsigned i = 0; i < length; ++i) std::snprintf(hex + 3 * i, 4, "%02x ", code[i]);
  std::snprintf(line, sizeof(line), "%08x  %-24s%s", address, hex, text);
  return line;
}

}  // namespace ringdown::differential

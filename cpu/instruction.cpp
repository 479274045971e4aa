#include "cpu/instruction.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <cstring>

namespace ringdown {
namespace {

ZydisDecoder make_decoder(ZydisMachineMode mode, ZydisStackWidth width) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, mode, width);
  // What later processors gave a meaning decodes here as it did on the modelled one.
  for (auto feature : {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_CLDEMOTE,
                       ZYDIS_DECODER_MODE_LZCNT, ZYDIS_DECODER_MODE_TZCNT, ZYDIS_DECODER_MODE_WBNOINVD})
    ZydisDecoderEnableMode(&decoder, feature, ZYAN_FALSE);
  return decoder;
}

OpcodeMap map_of(const ZydisDecodedInstruction& z) {
  if (z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY && z.encoding != ZYDIS_INSTRUCTION_ENCODING_3DNOW)
    return OpcodeMap::kVector;
  // clang-format off
  switch (z.opcode_map) {
    case ZYDIS_OPCODE_MAP_DEFAULT: return OpcodeMap::kOneByte;
    case ZYDIS_OPCODE_MAP_0F: return OpcodeMap::k0F;
    case ZYDIS_OPCODE_MAP_0F38: return OpcodeMap::k0F38;
    case ZYDIS_OPCODE_MAP_0F3A: return OpcodeMap::k0F3A;
    case ZYDIS_OPCODE_MAP_0F0F: return OpcodeMap::k3dNow;
    case ZYDIS_OPCODE_MAP_MAP4:
    case ZYDIS_OPCODE_MAP_MAP5:
    case ZYDIS_OPCODE_MAP_MAP6:
    case ZYDIS_OPCODE_MAP_MAP7:
    case ZYDIS_OPCODE_MAP_XOP8:
    case ZYDIS_OPCODE_MAP_XOP9:
    case ZYDIS_OPCODE_MAP_XOPA: return OpcodeMap::kVector;
  }
  // clang-format on
  return OpcodeMap::kVector;
}

void read_prefixes(const ZydisDecodedInstruction& z, bool big, Instruction& i) {
  for (unsigned n = 0; n < z.raw.prefix_count; n++) {
    // clang-format off
    switch (z.raw.prefixes[n].value) {
      case 0x66: i.operand_size_prefix = true; break;
      case 0x67: i.address_size_prefix = true; break;
      case 0xF0: i.lock = true; break;
      case 0xF2: i.repeat = RepeatPrefix::kRepne; break;
      case 0xF3: i.repeat = RepeatPrefix::kRep; break;
      case 0x26: i.segment_override = kEs; break;
      case 0x2E: i.segment_override = kCs; break;
      case 0x36: i.segment_override = kSs; break;
      case 0x3E: i.segment_override = kDs; break;
      case 0x64: i.segment_override = kFs; break;
      case 0x65: i.segment_override = kGs; break;
    }
    // clang-format on
  }
  i.prefix_bytes = z.raw.prefix_count;
  i.operand_size = i.operand_size_prefix == big ? 2 : 4;
  i.address_size = i.address_size_prefix == big ? 2 : 4;
}

void read_operand_fields(const ZydisDecodedInstruction& z, Instruction& i) {
  i.has_modrm = z.attributes & ZYDIS_ATTRIB_HAS_MODRM;
  i.has_sib = z.attributes & ZYDIS_ATTRIB_HAS_SIB;
  i.mod = z.raw.modrm.mod;
  i.reg = z.raw.modrm.reg;
  i.rm = z.raw.modrm.rm;
  i.scale = z.raw.sib.scale;
  i.index = z.raw.sib.index;
  i.base = z.raw.sib.base;
  i.displacement = static_cast<int32_t>(z.raw.disp.value);
  i.displacement_size = z.raw.disp.size / 8;
  for (unsigned n = 0; n < 2; n++) {
    const auto& imm = z.raw.imm[n];
    i.immediate[n] = {static_cast<uint32_t>(imm.value.u), static_cast<uint8_t>(imm.size / 8), imm.offset,
                      imm.is_signed != ZYAN_FALSE};
  }
}

const ZydisDecoder* decoder(bool big) {
  static const ZydisDecoder decoder32 = make_decoder(ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  static const ZydisDecoder decoder16 = make_decoder(ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
  return big ? &decoder32 : &decoder16;
}

}  // namespace

DecodeStatus decode(std::span<const uint8_t> code, bool big, Instruction& out) {
  const size_t length = std::min<size_t>(code.size(), 15);
  ZydisDecoderContext context;
  ZydisDecodedInstruction z;
  const ZyanStatus status = ZydisDecoderDecodeInstruction(decoder(big), &context, code.data(), length, &z);
  if (!ZYAN_SUCCESS(status)) {
    const bool short_of_bytes = status == ZYDIS_STATUS_NO_MORE_DATA && length < 15;
    return short_of_bytes ? DecodeStatus::kTruncated : DecodeStatus::kInvalid;
  }
  out = Instruction{};
  std::memcpy(out.bytes.data(), code.data(), z.length);
  out.length = z.length;
  out.map = map_of(z);
  out.opcode = z.opcode;
  out.segment_override = kNoRegister;
  read_prefixes(z, big, out);
  read_operand_fields(z, out);
  out.mnemonic = static_cast<uint16_t>(z.mnemonic);
  out.isa_set = static_cast<uint8_t>(z.meta.isa_set);
  out.category = static_cast<uint8_t>(z.meta.category);
  return DecodeStatus::kOk;
}

std::optional<MemoryAccess> memory_access(const Instruction& i, bool big) {
  ZydisDecodedInstruction z;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder(big), i.bytes.data(), i.length, &z, operands.data())))
    return std::nullopt;
  for (const auto& o : std::span(operands).first(z.operand_count)) {
    if (o.type != ZYDIS_OPERAND_TYPE_MEMORY || o.encoding != ZYDIS_OPERAND_ENCODING_MODRM_RM) continue;
    return MemoryAccess{.bytes = o.size / 8u, .write = (o.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0};
  }
  return std::nullopt;
}

SegmentIndex operand_segment(const Instruction& i) {
  if (i.segment_override != kNoRegister) return static_cast<SegmentIndex>(i.segment_override);
  if (i.address_size == 2) {
    const bool uses_bp = i.rm == 2 || i.rm == 3 || (i.rm == 6 && i.mod != 0);
    return uses_bp ? kSs : kDs;
  }
  const uint8_t base = i.has_sib ? i.base : i.rm;
  if (base == kEbp && i.mod == 0) return kDs;  // no base register: a displacement only
  return base == kEsp || base == kEbp ? kSs : kDs;
}

namespace {

uint32_t offset16(const Instruction& i, const std::array<uint32_t, 8>& gpr) {
  uint32_t sum = static_cast<uint32_t>(i.displacement);
  // clang-format off
  switch (i.rm) {
    case 0: sum += gpr[kEbx] + gpr[kEsi]; break;
    case 1: sum += gpr[kEbx] + gpr[kEdi]; break;
    case 2: sum += gpr[kEbp] + gpr[kEsi]; break;
    case 3: sum += gpr[kEbp] + gpr[kEdi]; break;
    case 4: sum += gpr[kEsi]; break;
    case 5: sum += gpr[kEdi]; break;
    case 6: sum += i.mod == 0 ? 0 : gpr[kEbp]; break;
    case 7: sum += gpr[kEbx]; break;
  }
  // clang-format on
  return sum & 0xFFFF;
}

}  // namespace

uint32_t operand_offset(const Instruction& i, const std::array<uint32_t, 8>& gpr) {
  if (i.address_size == 2) return offset16(i, gpr);
  uint32_t sum = static_cast<uint32_t>(i.displacement);
  const uint8_t base = i.has_sib ? i.base : i.rm;
  if (!(base == kEbp && i.mod == 0)) sum += gpr[base];
  if (i.has_sib && i.index != kEsp) sum += gpr[i.index] << i.scale;
  return sum;
}

}  // namespace ringdown

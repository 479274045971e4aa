#include "interpreter/vector_state.h"

#include <Zydis/Mnemonic.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "interpreter/fpu_state.h"

namespace ringdown {
namespace {

// Up to and including XMM7; 32-bit FXSAVE leaves the rest of the 512 bytes alone.
constexpr unsigned kFxsaveWritten = offsetof(FxsaveImage, xmm) + 8 * 16;

uint32_t fxsave_operand(Interpreter& cpu, const Instruction& i, AccessKind kind) {
  if (cpu.state.cr0 & (cr0::kEm | cr0::kTs)) raise(Vector::kDeviceNotAvailable);
  const uint32_t linear =
      cpu.linear(operand_segment(i), operand_offset(i, cpu.state.gpr), sizeof(FxsaveImage), kind);
  if (linear % 16 != 0) raise_general_protection();
  return linear;
}

void fxsave(Interpreter& cpu, const Instruction& i) {
  const uint32_t linear = fxsave_operand(cpu, i, AccessKind::kWrite);
  FxsaveImage image = cpu.state.fx;
  const bool sse2 = cpu.model.has(Feature::kSse2);
  image.mxcsr_mask = sse2 ? cpu.model.mxcsr_writable() : 0;  // 0 stands for FFBFh
  cpu.mmu.check_write(linear, sizeof image, cpu.user());
  cpu.mmu.write_bytes(linear, &image, kFxsaveWritten, cpu.user());
}

// What lies between the registers in the image is in no register.
void clear_reserved(FxsaveImage& image) {
  image.reserved0 = 0;
  image.reserved1 = image.reserved2 = 0;
  constexpr size_t kStBytes = 10;
  for (auto& st : image.st) std::fill(st.begin() + kStBytes, st.end(), uint8_t{0});
}

void fxrstor(Interpreter& cpu, const Instruction& i) {
  const uint32_t linear = fxsave_operand(cpu, i, AccessKind::kRead);
  FxsaveImage image = cpu.state.fx;
  cpu.mmu.read_bytes(linear, &image, kFxsaveWritten, cpu.user());
  if (image.mxcsr & ~cpu.model.mxcsr_writable()) raise_general_protection();
  image.mxcsr_mask = cpu.state.fx.mxcsr_mask;
  image.control_word = effective_control_word(image.control_word);
  image.last_opcode &= 0x7FF;
  clear_reserved(image);
  update_error_summary(image);
  cpu.state.fx = image;
}

void ldmxcsr(Interpreter& cpu, const Instruction& i) {
  check_sse_available(cpu.state);
  const uint32_t value = cpu.read_rm<uint32_t>(i);
  if (value & ~cpu.model.mxcsr_writable()) raise_general_protection();
  cpu.state.fx.mxcsr = value;
}

void stmxcsr(Interpreter& cpu, const Instruction& i) {
  check_sse_available(cpu.state);
  cpu.write_rm<uint32_t>(i, cpu.state.fx.mxcsr);
}

struct MaskedBytes {
  std::array<uint8_t, 16> data;
  uint32_t selected = 0;  // bit n: byte n
};

template <class Register>
MaskedBytes masked_bytes(const Register& data, const Register& mask, unsigned size) {
  MaskedBytes m{};
  std::memcpy(m.data.data(), data.data(), size);
  for (unsigned n = 0; n < size; n++) m.selected |= uint32_t{mask[n]} >> 7 << n;
  return m;
}

// Writes the selected bytes and touches none but what lies between the first and the last of them.
void write_selected(Interpreter& cpu, const Instruction& i, const MaskedBytes& bytes) {
  if (!bytes.selected) return;
  const SegmentIndex segment =
      i.segment_override == kNoRegister ? kDs : static_cast<SegmentIndex>(i.segment_override);
  const uint32_t mask = i.address_size == 4 ? 0xFFFFFFFF : 0xFFFF;
  const unsigned first = std::countr_zero(bytes.selected), last = std::bit_width(bytes.selected) - 1;
  const uint32_t offset = (cpu.state.gpr[kEdi] + first) & mask;
  const uint32_t linear = cpu.linear(segment, offset, last - first + 1, AccessKind::kWrite);
  cpu.mmu.check_write(linear, last - first + 1, cpu.user());
  for (unsigned n = first; n <= last; n++)
    if (bytes.selected >> n & 1) cpu.mmu.write<uint8_t>(linear + n - first, bytes.data[n], cpu.user());
}

}  // namespace

void check_sse_available(const CpuState& state) {
  if ((state.cr0 & cr0::kEm) || !(state.cr4 & cr4::kOsfxsr)) raise(Vector::kInvalidOpcode);
  if (state.cr0 & cr0::kTs) raise(Vector::kDeviceNotAvailable);
}

void check_mmx_available(const CpuState& state) {
  if (state.cr0 & cr0::kEm) raise(Vector::kInvalidOpcode);
  if (state.cr0 & cr0::kTs) raise(Vector::kDeviceNotAvailable);
  report_pending_x87_exception(state);
}

void fxsave_group(Interpreter& cpu, const Instruction& i) {
  switch (i.mnemonic) {
    case ZYDIS_MNEMONIC_FXSAVE:
      return fxsave(cpu, i);
    case ZYDIS_MNEMONIC_FXRSTOR:
      return fxrstor(cpu, i);
    case ZYDIS_MNEMONIC_LDMXCSR:
      return ldmxcsr(cpu, i);
    case ZYDIS_MNEMONIC_STMXCSR:
      return stmxcsr(cpu, i);
    case ZYDIS_MNEMONIC_CLFLUSH:  // faults as a load of one byte does
      cpu.read<uint8_t>(operand_segment(i), operand_offset(i, cpu.state.gpr));
      return;
    case ZYDIS_MNEMONIC_LFENCE:
    case ZYDIS_MNEMONIC_MFENCE:
    case ZYDIS_MNEMONIC_SFENCE:
      return;  // instructions are executed one after the other
  }
  raise(Vector::kInvalidOpcode);
}

void mask_move(Interpreter& cpu, const Instruction& i) {
  FxsaveImage& fx = cpu.state.fx;
  if (i.mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU) {
    check_sse_available(cpu.state);
    return write_selected(cpu, i, masked_bytes(fx.xmm[i.reg], fx.xmm[i.rm], 16));
  }
  check_mmx_available(cpu.state);
  FxsaveImage in_mmx_state = fx;
  enter_mmx(in_mmx_state);
  write_selected(cpu, i, masked_bytes(in_mmx_state.st[i.reg], in_mmx_state.st[i.rm], 8));
  fx = in_mmx_state;
}

}  // namespace ringdown

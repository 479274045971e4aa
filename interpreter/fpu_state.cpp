#include "interpreter/fpu_state.h"

#include <algorithm>
#include <cstring>

namespace ringdown {
namespace {

constexpr uint16_t kInitialControlWord = 0x37F;
constexpr uint16_t kWritableControl = 0x1F3F, kAlwaysSetControl = 0x40;  // bits of the control word
constexpr uint16_t kOpcodeMask = 0x7FF;

enum Tag : uint16_t { kValid, kZero, kSpecial, kEmpty };

Tag tag_of(const std::array<uint8_t, 16>& st) {
  uint64_t significand;
  uint16_t sign_exponent;
  std::memcpy(&significand, st.data(), sizeof significand);
  std::memcpy(&sign_exponent, st.data() + 8, sizeof sign_exponent);
  const unsigned exponent = sign_exponent & 0x7FFF;
  if (exponent == 0 && significand == 0) return kZero;
  const bool normal = exponent != 0 && exponent != 0x7FFF && significand >> 63;
  return normal ? kValid : kSpecial;
}

// The environment as seven fields; in the image each takes 2 or 4 bytes.
using Fields = std::array<uint32_t, 7>;
enum Field { kControl, kStatus, kTags, kInstruction, kInstructionHigh, kOperand, kOperandHigh };

Fields protected_fields(const FxsaveImage& fx, bool wide) {
  const uint32_t opcode = wide ? uint32_t{fx.last_opcode} << 16 : 0;
  return {fx.control_word,
          fx.status_word,
          full_tag_word(fx),
          fx.instruction_offset,
          fx.instruction_selector | opcode,
          fx.operand_offset,
          fx.operand_selector};
}

// Linear addresses, split: bits 15:0, and from bit 16 on in bits 12 and up of the second word.
Fields real_fields(const FxsaveImage& fx) {
  const uint32_t instruction = fx.instruction_offset + (uint32_t{fx.instruction_selector} << 4);
  const uint32_t operand = fx.operand_offset + (uint32_t{fx.operand_selector} << 4);
  return {fx.control_word,
          fx.status_word,
          full_tag_word(fx),
          instruction & 0xFFFF,
          instruction >> 16 << 12 | fx.last_opcode,
          operand & 0xFFFF,
          operand >> 16 << 12};
}

void load_protected(FxsaveImage& fx, const Fields& f) {
  fx.instruction_offset = f[kInstruction];
  fx.instruction_selector = static_cast<uint16_t>(f[kInstructionHigh]);
  fx.last_opcode = f[kInstructionHigh] >> 16 & kOpcodeMask;
  fx.operand_offset = f[kOperand];
  fx.operand_selector = static_cast<uint16_t>(f[kOperandHigh]);
}

void load_real(FxsaveImage& fx, const Fields& f) {
  fx.instruction_offset = (f[kInstruction] & 0xFFFF) | f[kInstructionHigh] >> 12 << 16;
  fx.operand_offset = (f[kOperand] & 0xFFFF) | f[kOperandHigh] >> 12 << 16;
  fx.last_opcode = f[kInstructionHigh] & kOpcodeMask;
  fx.instruction_selector = fx.operand_selector = 0;
}

}  // namespace

uint16_t effective_control_word(uint16_t value) { return (value & kWritableControl) | kAlwaysSetControl; }

void update_error_summary(FxsaveImage& fx) {
  constexpr uint16_t summary = x87_status::kErrorSummary | x87_status::kBusy;
  fx.status_word &= ~summary;
  if (pending_x87_exceptions(fx)) fx.status_word |= summary;
}

uint16_t full_tag_word(const FxsaveImage& fx) {
  uint16_t tags = 0;
  for (unsigned r = 0; r < 8; r++) {
    const bool empty = !(fx.abridged_tag_word >> r & 1);
    const Tag tag = empty ? kEmpty : tag_of(fx.st[(r - top_of_stack(fx)) & 7]);
    tags |= tag << 2 * r;
  }
  return tags;
}

void set_full_tag_word(FxsaveImage& fx, uint16_t tags) {
  fx.abridged_tag_word = 0;
  for (unsigned r = 0; r < 8; r++)
    if ((tags >> 2 * r & 3) != kEmpty) fx.abridged_tag_word |= 1 << r;
}

void initialize_x87(FxsaveImage& fx) {
  std::rotate(fx.st.begin(), fx.st.begin() + ((8 - top_of_stack(fx)) & 7), fx.st.end());
  fx.control_word = kInitialControlWord;
  fx.status_word = 0;
  fx.abridged_tag_word = 0;
  fx.last_opcode = 0;
  fx.instruction_offset = fx.operand_offset = 0;
  fx.instruction_selector = fx.operand_selector = 0;
}

void enter_mmx(FxsaveImage& fx) {
  std::rotate(fx.st.begin(), fx.st.begin() + ((8 - top_of_stack(fx)) & 7), fx.st.end());
  fx.status_word &= ~(7 << x87_status::kTopShift);
  fx.abridged_tag_word = 0xFF;
}

void report_pending_x87_exception(const CpuState& state) {
  if (pending_x87_exceptions(state.fx) && (state.cr0 & cr0::kNe)) raise(Vector::kX87Error);
}

uint16_t hide_pending_x87_exceptions(FxsaveImage& fx) {
  const uint16_t pending = pending_x87_exceptions(fx);
  fx.status_word &= ~pending;
  update_error_summary(fx);
  return pending;
}

void restore_x87_exceptions(FxsaveImage& fx, uint16_t hidden) {
  fx.status_word |= hidden;
  update_error_summary(fx);
}

EnvironmentLayout environment_layout(const CpuState& state, const Instruction& i) {
  return {.wide = i.operand_size == 4, .protected_mode = !state.without_descriptors()};
}

void store_environment(const FxsaveImage& fx, EnvironmentLayout layout, std::span<uint8_t> to) {
  const Fields fields = layout.protected_mode ? protected_fields(fx, layout.wide) : real_fields(fx);
  const unsigned width = layout.wide ? 4 : 2;
  for (unsigned n = 0; n < fields.size(); n++) {
    // Words whose upper half is reserved read as all ones there; the offsets and the split addresses of the
    // wide layouts use it.
    const bool reserved_high = n <= kTags || (n == kOperandHigh && layout.protected_mode) ||
                               (!layout.protected_mode && (n == kInstruction || n == kOperand));
    const uint32_t value = fields[n] | (reserved_high ? 0xFFFF0000 : 0);
    std::memcpy(to.data() + n * width, &value, width);
  }
}

void load_environment(FxsaveImage& fx, EnvironmentLayout layout, std::span<const uint8_t> from) {
  Fields fields{};
  const unsigned width = layout.wide ? 4 : 2;
  for (unsigned n = 0; n < fields.size(); n++) std::memcpy(&fields[n], from.data() + n * width, width);
  const unsigned old_top = top_of_stack(fx);
  fx.control_word = effective_control_word(static_cast<uint16_t>(fields[kControl]));
  fx.status_word = static_cast<uint16_t>(fields[kStatus]);
  // The registers stay where they are, the image is in stack order.
  std::rotate(fx.st.begin(), fx.st.begin() + ((top_of_stack(fx) - old_top) & 7), fx.st.end());
  set_full_tag_word(fx, static_cast<uint16_t>(fields[kTags]));
  layout.protected_mode ? load_protected(fx, fields) : load_real(fx, fields);
  update_error_summary(fx);
}

}  // namespace ringdown

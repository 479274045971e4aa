#pragma once
#include <cstdint>
#include <span>

#include "interpreter/interpreter.h"

// The x87 unit's state as the FXSAVE image holds it, and in the older layouts (SDM vol. 1, chapter 8).
namespace ringdown {

namespace x87_status {
constexpr uint16_t kExceptions = 0x3F, kErrorSummary = 1 << 7, kBusy = 1 << 15;
constexpr int kTopShift = 11;
}  // namespace x87_status

// Unmasked exceptions that are flagged: the next waiting instruction reports them.
inline uint16_t pending_x87_exceptions(const FxsaveImage& fx) {
  return fx.status_word & ~fx.control_word & x87_status::kExceptions;
}
// What a load of `value` leaves in the control word, whose reserved bits are fixed.
uint16_t effective_control_word(uint16_t value);
// Makes the summary bits what the exception flags and masks say, as the processor does on every load.
void update_error_summary(FxsaveImage& fx);

inline unsigned top_of_stack(const FxsaveImage& fx) { return fx.status_word >> x87_status::kTopShift & 7; }

// The tag word of FSAVE: two bits a register (valid, zero, special, empty), from the abridged one.
uint16_t full_tag_word(const FxsaveImage& fx);
void set_full_tag_word(FxsaveImage& fx, uint16_t tags);

void initialize_x87(FxsaveImage& fx);  // FNINIT

// What an MMX instruction does before anything else: TOP becomes 0 and every register valid, so that the
// image's st[n] is MMn.
void enter_mmx(FxsaveImage& fx);

// #MF if an exception is pending and CR0.NE is set. Without NE the processor asserts FERR# and waits for
// the external interrupt or IGNNE#; a machine that does not wire FERR# behaves as if IGNNE# were always
// asserted: the exception stays flagged and execution goes on.
void report_pending_x87_exception(const CpuState& state);

// For instructions that run with an exception pending all the same, on the host, which would report it:
// takes the pending flags out of the image and returns them; puts them back in.
uint16_t hide_pending_x87_exceptions(FxsaveImage& fx);
void restore_x87_exceptions(FxsaveImage& fx, uint16_t hidden);

// FNSTENV, FLDENV and the first part of FNSAVE, FRSTOR: 14 bytes (16-bit operand size) or 28 bytes, in the
// protected-mode or the real-mode (also virtual-8086) layout.
struct EnvironmentLayout {
  bool wide;
  bool protected_mode;
  unsigned size() const { return wide ? 28 : 14; }
};
EnvironmentLayout environment_layout(const CpuState& state, const Instruction& i);
void store_environment(const FxsaveImage& fx, EnvironmentLayout layout, std::span<uint8_t> to);
void load_environment(FxsaveImage& fx, EnvironmentLayout layout, std::span<const uint8_t> from);

}  // namespace ringdown

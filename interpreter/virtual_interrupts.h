#pragma once
#include "cpu/state.h"

// The virtual interrupt flag of virtual-8086 mode (CR4.VME) and of protected mode (CR4.PVI): SDM vol.
// 3, 20.3.2 and 20.4.
namespace ringdown {

// May the current privilege level change IF?
inline bool owns_interrupt_flag(const CpuState& s) { return s.real_mode() || s.cpl <= s.iopl(); }

// Does this code, which does not own IF, have VIF in its place?
inline bool has_virtual_interrupt_flag(const CpuState& s) {
  return s.virtual_8086() ? s.cr4 & cr4::kVme : s.cpl == 3 && (s.cr4 & cr4::kPvi);
}

// Is #GP all that can happen here, because VIP has waited for VIF? IRET, POPF and task switches come to that.
inline bool virtual_interrupt_is_due(const CpuState& s) {
  constexpr uint32_t both = eflags::kVif | eflags::kVip;
  return (s.system_flags & both) == both && !owns_interrupt_flag(s) && has_virtual_interrupt_flag(s);
}

}  // namespace ringdown

#include "translator/code_mode.h"

namespace ringdown {

CodeMode CodeMode::of(const CpuState& s) {
  CodeMode mode;
  const auto set = [&](uint16_t bit, bool condition) {
    if (condition) mode.bits |= bit;
  };
  const bool user = s.cpl == 3;
  const bool x87 = !(s.cr0 & (cr0::kEm | cr0::kTs));
  set(kUser, user);
  set(kX87, x87);
  set(kSse, x87 && (s.cr4 & cr4::kOsfxsr));
  set(kFs, s.segment[kFs].unlimited());
  set(kGs, user && s.segment[kGs].unlimited());
  set(kTscTrapped, user && (s.cr4 & cr4::kTsd));
  set(kIoPrivileged, user && s.iopl() == 3);
  return mode;
}

bool CodeMode::translatable(const CpuState& s) {
  if (!s.protected_mode() || s.virtual_8086() || (s.cpl != 0 && s.cpl != 3)) return false;
  if (s.system_flags & (eflags::kTf | eflags::kRf)) return false;
  if (s.cpl == 3 && (s.cr0 & cr0::kAm) && (s.system_flags & eflags::kAc)) return false;
  if (s.dr[7] & 0xFF) return false;
  const auto& segment = s.segment;
  return segment[kCs].flat() && segment[kCs].big() && segment[kSs].flat() && segment[kSs].big() &&
         segment[kDs].flat() && segment[kEs].flat();
}

}  // namespace ringdown

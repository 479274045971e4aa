#include "translator/code_mode.h"

namespace ringdown {
namespace {

// Neither a code segment nor one that is read-only, which writes would have to be kept from.
bool writable(const Segment& segment) {
  return !segment.is_code() && (segment.attributes & segment_attribute::kWritableOrReadable);
}

}  // namespace

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
  set(kFsUnlimited, s.segment[kFs].unlimited() && writable(s.segment[kFs]));
  set(kGsUnlimited, user && s.segment[kGs].unlimited() && writable(s.segment[kGs]));
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
         segment[kDs].flat() && writable(segment[kDs]) && segment[kEs].flat() && writable(segment[kEs]);
}

}  // namespace ringdown

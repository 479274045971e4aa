#pragma once
#include <cstdint>

#include "cpu/state.h"

namespace ringdown {

// The processor state that translated code was made for; part of a block's key. Modes that are not
// `translatable` are the interpreter's: real and virtual-8086 mode, 16-bit or segmented code,
// single-stepping, alignment checks, breakpoints.
struct CodeMode {
  static constexpr uint16_t kUser = 1;         // CPL 3
  static constexpr uint16_t kX87 = 2;          // x87 and MMX do not fault: CR0.EM = CR0.TS = 0
  static constexpr uint16_t kSse = 4;          // nor does SSE: CR4.OSFXSR = 1 as well
  static constexpr uint16_t kFsUnlimited = 8;  // FS is usable without a limit check
  static constexpr uint16_t kGsUnlimited =
      16;  // user mode only: kernels reload GS for each user and seldom use it
  static constexpr uint16_t kTscTrapped = 32;    // user mode with CR4.TSD
  static constexpr uint16_t kIoPrivileged = 64;  // user mode with IOPL 3

  uint16_t bits = 0;

  bool has(uint16_t bit) const { return bits & bit; }
  bool user() const { return has(kUser); }
  bool operator==(const CodeMode&) const = default;

  // In line always: callouts.cpp needs them compiled with its own flags.
  [[gnu::always_inline]] static CodeMode of(const CpuState& state);
  [[gnu::always_inline]] static bool translatable(const CpuState& state);
};

// May data be written through it? Never through code.
[[gnu::always_inline]] inline bool writable(const Segment& s) {
  return !s.is_code() && (s.attributes & segment_attribute::kWritableOrReadable);
}

inline CodeMode CodeMode::of(const CpuState& s) {
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

inline bool CodeMode::translatable(const CpuState& s) {
  if (!s.protected_mode() || s.virtual_8086() || (s.cpl != 0 && s.cpl != 3)) return false;
  if (s.system_flags & (eflags::kTf | eflags::kRf)) return false;
  if (s.cpl == 3 && (s.cr0 & cr0::kAm) && (s.system_flags & eflags::kAc)) return false;
  if (s.dr[7] & 0xFF) return false;
  const auto& segment = s.segment;
  return segment[kCs].flat() && segment[kCs].big() && segment[kSs].flat() && segment[kSs].big() &&
         segment[kDs].flat() && writable(segment[kDs]) && segment[kEs].flat() && writable(segment[kEs]);
}

}  // namespace ringdown

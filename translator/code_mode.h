#pragma once
#include <cstdint>

#include "cpu/state.h"

namespace ringdown {

// The processor state that translated code was made for; part of a block's key. Modes that are not
// `translatable` are the interpreter's: real and virtual-8086 mode, 16-bit or segmented code, single-stepping,
// alignment checks, breakpoints.
struct CodeMode {
  static constexpr uint16_t kUser = 1;         // CPL 3
  static constexpr uint16_t kX87 = 2;          // x87 and MMX do not fault: CR0.EM = CR0.TS = 0
  static constexpr uint16_t kSse = 4;          // nor does SSE: CR4.OSFXSR = 1 as well
  static constexpr uint16_t kFsUnlimited = 8;           // FS is usable without a limit check
  static constexpr uint16_t kGsUnlimited = 16;          // user mode only: kernels reload GS for each user and seldom use it
  static constexpr uint16_t kTscTrapped = 32;  // user mode with CR4.TSD
  static constexpr uint16_t kIoPrivileged = 64;  // user mode with IOPL 3

  uint16_t bits = 0;

  bool has(uint16_t bit) const { return bits & bit; }
  bool user() const { return has(kUser); }
  bool operator==(const CodeMode&) const = default;

  static CodeMode of(const CpuState& state);
  static bool translatable(const CpuState& state);
};

}  // namespace ringdown

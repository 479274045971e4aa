#pragma once
#include "interpreter/interpreter.h"

namespace ringdown {

namespace mxcsr {
constexpr uint32_t kInvalid = 1, kDenormal = 2, kDivideByZero = 4, kUnderflow = 16, kFlags = 0x3F,
                   kPreComputation = kInvalid | kDenormal | kDivideByZero, kMasks = 0x1F80,
                   kFlushToZero = 0x8000;
constexpr int kMaskShift = 7;
}  // namespace mxcsr

// May the guest use these now? Raise #UD, #NM or, for MMX, a pending x87 exception (SDM vol. 2, 2.4.9 and
// table 22-1 of vol. 3).
void check_sse_available(const CpuState& state);
void check_mmx_available(const CpuState& state);

// 0F AE: FXSAVE FXRSTOR LDMXCSR STMXCSR CLFLUSH LFENCE MFENCE SFENCE.
void fxsave_group(Interpreter& cpu, const Instruction& i);
// 0F F7: MASKMOVQ MASKMOVDQU.
void mask_move(Interpreter& cpu, const Instruction& i);

}  // namespace ringdown

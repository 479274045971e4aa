#pragma once
#include <cstdint>

#include "cpu/state.h"

// Offsets within a task-state segment (SDM vol. 3, 7.2.1 and 7.6).
namespace ringdown::tss {

constexpr uint32_t kMinimumLimit32 = 0x67, kMinimumLimit16 = 0x2B;
constexpr uint32_t kPreviousTask = 0;

// 32-bit TSS.
constexpr uint32_t kEsp0 = 4, kCr3 = 0x1C, kEip = 0x20, kEflags = 0x24, kGprs = 0x28, kSegments = 0x48,
                   kLdt = 0x60, kTrap = 0x64, kIoMapBase = 0x66;
// 16-bit TSS; it has ES, CS, SS and DS only.
constexpr uint32_t kSp0_16 = 2, kIp16 = 0x0E, kFlags16 = 0x10, kGprs16 = 0x12, kSegments16 = 0x22,
                   kLdt16 = 0x2A;

inline bool is_32_bit(const Segment& tr) { return tr.attributes & 8; }

}  // namespace ringdown::tss

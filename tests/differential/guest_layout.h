#pragma once
#include <cstdint>

#include "tests/differential/guest_tables.h"

// Where the tables of guest_tables.h lie, for those who write and read them. Guest-physical and, behind
// kSystemLinear, linear.
namespace ringdown::differential {

constexpr uint32_t kPageDirectory = 0x1000, kFirstPageTable = 0x2000;
constexpr uint32_t kSystemPhysical = 0x10000;
constexpr uint32_t kGdt = 0, kIdt = 0x1000, kTss = 0x2000, kStackTop = 0x4000;
// kHandlers are the page at 0x4000. What follows is for supervisor code only.
constexpr uint32_t kTaskGateIdt = 0x5000, kHandlerTss = 0x6000, kHandlerTssBytes = 0x80;
constexpr unsigned kExceptionVectors = 32;

constexpr uint16_t kKernelCode = 0x08, kKernelData = 0x10, kTssSelector = 0x18;
constexpr uint16_t kFirstHandlerTss = 0x100;  // selectors, one a vector
constexpr uint16_t kGdtLimit = 0x2F, kSupervisorGdtLimit = kFirstHandlerTss + kExceptionVectors * 8 - 1;
constexpr uint16_t kIdtLimit = 256 * 8 - 1, kTssLimit = 0x67;

uint64_t system_descriptor(uint32_t base, uint32_t limit, unsigned type);

}  // namespace ringdown::differential

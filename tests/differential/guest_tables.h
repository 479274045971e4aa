#pragma once
#include "cpu/physical_memory.h"
#include "cpu/state.h"
#include "tests/differential/executor.h"

// A guest for the executors that are machines: guest-physical RAM with page tables, descriptor tables and a
// task state segment such that the test's pages are there for user code, and any exception leads to ring 0.
namespace ringdown::differential {

constexpr uint32_t kGuestRamBytes = 2 << 20;
constexpr uint32_t kFirstFrameAddress = 1 << 20;  // guest-physical: page n of the case is n pages behind

// Where the supervisor's pages lie, in linear memory: far from all that random values are likely to hit, as a
// page fault there says "present".
constexpr uint32_t kSystemLinear = 0xB3A50000, kSystemBytes = 8 * kPageBytes;
// Handler of vector n. It is never run.
constexpr uint32_t kHandlers = kSystemLinear + 0x4000, kHandlerBytes = 16;

// Fills RAM with the tables, once.
void build_guest_tables(PhysicalMemory& memory);
// Registers of a processor that has just entered the case. Everything that the case does not name is as
// the tables want it.
void load_initial_state(const TestCase& test_case, CpuState& state);
void load_memory(const TestCase& test_case, PhysicalMemory& memory);

// In ring 0 at a handler: what the exception was, and the state that it interrupted.
void read_exception(const CpuState& state, const PhysicalMemory& memory, Outcome& outcome);
void read_memory(const PhysicalMemory& memory, Outcome& outcome);

}  // namespace ringdown::differential

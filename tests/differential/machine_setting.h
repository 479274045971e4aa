#pragma once
#include "cpu/physical_memory.h"
#include "cpu/state.h"
#include "tests/differential/executor.h"

// What the executors that are machines make of TestCase::setting. Supervisor code has no stack that can be
// relied on, so its exceptions lead through task gates: the processor leaves the state that they interrupted
// in the task state segment (SDM vol. 3, 7.3), whatever ESP is.
namespace ringdown::differential {

// To be called after load_initial_state() and build_guest_tables().
void load_setting(const TestCase& test_case, CpuState& state, PhysicalMemory& memory);
// Has the case met its exception, or another end?
bool is_over(const TestCase& test_case, const CpuState& state);
// What it ended with. A case that is not over yet has timed out.
void read_end(const TestCase& test_case, const CpuState& state, const PhysicalMemory& memory,
              Outcome& outcome);

}  // namespace ringdown::differential

#pragma once
#include <cstdint>
#include <string>

#include "cpu/cpu_model.h"
#include "cpu/fault.h"
#include "cpu/instruction.h"
#include "cpu/state.h"

namespace ringdown {

// All registers but the vector ones, as -d cpu_reset shows them; several lines.
std::string format_state(const CpuState& state);

// -d cpu_reset: the state that a reset is about to end.
void log_reset(const CpuState& state);
// -d unimp: an instruction or a model-specific register that this processor does not have. `i` raised
// `fault`.
void log_if_unimplemented(const Instruction& i, const Fault& fault, const CpuState& state,
                          const CpuModel& model);
// -d guest_errors: an access to a port that no device claims.
void log_unclaimed_port(const char* access, uint16_t port, unsigned size, uint32_t eip);

}  // namespace ringdown

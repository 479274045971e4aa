#pragma once
#include "cpu/state.h"

namespace ringdown {

// SYSENTER itself (SDM vol. 2), for those who find it executed. It keeps neither EIP nor ESP. Only if
// can_sysenter(): otherwise it is #GP(0).
bool can_sysenter(const CpuState& state);
void sysenter(CpuState& state);

}  // namespace ringdown

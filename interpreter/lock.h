#pragma once
#include "cpu/instruction.h"

namespace ringdown {

// May this instruction carry a LOCK prefix? Only read-modify-write forms with a memory operand may; all
// others raise #UD (SDM vol. 2, LOCK).
bool may_be_locked(const Instruction& i);

}  // namespace ringdown

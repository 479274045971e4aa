#pragma once
#include "interpreter/descriptor.h"

namespace ringdown {

// IRET and IRETD in all modes (SDM vol. 2, IRET).
void interrupt_return(Interpreter& it, const Instruction& i);

}  // namespace ringdown

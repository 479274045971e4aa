#pragma once
#include <cstdint>

#include "interpreter/interpreter.h"

namespace ringdown {

// May the current program reach `size` bytes of I/O space at `port`? Checks IOPL and the I/O permission bit
// map of the TSS; raises #GP(0) if not (SDM vol. 1, 19.5). In virtual-8086 mode only the bit map counts. An
// I/O breakpoint on the port is noted, for a trap after the instruction.
void check_port_access(Interpreter& it, uint16_t port, unsigned size);

}  // namespace ringdown

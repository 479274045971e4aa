#pragma once
#include <cstdint>

namespace ringdown {

class Interpreter;

// Raises #GP(0) unless the current privilege level may access `size` bytes of I/O space at `port`: IOPL, then
// the I/O permission bitmap of the TSS (SDM vol. 1, 19.5). For IN, OUT, INS and OUTS.
void check_port_access(Interpreter& cpu, uint16_t port, unsigned size);

}  // namespace ringdown

#pragma once
#include <cstdint>

#include "interpreter/interpreter.h"

namespace ringdown {

// Far transfers in whatever mode the processor is in (SDM vol. 2, CALL, JMP, RET). `operand_size` is 2 or 4
// bytes; `release` is how many bytes RET takes off the stack besides the return address.
void far_jump(Interpreter& it, uint16_t selector, uint32_t offset, unsigned operand_size);
void far_call(Interpreter& it, uint16_t selector, uint32_t offset, unsigned operand_size);
void far_return(Interpreter& it, unsigned operand_size, uint16_t release);

}  // namespace ringdown

#pragma once
#include <cstdint>

#include "interpreter/interpreter.h"

namespace ringdown {

// Loads DS, ES, FS, GS or SS as MOV, POP, LDS … do in the current mode, with the checks of SDM vol. 2, MOV.
// Raises #GP, #NP or #SS and then has changed nothing.
void load_segment(Interpreter& it, SegmentIndex index, uint16_t selector);

// VERR and VERW, members of group 0F 00.
void verify_segment(Interpreter& it, const Instruction& i, bool for_write);

// The chapters that add_segment() is made of.
void add_far_transfers(struct DispatchTable&);
void add_protection_checks(struct DispatchTable&);

}  // namespace ringdown

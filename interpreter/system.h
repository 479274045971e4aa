#pragma once
#include "interpreter/interpreter.h"

namespace ringdown {

// The chapters that add_system() is made of, besides control_registers.h.
void add_debug_registers(struct DispatchTable&);
void add_descriptor_tables(struct DispatchTable&);
void add_model_specific_registers(struct DispatchTable&);

}  // namespace ringdown

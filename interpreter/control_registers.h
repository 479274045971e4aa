#pragma once
#include <array>
#include <cstdint>

#include "interpreter/interpreter.h"

namespace ringdown {

// Forgets the interpreter's translations and tells the machine; call it after the registers have changed.
void flush_tlb(Interpreter& it, TlbFlush what);
void invalidate_page(Interpreter& it, uint32_t linear);

// Reads the four PDPTEs that `cr3` names (SDM vol. 3, 4.4.1). False: one of them is present and has a
// reserved bit set.
bool read_pdptes(Interpreter& it, uint32_t cr3, std::array<uint64_t, 4>& to);

void add_control_registers(struct DispatchTable&);

// LMSW and SMSW, members of group 0F 01.
void load_machine_status_word(Interpreter& it, const Instruction& i);
void store_machine_status_word(Interpreter& it, const Instruction& i);

// #GP(0) unless the current privilege level is 0.
inline void require_ring_0(const Interpreter& it) {
  if (it.state.cpl != 0) raise_general_protection();
}

}  // namespace ringdown

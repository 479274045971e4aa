#pragma once
#include <span>

#include "tests/differential/composer.h"

namespace ringdown::differential {

// Writes the body of one unit (Composer::unit has been begun). `id` is its own; the next has id + 1.
using UnitMaker = void (*)(Composer&, uint32_t id);

struct WeightedUnit {
  UnitMaker make;
  unsigned weight;
};
// All kinds of units, with how often each is to occur.
std::span<const WeightedUnit> unit_kinds();
// More of them, for supervisor code.
std::span<const WeightedUnit> supervisor_unit_kinds();

void make_integer(Composer&, uint32_t id);
void make_stack(Composer&, uint32_t id);
void make_x87(Composer&, uint32_t id);
void make_mmx(Composer&, uint32_t id);
void make_sse(Composer&, uint32_t id);
void make_random_encoding(Composer&, uint32_t id);

void make_string(Composer&, uint32_t id);
void make_bit_string(Composer&, uint32_t id);
void make_shift_by_cl(Composer&, uint32_t id);
void make_divide(Composer&, uint32_t id);
void make_xlat(Composer&, uint32_t id);
void make_compare_exchange_8(Composer&, uint32_t id);
void make_masked_move(Composer&, uint32_t id);
void make_bound(Composer&, uint32_t id);
void make_load_mxcsr(Composer&, uint32_t id);
void make_sha_of_memory(Composer&, uint32_t id);

void make_stack_pointer(Composer&, uint32_t id);
void make_enter_leave(Composer&, uint32_t id);
void make_push_segment(Composer&, uint32_t id);
void make_pop_flags(Composer&, uint32_t id);
void make_virtual_interrupt_flag(Composer&, uint32_t id);  // of CR4.PVI

void make_forward_branch(Composer&, uint32_t id);
void make_loop(Composer&, uint32_t id);
void make_subroutine(Composer&, uint32_t id);
void make_forward_call(Composer&, uint32_t id);
void make_indirect_jump(Composer&, uint32_t id);
void make_return(Composer&, uint32_t id);
void make_self_modification(Composer&, uint32_t id);

}  // namespace ringdown::differential

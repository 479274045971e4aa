#include "tests/differential/units.h"

namespace ringdown::differential {
namespace {

constexpr WeightedUnit kKinds[] = {
    {make_integer, 300},      {make_stack, 30},       {make_x87, 90},
    {make_mmx, 40},           {make_sse, 120},        {make_random_encoding, 100},
    {make_string, 40},        {make_bit_string, 15},  {make_shift_by_cl, 30},
    {make_divide, 14},        {make_xlat, 5},         {make_compare_exchange_8, 6},
    {make_masked_move, 5},    {make_bound, 2},        {make_sha_of_memory, 3},
    {make_load_mxcsr, 4},     {make_push_segment, 6}, {make_stack_pointer, 20},
    {make_enter_leave, 12},   {make_pop_flags, 10},   {make_forward_branch, 70},
    {make_loop, 20},          {make_subroutine, 20},  {make_forward_call, 8},
    {make_indirect_jump, 12}, {make_return, 3},       {make_self_modification, 15},
};

void make_one_of(Composer& c, std::span<const Template> table) {
  while (!c.from_template(c.random.pick(table))) {
  }
}

}  // namespace

std::span<const WeightedUnit> unit_kinds() { return kKinds; }

void make_integer(Composer& c, uint32_t) { make_one_of(c, integer_templates()); }
void make_stack(Composer& c, uint32_t) { make_one_of(c, stack_templates()); }
void make_x87(Composer& c, uint32_t) { make_one_of(c, x87_templates()); }
void make_mmx(Composer& c, uint32_t) { make_one_of(c, mmx_templates()); }
void make_sse(Composer& c, uint32_t) { make_one_of(c, sse_templates()); }

// Any bytes that are an instruction, permitted at user level.
void make_random_encoding(Composer& c, uint32_t) {
  Random& random = c.random;
  for (int attempt = 0; attempt < 50; ++attempt) {
    std::array<uint8_t, 15> code;
    unsigned length = 0;
    while (length < 3 && random.percent(30))
      code[length++] =
          random.pick<uint8_t>({0x66, 0x66, 0xF2, 0xF3, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0xF0});
    const unsigned map = random.below(100);
    if (map < 70) code[length++] = 0x0F;
    if (map < 20) code[length++] = random.pick<uint8_t>({0x38, 0x3A});
    while (length < code.size()) code[length++] = random.byte();
    const auto facts = facts_of(code);
    // Random registers seldom point anywhere: most memory operands are left to the templates.
    if (facts && facts->memory_operand && random.percent(70)) continue;
    if (c.raw(code)) return;
  }
  c.bytes({0x90});
}

}  // namespace ringdown::differential

#include "tests/differential/generator.h"

#include "tests/differential/initial_state.h"
#include "tests/differential/units.h"

namespace ringdown::differential {
namespace {

UnitMaker pick_kind(Random& random) {
  static const unsigned total = [] {
    unsigned sum = 0;
    for (const WeightedUnit& kind : unit_kinds()) sum += kind.weight;
    return sum;
  }();
  unsigned roll = random.below(total);
  for (const WeightedUnit& kind : unit_kinds()) {
    if (roll < kind.weight) return kind.make;
    roll -= kind.weight;
  }
  return make_integer;
}

uint32_t code_start(Random& random) {
  const uint32_t first = kPages[kCode0].address;
  if (random.percent(10)) return kPages[kCode1].address - random.below(64);  // across two pages
  return first + random.below(kPageBytes);
}

}  // namespace

Program generate(uint64_t seed, uint64_t index) {
  Random random(seed, index);
  Program program;
  randomise_state(random, program.initial);
  program.initial.eip = code_start(random);
  Composer composer(random, program);
  const unsigned count = 4 + random.below(7);
  for (uint32_t id = 0; id < count; ++id) {
    composer.begin_unit(id);
    pick_kind(random)(composer, id);
    composer.end_unit();
  }
  return program;
}

}  // namespace ringdown::differential

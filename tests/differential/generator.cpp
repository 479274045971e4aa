#include "tests/differential/generator.h"

#include "tests/differential/initial_state.h"
#include "tests/differential/units.h"

namespace ringdown::differential {
namespace {

UnitMaker pick_kind(Random& random, std::span<const WeightedUnit> kinds) {
  unsigned total = 0;
  for (const WeightedUnit& kind : kinds) total += kind.weight;
  unsigned roll = random.below(total);
  for (const WeightedUnit& kind : kinds) {
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

// A base that brings the addresses of data to a page, by wrapping around if need be, or nowhere.
uint32_t segment_base(Random& random) {
  if (random.percent(15)) return random.word();
  const PageNumber page = random.pick({kData0, kData1, kReadOnly, kIsland, kStack0, kTop});
  return kPages[page].address - kPages[kData0].address + random.below(64) * 4 - 128;
}

void randomise_setting(Random& random, Setting& setting) {
  const bool supervisor = random.percent(75);
  setting.kind = supervisor ? Setting::kSupervisor : Setting::kUser;
  setting.fs_base = segment_base(random);
  setting.gs_base = segment_base(random);
  setting.ignores_write_protection = random.percent(20);
  setting.interrupt_pending = supervisor && random.percent(30);
  setting.supervisor_pages = random.word() & ((1u << kPageCount) - 1);
  constexpr uint32_t kCodeAndStack = 1u << kCode0 | 1u << kCode1 | 1u << kStack0 | 1u << kStack1;
  if (supervisor && random.percent(75)) setting.supervisor_pages |= kCodeAndStack;
  if (random.percent(30))
    setting.virtual_interrupts =
        1 | (random.word() & (random.percent(80) ? eflags::kVif : eflags::kVif | eflags::kVip));
  if (!supervisor) setting.supervisor_pages &= random.percent(80) ? 0 : ~kCodeAndStack;
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
    pick_kind(random, unit_kinds())(composer, id);
    composer.end_unit();
  }
  return program;
}

Program generate_for_machines(uint64_t seed, uint64_t index) {
  Random random(seed, index);
  Program program;
  randomise_state(random, program.initial);
  program.initial.eip = code_start(random);
  randomise_setting(random, program.initial.setting);
  const Setting& setting = program.initial.setting;
  const bool supervisor = setting.kind == Setting::kSupervisor;
  Composer composer(random, program);
  composer.override_percent = 40;
  const unsigned count = 4 + random.below(7);
  for (uint32_t id = 0; id < count; ++id) {
    composer.begin_unit(id);
    if (!supervisor && setting.virtual_interrupts && random.percent(30))
      make_virtual_interrupt_flag(composer, id);
    else
      pick_kind(random, supervisor && random.percent(50) ? supervisor_unit_kinds() : unit_kinds())(composer,
                                                                                                   id);
    composer.end_unit();
  }
  return program;
}

}  // namespace ringdown::differential

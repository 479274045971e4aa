#pragma once
#include <vector>

#include "tests/differential/executor.h"

namespace ringdown::differential {

// A place in a unit's bytes that holds the address of a unit, known when all units have their places.
struct Fixup {
  enum class Kind : uint8_t { kRelative8, kRelative32, kAbsolute32 };
  Kind kind;
  uint16_t offset;  // of the field, in the unit
  uint32_t target;  // Unit::id; one that is not there stands for the next one that is
  uint32_t addend;
};

// Some instructions that belong together: branches go to the start of units, and the shrinker drops whole
// ones.
struct Unit {
  uint32_t id = 0;  // ascending in a program
  std::vector<uint8_t> bytes;
  std::vector<Fixup> fixups;
  // From this offset to the end of the unit an exception would show these flags, which an instruction has
  // left undefined; the rest of the unit defines them again.
  uint32_t undefined_from = 0, undefined_flags = 0;
};

struct Program {
  TestCase initial;  // without code; eip is where the code begins
  std::vector<Unit> units;

  // Places the units, ends them with UD2 and puts all into `out`.
  void build(TestCase& out) const;
  uint32_t code_bytes() const;  // with the UD2
  // Flags that an exception at this address cannot be asked to show.
  uint32_t undefined_flags_at(uint32_t eip) const;
};

}  // namespace ringdown::differential

#include "tests/differential/program.h"

namespace ringdown::differential {
namespace {

constexpr uint8_t kUd2[] = {0x0F, 0x0B};

uint32_t address_of(const Program& program, uint32_t id) {
  uint32_t address = program.initial.eip;
  for (const Unit& unit : program.units) {
    if (unit.id >= id) break;
    address += static_cast<uint32_t>(unit.bytes.size());
  }
  return address;
}

void apply(const Program& program, const Fixup& fixup, uint32_t unit_address, uint8_t* bytes) {
  const uint32_t target = address_of(program, fixup.target) + fixup.addend;
  const uint32_t field = unit_address + fixup.offset;
  const auto store32 = [&](uint32_t value) { std::memcpy(bytes + fixup.offset, &value, 4); };
  switch (fixup.kind) {
    case Fixup::Kind::kRelative8: {
      const int32_t distance = static_cast<int32_t>(target - (field + 1));
      // Out of reach: to the next instruction instead.
      bytes[fixup.offset] = distance == static_cast<int8_t>(distance) ? static_cast<uint8_t>(distance) : 0;
      break;
    }
    case Fixup::Kind::kRelative32:
      store32(target - (field + 4));
      break;
    case Fixup::Kind::kAbsolute32:
      store32(target);
      break;
  }
}

}  // namespace

void Program::build(TestCase& out) const {
  out = initial;
  uint32_t address = initial.eip;
  for (const Unit& unit : units) {
    std::vector<uint8_t> bytes = unit.bytes;
    for (const Fixup& fixup : unit.fixups) apply(*this, fixup, address, bytes.data());
    poke(out.memory, address, bytes);
    address += static_cast<uint32_t>(bytes.size());
  }
  poke(out.memory, address, kUd2);
}

uint32_t Program::code_bytes() const {
  size_t total = sizeof(kUd2);
  for (const Unit& unit : units) total += unit.bytes.size();
  return static_cast<uint32_t>(total);
}

uint32_t Program::undefined_flags_at(uint32_t eip) const {
  uint32_t address = initial.eip;
  for (const Unit& unit : units) {
    const uint32_t end = address + static_cast<uint32_t>(unit.bytes.size());
    if (eip >= address + unit.undefined_from && eip < end) return unit.undefined_flags;
    address = end;
  }
  return 0;
}

}  // namespace ringdown::differential

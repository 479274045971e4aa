#include "tests/differential/composer.h"

namespace ringdown::differential {

Composer::Composer(Random& random, Program& program)
    : random(random), program_(program), value_(program.initial.gpr) {}

void Composer::begin_unit(uint32_t id) {
  unit = Unit{};
  unit.id = id;
  undefined_flags_ = 0;
}

void Composer::end_unit() {
  settle_flags();
  program_.units.push_back(unit);
}

void Composer::dword(uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) unit.bytes.push_back(static_cast<uint8_t>(value >> shift));
}

void Composer::fixup(Fixup::Kind kind, uint32_t target, uint32_t addend) {
  unit.fixups.push_back({kind, static_cast<uint16_t>(unit.bytes.size()), target, addend});
  unit.bytes.resize(unit.bytes.size() + (kind == Fixup::Kind::kRelative8 ? 1 : 4));
}

void Composer::note(const InstructionFacts& facts) {
  known_ &= ~facts.written_gprs;
  if (facts.undefined_flags == 0) return;
  undefined_flags_ |= facts.undefined_flags;
  unit.undefined_flags |= facts.undefined_flags;
  if (unit.undefined_from == 0) unit.undefined_from = static_cast<uint32_t>(unit.bytes.size());
}

bool Composer::raw(std::span<const uint8_t> code) {
  const bool cl_known = known_ >> kEcx & 1;
  const auto facts = facts_of(code, cl_known ? value_[kEcx] & 0xFF : kUnknownCount);
  if (!facts || !facts->permitted) return false;
  unit.bytes.insert(unit.bytes.end(), code.begin(), code.begin() + facts->length);
  note(*facts);
  return true;
}

void Composer::move_immediate(unsigned reg, uint32_t value) {
  bytes({static_cast<uint8_t>(0xB8 + reg)});
  dword(value);
  value_[reg] = value;
  known_ |= static_cast<uint8_t>(1u << reg);
}

void Composer::settle_flags() {
  if (undefined_flags_ == 0) return;
  if (random.percent(55)) {
    bytes({0x9C, 0x81, 0x24, 0x24});  // pushfd; and dword [esp], ...; popfd
    dword(~undefined_flags_);
    bytes({0x9D});
  } else if (random.percent(50)) {
    bytes({0x83, static_cast<uint8_t>(0xF8 | random.below(8)), random.byte()});  // cmp r32, imm8
  } else {
    bytes({static_cast<uint8_t>(random.pick({0x38, 0x3A})),
           static_cast<uint8_t>(0xC0 | random.byte())});  // cmp r8, r8
  }
  undefined_flags_ = 0;
}

unsigned Composer::any_register(bool byte_sized) {
  const unsigned reg = random.below(8);
  return reg == kEsp && !byte_sized && random.percent(80) ? free_register() : reg;
}

unsigned Composer::free_register() {
  const unsigned reg = random.below(7);
  return reg < kEsp ? reg : reg + 1;
}

uint32_t Composer::interesting() {
  switch (random.below(5)) {
    case 0:
      return random.below(64);
    case 1:
      return 0u - random.below(8);
    case 2:
      return (1u << random.below(32)) - random.below(2);
    case 3:
      return random.pick<uint32_t>(
          {0x7FFFFFFF, 0x80000000, 0x00008000, 0x00007FFF, 0x80, 0x7F, 0xFFFF, 0xFF});
    case 4:
      return random.word();
  }
  return 0;
}

uint32_t Composer::data_address() {
  const uint32_t data = kPages[kData0].address;
  const unsigned roll = random.below(100);
  const uint32_t aligned_by = random.percent(75) ? 16 : 1;
  const uint32_t inside = random.below(2 * kPageBytes - 64) / aligned_by * aligned_by;
  if (roll < 79) return data + inside;
  if (roll < 85) return data + kPageBytes - random.below(17);            // across two pages
  if (roll < 87) return data + 2 * kPageBytes - random.below(17);        // from writable to read-only
  if (roll < 91) return kPages[kReadOnly].address + inside / 2;          // to be read
  if (roll < 92) return data + 3 * kPageBytes - random.below(17);        // from read-only to absent
  if (roll < 94) return kPages[kIsland].address - 8 + random.below(16);  // from absent to writable
  if (roll < 97) return kPages[kTop].address + inside / 2;               // short of 4 GiB
  if (roll < 98) return 0u - random.below(20);                           // at the end of 4 GiB
  return random.percent(50) ? random.word() : kPages[kIsland].address - kPageBytes + random.below(kPageBytes);
}

uint32_t Composer::stack_address() {
  const uint32_t stack = kPages[kStack0].address;
  const unsigned roll = random.below(100);
  if (roll < 70) return stack + 256 + random.below(2 * kPageBytes - 512) / 4 * 4;
  if (roll < 80) return stack + 256 + random.below(2 * kPageBytes - 512);
  if (roll < 86) return stack + kPageBytes - 16 + random.below(32);
  if (roll < 92) return stack + random.below(40);                   // close to an overflow
  if (roll < 96) return stack + 2 * kPageBytes - random.below(40);  // close to an underflow
  return data_address();
}

}  // namespace ringdown::differential

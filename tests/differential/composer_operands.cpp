#include <cstring>

#include "tests/differential/composer.h"

// ModRM, SIB, displacement, immediate and prefixes of random instructions (SDM vol. 2, chapter 2).
namespace ringdown::differential {

void Composer::Encoding::add32(uint32_t value) {
  std::memcpy(bytes.data() + length, &value, 4);
  length += 4;
}

std::optional<unsigned> Composer::known_register(bool may_be_esp) {
  const unsigned start = random.below(8);
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned reg = (start + i) % 8;
    if ((known_ >> reg & 1) && (may_be_esp || reg != kEsp)) return reg;
  }
  return std::nullopt;
}

void Composer::add_absolute(unsigned reg, uint32_t target, Encoding& e) {
  const bool by_sib = random.percent(15);
  e.add(static_cast<uint8_t>(reg << 3 | (by_sib ? 4 : 5)));
  if (by_sib) e.add(static_cast<uint8_t>(random.below(4) << 6 | 0x25));
  e.add32(target);
}

void Composer::add_base_displacement(unsigned reg, unsigned base, uint32_t displacement, Encoding& e) {
  const bool is_byte = displacement == static_cast<uint32_t>(static_cast<int8_t>(displacement));
  unsigned mod = 2;
  if (is_byte && random.percent(85)) mod = 1;
  if (displacement == 0 && base != kEbp && random.percent(80)) mod = 0;
  const bool by_sib = base == kEsp || random.percent(10);
  e.add(static_cast<uint8_t>(mod << 6 | reg << 3 | (by_sib ? 4 : base)));
  if (by_sib) e.add(static_cast<uint8_t>(random.below(4) << 6 | 4 << 3 | base));
  if (mod == 1) e.add(static_cast<uint8_t>(displacement));
  if (mod == 2) e.add32(displacement);
}

void Composer::add_indexed(unsigned reg, uint32_t target, Encoding& e) {
  const auto index = known_register(false);
  const auto base = known_register(true);
  if (!index || !base) return add_absolute(reg, target, e);
  const unsigned scale = random.below(4);
  const bool baseless = random.percent(25);
  const uint32_t sum = (value_[*index] << scale) + (baseless ? 0 : value_[*base]);
  e.add(static_cast<uint8_t>((baseless ? 0 : 2) << 6 | reg << 3 | 4));
  e.add(static_cast<uint8_t>(scale << 6 | *index << 3 | (baseless ? 5 : *base)));
  e.add32(target - sum);
}

// Loads a register with an address near the target, ahead of the instruction.
void Composer::prepare_base(uint32_t target) {
  const uint32_t distance = random.percent(40) ? 0 : random.below(256) - 128;
  move_immediate(free_register(), target - distance);
}

void Composer::add_memory_operand(unsigned reg, uint32_t target, Encoding& e) {
  const unsigned roll = random.below(100);
  if (roll < 18) return add_absolute(reg, target, e);
  if (roll < 28) return add_base_displacement(reg, kEsp, random.below(64) * 4, e);
  if (roll < 33) return add_base_displacement(reg, random.below(8), interesting(), e);
  if (roll < 53) return add_indexed(reg, target, e);
  const auto base = known_register(true);
  if (!base) return add_absolute(reg, target, e);
  add_base_displacement(reg, *base, target - value_[*base], e);
}

void Composer::add_memory_operand16(unsigned reg, Encoding& e) {
  const unsigned mod = random.below(3), rm = random.below(8);
  e.add(static_cast<uint8_t>(mod << 6 | reg << 3 | rm));
  const unsigned displacement_bytes = mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0;
  for (unsigned i = 0; i < displacement_bytes; ++i) e.add(random.byte());
}

void Composer::add_immediate(unsigned bytes, Encoding& e) {
  const uint32_t value = interesting();
  for (unsigned i = 0; i < bytes; ++i) e.add(static_cast<uint8_t>(value >> 8 * i));
}

void Composer::add_prefixes(const Template& t, bool memory, bool& narrow, bool& address16, Encoding& e) {
  narrow = t.sized && random.percent(28);
  address16 = memory && random.percent(2);
  if (narrow) e.add(0x66);
  if (address16) e.add(0x67);
  if (memory && random.percent(override_percent))
    e.add(random.pick<uint8_t>({0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65}));
  if (memory && t.lockable && random.percent(10)) e.add(0xF0);
}

bool Composer::from_template(const Template& t, std::optional<uint32_t> target) {
  const bool memory =
      t.rm == Template::Rm::kMemory || (t.rm == Template::Rm::kAny && (target || random.percent(45)));
  const size_t before = unit.bytes.size();
  uint32_t aim = target ? *target : data_address();
  // A locked access across two cache lines may cost milliseconds: Linux can be told to slow down whoever does
  // it.
  if (t.lockable && !target && random.percent(95)) aim &= ~7u;
  if (memory && random.percent(45)) prepare_base(aim);
  Encoding e;
  bool narrow, address16;
  add_prefixes(t, memory, narrow, address16, e);
  for (unsigned i = 0; i < t.opcode_length; ++i) e.add(t.opcode[i]);
  if (t.register_in_opcode) e.bytes[e.length - 1] |= static_cast<uint8_t>(any_register());
  const unsigned reg = t.extension >= 0 ? static_cast<unsigned>(t.extension) : any_register();
  if (t.rm != Template::Rm::kNone) {
    if (!memory)
      e.add(static_cast<uint8_t>(0xC0 | reg << 3 | any_register()));
    else if (address16)
      add_memory_operand16(reg, e);
    else
      add_memory_operand(reg, aim, e);
  }
  add_immediate(t.immediate_bytes + (t.immediate_sized ? (narrow ? 2 : 4) : 0), e);
  const std::span<const uint8_t> code(e.bytes.data(), e.length);
  // Not to Zydis: an encoding that raises #UD is as good a test.
  const auto facts = facts_of(code, known_ >> kEcx & 1 ? value_[kEcx] & 0xFF : kUnknownCount);
  if (facts && (facts->length != e.length || !facts->supported || facts->undefined_result)) {
    unit.bytes.resize(before);
    return false;
  }
  unit.bytes.insert(unit.bytes.end(), code.begin(), code.end());
  if (facts) note(*facts);
  return true;
}

}  // namespace ringdown::differential

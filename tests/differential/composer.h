#pragma once
#include <array>
#include <optional>

#include "tests/differential/instruction_facts.h"
#include "tests/differential/program.h"
#include "tests/differential/random.h"
#include "tests/differential/template.h"

namespace ringdown::differential {

// Writes the bytes of one unit after another. Keeps track of which registers hold known values, so that
// memory operands of every form can be aimed at chosen addresses; an aim that fails (after a skipped unit,
// say) is another test, not an error.
class Composer {
 public:
  Composer(Random& random, Program& program);

  Random& random;
  Unit unit;
  unsigned override_percent = 8;  // of memory operands that get a segment prefix

  void begin_unit(uint32_t id);
  void end_unit();  // settles the flags, and adds the unit to the program

  // One instruction: bytes as they are. False if it is none that is permitted; nothing has been added then.
  bool raw(std::span<const uint8_t> code);
  bool raw(std::initializer_list<uint8_t> code) { return raw(std::span(code.begin(), code.size())); }
  // Bytes that need no looking at.
  void bytes(std::initializer_list<uint8_t> code) { unit.bytes.insert(unit.bytes.end(), code); }
  void dword(uint32_t value);
  void fixup(Fixup::Kind kind, uint32_t target, uint32_t addend);

  // A template with random operands; `target` aims its memory operand.
  bool from_template(const Template& t, std::optional<uint32_t> target = std::nullopt);
  bool from_template(const char* text, std::optional<uint32_t> target = std::nullopt) {
    return from_template(Template(text), target);
  }
  void move_immediate(unsigned reg, uint32_t value);  // mov r32, imm32
  // Defines the flags that are undefined now, in one of several ways.
  void settle_flags();
  void forget(uint8_t registers) { known_ &= ~registers; }

  // A register of an instruction, seldom ESP; and one that is never ESP.
  unsigned any_register(bool byte_sized = false);
  unsigned free_register();

  // An address to aim at: pages of every kind, their ends and the holes between them.
  uint32_t data_address();
  uint32_t stack_address();
  // A number with many zeros or ones, or a random one.
  uint32_t interesting();

 private:
  struct Encoding {
    std::array<uint8_t, 32> bytes;
    unsigned length = 0;
    void add(uint8_t byte) { bytes[length++] = byte; }
    void add32(uint32_t value);
  };
  void add_prefixes(const Template& t, bool memory, bool& narrow, bool& address16, Encoding& e);
  void add_immediate(unsigned bytes, Encoding& e);
  void add_memory_operand(unsigned reg, uint32_t target, Encoding& e);
  void add_memory_operand16(unsigned reg, Encoding& e);
  void add_absolute(unsigned reg, uint32_t target, Encoding& e);
  void add_base_displacement(unsigned reg, unsigned base, uint32_t displacement, Encoding& e);
  void add_indexed(unsigned reg, uint32_t target, Encoding& e);
  void prepare_base(uint32_t target);
  std::optional<unsigned> known_register(bool may_be_esp);
  void note(const InstructionFacts& facts);

  Program& program_;
  std::array<uint32_t, 8> value_;
  uint8_t known_ = 0xFF;
  uint32_t undefined_flags_ = 0;
};

}  // namespace ringdown::differential

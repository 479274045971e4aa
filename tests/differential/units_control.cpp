#include "tests/differential/units.h"

// The stack pointer, branches, subroutines, and code that modifies itself.
namespace ringdown::differential {
namespace {

using Kind = Fixup::Kind;

// An instruction or two that neither branch nor need the rest of a unit.
void make_body(Composer& c, uint32_t id) {
  constexpr UnitMaker kBodies[] = {make_integer, make_integer, make_stack,
                                   make_sse,     make_x87,     make_shift_by_cl};
  const unsigned count = 1 + c.random.below(2);
  for (unsigned i = 0; i < count; ++i) {
    c.random.pick(std::span<const UnitMaker>(kBodies))(c, id);
    c.settle_flags();
  }
}

// Not EDI: a REP string instruction that stores over itself may run to its end, or be fetched again.
unsigned register_for_code_address(Composer& c) {
  return c.random.pick<unsigned>({kEax, kEcx, kEdx, kEbx, kEbp, kEsi});
}

}  // namespace

void make_stack_pointer(Composer& c, uint32_t id) {
  c.move_immediate(kEsp, c.stack_address());
  make_stack(c, id);
}

// With a 32-bit operand size some processors leave the upper half of the stack's slot alone and others clear
// it: here it is zero before.
void make_push_segment(Composer& c, uint32_t) {
  c.bytes({0x6A, 0x00, 0x8D, 0x64, 0x24, 0x04});  // push 0; lea esp, [esp+4]
  const uint8_t opcode = c.random.pick<uint8_t>({0x06, 0x0E, 0x16, 0x1E, 0xA0, 0xA8});
  if (c.random.percent(20)) c.unit.bytes.push_back(0x66);
  if (opcode >= 0xA0) c.unit.bytes.push_back(0x0F);
  c.bytes({opcode});
  if (c.random.percent(50)) c.bytes({static_cast<uint8_t>(0x58 + c.free_register())});
  c.forget(0xFF);
}

void make_enter_leave(Composer& c, uint32_t) {
  Random& random = c.random;
  if (random.percent(80)) c.move_immediate(kEbp, c.stack_address());
  if (random.percent(30)) c.move_immediate(kEsp, c.stack_address());
  if (random.percent(10)) c.unit.bytes.push_back(0x66);
  if (random.percent(30)) {
    c.raw({0xC9});
  } else {
    const uint16_t bytes =
        random.percent(80) ? static_cast<uint16_t>(random.below(64)) : static_cast<uint16_t>(random.word());
    const uint8_t level = random.percent(50)   ? 0
                          : random.percent(70) ? static_cast<uint8_t>(random.below(4))
                                               : random.byte();
    c.raw({0xC8, static_cast<uint8_t>(bytes), static_cast<uint8_t>(bytes >> 8), level});
  }
  c.forget(1 << kEsp | 1 << kEbp);
}

void make_pop_flags(Composer& c, uint32_t) {
  using namespace eflags;
  const bool narrow = c.random.percent(20);
  // Not TF, NT and AC: those would be a test of exceptions, which user programs are not made of.
  const uint32_t flags =
      c.random.word() & (kStatus | kDf | kIf | kIopl | kId | kVip | kVif | kRf | kFixed | 1u << 3 | 1u << 5);
  if (narrow) c.unit.bytes.push_back(0x66);
  c.bytes({0x68});
  c.unit.bytes.push_back(static_cast<uint8_t>(flags));
  c.unit.bytes.push_back(static_cast<uint8_t>(flags >> 8));
  if (!narrow) c.bytes({static_cast<uint8_t>(flags >> 16), 0});
  if (narrow) c.unit.bytes.push_back(0x66);
  c.bytes({0x9D});
  if (c.random.percent(30)) c.bytes({0x9C});
}

void make_virtual_interrupt_flag(Composer& c, uint32_t) {
  constexpr uint8_t kCli = 0xFA, kSti = 0xFB, kPushf = 0x9C;
  c.bytes({c.random.pick<uint8_t>({kCli, kSti, kSti})});
  if (c.random.percent(60)) c.bytes({kPushf});
}

void make_forward_branch(Composer& c, uint32_t id) {
  const uint32_t target = id + 1 + c.random.below(3);
  const uint8_t condition = static_cast<uint8_t>(c.random.below(16));
  const unsigned roll = c.random.below(100);
  if (roll < 50) {
    c.bytes({static_cast<uint8_t>(0x70 | condition)});
    c.fixup(Kind::kRelative8, target, 0);
  } else if (roll < 80) {
    c.bytes({0x0F, static_cast<uint8_t>(0x80 | condition)});
    c.fixup(Kind::kRelative32, target, 0);
  } else if (roll < 88) {
    if (c.random.percent(20)) c.bytes({0x67});
    c.bytes({0xE3});  // JECXZ, JCXZ
    c.fixup(Kind::kRelative8, target, 0);
  } else if (roll < 94) {
    c.bytes({0xEB});
    c.fixup(Kind::kRelative8, target, 0);
  } else {
    c.bytes({0xE9});
    c.fixup(Kind::kRelative32, target, 0);
  }
}

// MOV ECX, a few; a body that leaves ECX alone; LOOP, LOOPE or LOOPNE back to it.
void make_loop(Composer& c, uint32_t id) {
  c.move_immediate(kEcx, c.random.below(4) + 1);
  const uint32_t start = static_cast<uint32_t>(c.unit.bytes.size());
  const char* const bodies[] = {"01 size /r", "29 size /r:r", "40 +r",       "8B size /r",
                                "33 /r",      "AC",           "AA",          "A4",
                                "50 +r",      "66 0F EF /r",  "66 0F FE /r", "D9 /0:m"};
  for (unsigned i = 0; i <= c.random.below(2); ++i) {
    const Unit saved = c.unit;
    c.from_template(bodies[c.random.below(std::size(bodies))]);
    c.settle_flags();
    // Decoded as a whole: is there a write of ECX among it?
    for (size_t at = saved.bytes.size(); at < c.unit.bytes.size();) {
      const auto facts = facts_of(std::span<const uint8_t>(c.unit.bytes).subspan(at));
      if (!facts || (facts->written_gprs & 1u << kEcx)) {
        c.unit = saved;
        break;
      }
      at += facts->length;
    }
  }
  c.bytes({c.random.pick<uint8_t>({0xE2, 0xE2, 0xE0, 0xE1})});
  c.fixup(Kind::kRelative8, id, start);
  c.forget(1 << kEcx);
}

// CALL f; JMP over; f: ...; RET; over:
void make_subroutine(Composer& c, uint32_t id) {
  Random& random = c.random;
  const unsigned form = random.below(3);
  const unsigned reg = register_for_code_address(c);
  size_t function_field;
  if (form == 0) {
    c.bytes({0xE8});
    function_field = c.unit.fixups.size();
    c.fixup(Kind::kRelative32, id, 0);
  } else {
    c.bytes({static_cast<uint8_t>(0xB8 + reg)});
    function_field = c.unit.fixups.size();
    c.fixup(Kind::kAbsolute32, id, 0);
    c.forget(static_cast<uint8_t>(1u << reg));
    if (form == 2) {  // through memory
      const uint32_t slot = c.data_address();
      c.bytes({0x89, static_cast<uint8_t>(reg << 3 | 5)});
      c.dword(slot);
      c.bytes({0xFF, 0x15});
      c.dword(slot);
    } else {
      c.bytes({0xFF, static_cast<uint8_t>(0xD0 | reg)});
    }
  }
  c.bytes({0xE9});
  c.fixup(Kind::kRelative32, id + 1, 0);
  c.unit.fixups[function_field].addend = static_cast<uint32_t>(c.unit.bytes.size());
  make_body(c, id);
  if (random.percent(70))
    c.bytes({0xC3});
  else
    c.bytes({0xC2, static_cast<uint8_t>(random.below(16) * 4), 0});
  c.forget(1 << kEsp);
}

void make_forward_call(Composer& c, uint32_t id) {
  c.bytes({0xE8});
  c.fixup(Kind::kRelative32, id + 1 + c.random.below(2), 0);
  c.forget(1 << kEsp);
}

// To a later unit, by register, memory, or PUSH and RET.
void make_indirect_jump(Composer& c, uint32_t id) {
  const uint32_t target = id + 1 + c.random.below(3);
  const unsigned reg = register_for_code_address(c);
  const unsigned form = c.random.below(3);
  if (form == 0) {
    c.bytes({0x68});
    c.fixup(Kind::kAbsolute32, target, 0);
    c.bytes({0xC3});
    return;
  }
  const uint32_t slot = c.data_address();
  c.bytes({static_cast<uint8_t>(0xB8 + reg)});
  c.fixup(Kind::kAbsolute32, target, 0);
  c.forget(static_cast<uint8_t>(1u << reg));
  if (form == 1) return c.bytes({0xFF, static_cast<uint8_t>(0xE0 | reg)});
  c.bytes({0x89, static_cast<uint8_t>(reg << 3 | 5)});
  c.dword(slot);
  c.bytes({0xFF, 0x25});
  c.dword(slot);
}

// To whatever the stack holds: mostly out of all code.
void make_return(Composer& c, uint32_t) {
  const unsigned form = c.random.below(4);
  if (form == 0) return c.bytes({0xC2, static_cast<uint8_t>(c.random.byte() & 0xFC), 0});
  if (form == 1) return c.bytes({0x66, 0xC3});
  if (form == 2) return c.bytes({0xFF, static_cast<uint8_t>(0xE0 | c.free_register())});
  c.bytes({0xC3});
}

// A store into the instruction behind it, at once or after another one; the processor runs what was stored.
void make_self_modification(Composer& c, uint32_t id) {
  Random& random = c.random;
  const bool whole_instruction = random.percent(40);
  const bool as_dword = !whole_instruction && random.percent(60);
  if (whole_instruction) {
    c.bytes({0xC6, 0x05});
  } else if (as_dword) {
    c.bytes({0xC7, 0x05});
  } else {
    c.bytes({0x80, static_cast<uint8_t>(random.below(7) << 3 | 5)});
  }
  const size_t field = c.unit.fixups.size();
  c.fixup(Kind::kAbsolute32, id, 0);
  if (whole_instruction)
    c.bytes({static_cast<uint8_t>(random.pick({0x40, 0x48}) + c.free_register())});
  else if (as_dword)
    c.dword(c.interesting());
  else
    c.bytes({random.byte()});
  if (random.percent(40)) make_body(c, id);
  if (whole_instruction) {
    c.unit.fixups[field].addend = static_cast<uint32_t>(c.unit.bytes.size());
    c.bytes({static_cast<uint8_t>(0x40 + c.free_register())});
    c.forget(0xFF & ~(1 << kEsp));
  } else {
    const uint8_t reg = static_cast<uint8_t>(c.free_register());
    c.bytes({random.pick<uint8_t>({0x81}), static_cast<uint8_t>(0xC0 | random.below(8) << 3 | reg)});
    c.unit.fixups[field].addend = static_cast<uint32_t>(c.unit.bytes.size());
    c.dword(c.interesting());
    c.forget(static_cast<uint8_t>(1u << reg));
  }
}

}  // namespace ringdown::differential

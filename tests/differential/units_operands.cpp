#include "tests/differential/units.h"

// Instructions whose implicit or far-reaching operands are prepared first.
namespace ringdown::differential {

void make_string(Composer& c, uint32_t) {
  Random& random = c.random;
  if (random.percent(85)) c.move_immediate(kEsi, c.data_address());
  if (random.percent(85)) c.move_immediate(kEdi, c.data_address());
  const uint32_t count = random.percent(90)   ? random.below(40)
                         : random.percent(80) ? random.below(5000)
                                              : random.word();
  c.move_immediate(kEcx, count);
  if (random.percent(30)) c.bytes({0xFD});  // STD
  if (random.percent(40)) c.move_immediate(kEax, 0);
  std::array<uint8_t, 4> code;
  unsigned length = 0;
  if (random.percent(25)) code[length++] = 0x66;
  if (random.percent(3)) code[length++] = 0x67;
  if (random.percent(8)) code[length++] = random.pick<uint8_t>({0x26, 0x2E, 0x36, 0x64, 0x65});
  if (length < 3 && random.percent(75)) code[length++] = random.pick<uint8_t>({0xF2, 0xF3, 0xF3});
  code[length++] = random.pick<uint8_t>({0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF});
  c.raw({code.data(), length});
  c.forget(1 << kEcx | 1 << kEsi | 1 << kEdi);
  if (random.percent(80)) c.bytes({0xFC});  // CLD
}

// BT, BTS, BTR, BTC with a bit offset in a register reach +-256 MiB past their operand.
void make_bit_string(Composer& c, uint32_t) {
  Random& random = c.random;
  const bool narrow = random.percent(25);
  const unsigned base = c.free_register();
  unsigned offset = c.free_register();
  while (offset == base) offset = c.free_register();
  const uint32_t bit = random.percent(50) ? random.word() : c.interesting();
  const int32_t reach = narrow ? static_cast<int16_t>(bit) >> 4 << 1 : static_cast<int32_t>(bit) >> 5 << 2;
  c.move_immediate(base, c.data_address() - static_cast<uint32_t>(reach));
  c.move_immediate(offset, bit);
  const uint8_t opcode = random.pick<uint8_t>({0xA3, 0xAB, 0xB3, 0xBB});
  if (narrow) c.unit.bytes.push_back(0x66);
  c.raw({0x0F, opcode, static_cast<uint8_t>(0x80 | offset << 3 | base), 0, 0, 0, 0});
}

void make_shift_by_cl(Composer& c, uint32_t) {
  c.bytes({0xB1, c.random.percent(70) ? static_cast<uint8_t>(c.random.below(34))
                                      : c.random.byte()});  // mov cl, imm8
  c.forget(1 << kEcx);
  const unsigned group = c.random.below(10);
  if (group < 4) {
    c.from_template(
        Template(c.random.pick({"D2 /0", "D2 /1", "D2 /2", "D2 /3", "D2 /4", "D2 /5", "D2 /6", "D2 /7"})));
  } else if (group < 8) {
    c.from_template(Template(c.random.pick({"D3 size /0", "D3 size /1", "D3 size /2", "D3 size /3",
                                            "D3 size /4", "D3 size /5", "D3 size /6", "D3 size /7"})));
  } else {
    c.from_template(Template(c.random.pick({"0F A5 /r", "0F AD /r"})));
  }
}

// Operands of DIV and IDIV such that some quotients fit.
void make_divide(Composer& c, uint32_t) {
  Random& random = c.random;
  if (random.percent(80)) c.move_immediate(kEdx, random.percent(60) ? random.below(3) : 0u - random.below(3));
  if (random.percent(60)) c.move_immediate(kEax, random.percent(50) ? c.interesting() : random.below(0x4000));
  if (random.percent(60)) c.move_immediate(kEbx, c.interesting());
  if (random.percent(10)) c.move_immediate(kEcx, 0);
  const char* forms[] = {"F6 /6", "F6 /7", "F7 size /6", "F7 size /7"};
  c.from_template(Template(forms[random.below(4)]));
}

void make_xlat(Composer& c, uint32_t) {
  c.move_immediate(kEbx, c.data_address() - c.random.below(256));
  if (c.random.percent(10)) c.bytes({0x26});
  c.raw({0xD7});
}

void make_compare_exchange_8(Composer& c, uint32_t) {
  const uint32_t address = c.data_address() & ~7u;
  if (c.random.percent(50)) {  // EDX:EAX from there, so that it succeeds
    c.bytes({0xA1});
    c.dword(address);
    c.bytes({0x8B, 0x15});
    c.dword(address + 4);
    c.forget(1 << kEax | 1 << kEdx);
  }
  c.from_template("0F C7 /1:m lock", address);
}

void make_masked_move(Composer& c, uint32_t) {
  // Whether bytes that are masked out can fault is up to the processor: to where none does.
  c.move_immediate(kEdi, kPages[kData0].address + c.random.below(2 * kPageBytes - 16));
  const uint8_t registers = 0xC0 | (c.random.byte() & 0x3F);
  if (c.random.percent(50))
    c.bytes({0x66, 0x0F, 0xF7, registers});
  else
    c.bytes({0x0F, 0xF7, registers});
}

// Bit 17 is left out: on processors with a misaligned SSE mode it is not reserved.
void make_load_mxcsr(Composer& c, uint32_t) {
  Random& random = c.random;
  constexpr uint32_t kMisalignedMode = 1u << 17, kDefined = 0xFFFF;
  uint32_t value =
      random.percent(80) ? (random.word() & kDefined) | 0x1F80 : random.word() & ~kMisalignedMode;
  if (random.percent(50)) value = 0x1F80;
  const uint32_t address = c.data_address();
  c.bytes({0xC7, 0x05});
  c.dword(address);
  c.dword(value);
  c.bytes({0x0F, 0xAE, 0x15});
  c.dword(address);
}

void make_sha_of_memory(Composer& c, uint32_t) {
  const uint8_t opcode = static_cast<uint8_t>(0xC8 + c.random.below(6));
  c.bytes({0x0F, 0x38, opcode, static_cast<uint8_t>(c.random.below(8) << 3 | 5)});
  c.dword(c.data_address() & ~15u);
}

void make_bound(Composer& c, uint32_t) {
  const uint32_t address = c.data_address() & ~7u;
  c.bytes({0xC7, 0x05});  // mov dword [address], imm32: the lower bound; the upper one is what lies there
  c.dword(address);
  c.dword(c.random.percent(50) ? 0x80000000 : c.interesting());
  c.from_template("62 size /r:m", address);
}

}  // namespace ringdown::differential

#include "interpreter/lock.h"

namespace ringdown {
namespace {

bool one_byte_may_be_locked(const Instruction& i) {
  constexpr unsigned kCmp = 7;
  if (i.opcode < 0x40) return (i.opcode & 7) < 2 && i.opcode >> 3 != kCmp;  // ADD … XOR r/m, r
  switch (i.opcode) {
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x83:
      return i.reg != kCmp;
    case 0x86:
    case 0x87:
      return true;  // XCHG
    case 0xF6:
    case 0xF7:
      return i.reg == 2 || i.reg == 3;  // NOT NEG
    case 0xFE:
    case 0xFF:
      return i.reg < 2;  // INC DEC
  }
  return false;
}

bool two_byte_may_be_locked(const Instruction& i) {
  switch (i.opcode) {
    case 0xAB:
    case 0xB3:
    case 0xBB:
      return true;  // BTS BTR BTC
    case 0xBA:
      return i.reg >= 5;  // the same with an immediate
    case 0xB0:
    case 0xB1:
      return true;  // CMPXCHG
    case 0xC0:
    case 0xC1:
      return true;  // XADD
    case 0xC7:
      return i.reg == 1;  // CMPXCHG8B
  }
  return false;
}

}  // namespace

bool may_be_locked(const Instruction& i) {
  if (!i.memory_operand()) return false;
  if (i.map == OpcodeMap::kOneByte) return one_byte_may_be_locked(i);
  return i.map == OpcodeMap::k0F && two_byte_may_be_locked(i);
}

}  // namespace ringdown

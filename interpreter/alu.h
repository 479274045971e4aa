#pragma once
#include <bit>
#include <cstdint>

#include "interpreter/interpreter.h"

// Integer arithmetic with the status flags it leaves (SDM vol. 1, 3.4.3.1 and vol. 2). T is uint8_t, uint16_t
// or uint32_t. Where the manuals leave a flag undefined, these do what an AMD Zen 4 does.
namespace ringdown {

// Calls f with a value-initialised operand of the type that the instruction works on: a byte if bit 0 of the
// opcode is clear, else a word or doubleword.
template <class F>
void with_operand_type(const Instruction& i, F&& f) {
  if (!(i.opcode & 1)) return f(uint8_t{});
  i.operand_size == 2 ? f(uint16_t{}) : f(uint32_t{});
}
// The same for an opcode that has no byte form.
template <class F>
void with_word_type(const Instruction& i, F&& f) {
  i.operand_size == 2 ? f(uint16_t{}) : f(uint32_t{});
}

inline void set_flag(CpuState& state, uint32_t flag, bool value) {
  state.flags = value ? state.flags | flag : state.flags & ~flag;
}
// Replaces the flags of `mask` only.
inline void set_flags(CpuState& state, uint32_t flags, uint32_t mask = eflags::kStatus) {
  state.flags = (state.flags & ~mask) | (flags & mask);
}

namespace alu {

template <class T>
constexpr unsigned kBits = sizeof(T) * 8;

template <class T>
bool sign(T value) {
  return value >> (kBits<T> - 1) & 1;
}

template <class T>
struct Result {
  T value;
  uint32_t flags;  // all of eflags::kStatus
};

// SF, ZF and PF of a result.
template <class T>
uint32_t result_flags(T value) {
  const bool even_parity = std::popcount(static_cast<uint8_t>(value)) % 2 == 0;
  return (sign(value) ? eflags::kSf : 0) | (value == 0 ? eflags::kZf : 0) | (even_parity ? eflags::kPf : 0);
}

template <class T>
Result<T> logic(T value) {
  return {value, result_flags(value)};
}

template <class T>
Result<T> add(T a, T b, bool carry = false) {
  const uint64_t wide = uint64_t{a} + b + carry;
  const T value = static_cast<T>(wide);
  uint32_t flags = result_flags(value);
  if (wide >> kBits<T>) flags |= eflags::kCf;
  if ((a ^ b ^ value) & 0x10) flags |= eflags::kAf;
  if (sign<T>((a ^ value) & (b ^ value))) flags |= eflags::kOf;
  return {value, flags};
}

template <class T>
Result<T> subtract(T a, T b, bool borrow = false) {
  const T value = static_cast<T>(a - b - borrow);
  uint32_t flags = result_flags(value);
  if (uint64_t{a} < uint64_t{b} + borrow) flags |= eflags::kCf;
  if ((a ^ b ^ value) & 0x10) flags |= eflags::kAf;
  if (sign<T>((a ^ b) & (a ^ value))) flags |= eflags::kOf;
  return {value, flags};
}

}  // namespace alu

// The condition of Jcc, SETcc and CMOVcc: the low four bits of the opcode (SDM vol. 2, B.1.4.7).
inline bool condition(const CpuState& state, unsigned code) {
  using namespace eflags;
  const auto flag = [&](uint32_t f) { return (state.flags & f) != 0; };
  bool result = false;
  switch (code >> 1 & 7) {
    case 0:
      result = flag(kOf);
      break;
    case 1:
      result = flag(kCf);
      break;
    case 2:
      result = flag(kZf);
      break;
    case 3:
      result = flag(kCf | kZf);
      break;
    case 4:
      result = flag(kSf);
      break;
    case 5:
      result = flag(kPf);
      break;
    case 6:
      result = flag(kSf) != flag(kOf);
      break;
    case 7:
      result = flag(kZf) || flag(kSf) != flag(kOf);
      break;
  }
  return result != (code & 1);
}

}  // namespace ringdown

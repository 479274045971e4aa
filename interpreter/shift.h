#pragma once
#include "interpreter/alu.h"

// Shifts and rotates (SDM vol. 2: SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD) of a count that is already
// masked to five bits and not 0.
namespace ringdown::alu {

constexpr uint32_t kRotateFlags = eflags::kCf | eflags::kOf;

inline uint32_t carry_overflow(bool carry, bool overflow) {
  return (carry ? eflags::kCf : 0) | (overflow ? eflags::kOf : 0);
}

// Shifts leave AF undefined: it is set.
template <class T>
uint32_t shift_flags(T result) {
  return result_flags(result) | eflags::kAf;
}

template <class T>
Result<T> rotate_left(T value, unsigned count) {
  const T result = std::rotl(value, count % kBits<T>);
  return {result, carry_overflow(result & 1, sign(result) != (result & 1))};
}

template <class T>
Result<T> rotate_right(T value, unsigned count) {
  const T result = std::rotr(value, count % kBits<T>);
  return {result, carry_overflow(sign(result), sign(result) != sign<T>(result << 1))};
}

// Through carry: one bit at a time, as plain as can be.
template <class T>
Result<T> rotate_left_through_carry(T value, unsigned count, bool carry) {
  for (unsigned n = 0; n < count; n++) {
    const bool out = sign(value);
    value = static_cast<T>(value << 1 | carry);
    carry = out;
  }
  return {value, carry_overflow(carry, sign(value) != carry)};
}

template <class T>
Result<T> rotate_right_through_carry(T value, unsigned count, bool carry) {
  for (unsigned n = 0; n < count; n++) {
    const bool out = value & 1;
    value = static_cast<T>(value >> 1 | T{carry} << (kBits<T> - 1));
    carry = out;
  }
  return {value, carry_overflow(carry, sign(value) != sign<T>(value << 1))};
}

template <class T>
Result<T> shift_left(T value, unsigned count) {
  const uint64_t wide = uint64_t{value} << count;
  const T result = static_cast<T>(wide);
  const bool carry = wide >> kBits<T> & 1;
  return {result, shift_flags(result) | carry_overflow(carry, sign(result) != carry)};
}

template <class T>
Result<T> shift_right(T value, unsigned count) {
  const T result = static_cast<T>(uint64_t{value} >> count);
  const bool carry = uint64_t{value} >> (count - 1) & 1;
  return {result, shift_flags(result) | carry_overflow(carry, sign(result) != sign<T>(result << 1))};
}

template <class T>
Result<T> shift_arithmetic_right(T value, unsigned count) {
  const int64_t extended = static_cast<int64_t>(uint64_t{value} << (64 - kBits<T>)) >> (64 - kBits<T>);
  const T result = static_cast<T>(extended >> count);
  return {result, shift_flags(result) | carry_overflow(extended >> (count - 1) & 1, false)};
}

// SHLD: the bits that enter come from `filler`, and from it again for a count beyond 16, which is undefined
// for a word and then also leaves CF clear.
template <class T>
Result<T> double_shift_left(T value, T filler, unsigned count) {
  bool out = false;
  for (unsigned n = 0; n < count; n++) {
    out = sign(value);
    const bool in = filler >> (kBits<T> - 1 - n % kBits<T>)&1;
    value = static_cast<T>(value << 1 | in);
  }
  return {value, shift_flags(value) | carry_overflow(out && count <= kBits<T>, sign(value) != out)};
}

template <class T>
Result<T> double_shift_right(T value, T filler, unsigned count) {
  bool out = false;
  for (unsigned n = 0; n < count; n++) {
    out = value & 1;
    const bool in = filler >> (n % kBits<T>)&1;
    value = static_cast<T>(value >> 1 | T{in} << (kBits<T> - 1));
  }
  const bool sign_changed = sign(value) != sign<T>(value << 1);
  return {value, shift_flags(value) | carry_overflow(out && count <= kBits<T>, sign_changed)};
}

}  // namespace ringdown::alu

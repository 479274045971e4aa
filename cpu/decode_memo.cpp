#include "cpu/decode_memo.h"

#include <bit>
#include <cstring>

namespace ringdown {
namespace {

// More than any instruction has, in two words.
constexpr unsigned kWindow = 16;

uint64_t first_bytes(uint64_t word, unsigned bytes) {
  return bytes >= 8 ? word : word & ((1ull << 8 * bytes) - 1);
}

uint64_t word_at(const uint8_t* code) {
  uint64_t word;
  std::memcpy(&word, code, sizeof word);
  return word;
}

uint32_t zero_extended(const uint8_t* at, unsigned bytes) {
  uint32_t value = 0;
  std::memcpy(&value, at, bytes);
  return value;
}

int32_t sign_extended(const uint8_t* at, unsigned bytes) {
  const unsigned unused = 32 - 8 * bytes;
  return static_cast<int32_t>(zero_extended(at, bytes) << unused) >> unused;
}

// Immediates are an instruction's last bytes, a displacement those in front of them.
unsigned immediates_at(const Instruction& i) {
  return i.immediate[0].size ? i.immediate[0].offset : i.length;
}
unsigned displacement_at(const Instruction& i) { return immediates_at(i) - i.displacement_size; }

void take_bytes(Instruction& i, const uint8_t* code) {
  const uint64_t low = first_bytes(word_at(code), i.length);
  const uint64_t high = i.length > 8 ? first_bytes(word_at(code + 8), i.length - 8) : 0;
  std::memcpy(i.bytes.data(), &low, sizeof low);
  std::memcpy(i.bytes.data() + sizeof low, &high, i.bytes.size() - sizeof low);
}

void take_displacement(Instruction& i) {
  if (i.displacement_size) i.displacement = sign_extended(&i.bytes[displacement_at(i)], i.displacement_size);
}

void take_immediates(Instruction& i) {
  for (Instruction::Immediate& immediate : i.immediate) {
    if (!immediate.size) return;
    const uint8_t* const at = &i.bytes[immediate.offset];
    immediate.value = immediate.extends_sign ? static_cast<uint32_t>(sign_extended(at, immediate.size))
                                             : zero_extended(at, immediate.size);
  }
}

}  // namespace

DecodeStatus DecodeMemo::decode(std::span<const uint8_t> code, bool big, Instruction& out) {
  if (code.size() < kWindow) return ringdown::decode(code, big, out);
  const uint64_t word = word_at(code.data());
  for (unsigned lengths = lengths_[big][code[0]]; lengths != 0; lengths &= lengths - 1) {
    const unsigned bytes = static_cast<unsigned>(std::countr_zero(lengths)) + 1;
    const uint64_t wanted = first_bytes(word, bytes);
    const Shape& shape = at(wanted, bytes, big);
    if (shape.bytes != bytes || shape.big != big) continue;
    if (first_bytes(word_at(shape.instruction.bytes.data()), bytes) != wanted) continue;
    out = shape.instruction;
    take_bytes(out, code.data());
    take_displacement(out);
    take_immediates(out);
    return DecodeStatus::kOk;
  }
  const DecodeStatus status = ringdown::decode(code, big, out);
  if (status == DecodeStatus::kOk) remember(out, big);
  return status;
}

// 3DNow!'s opcode is behind the displacement, and vector encodings have fields of their own.
void DecodeMemo::remember(const Instruction& i, bool big) {
  const unsigned bytes = displacement_at(i);
  if (bytes > kLongestShape || i.map == OpcodeMap::kVector || i.map == OpcodeMap::k3dNow) return;
  at(first_bytes(word_at(i.bytes.data()), bytes), bytes, big) = {i, static_cast<uint8_t>(bytes), big};
  lengths_[big][i.bytes[0]] |= static_cast<uint8_t>(1u << (bytes - 1));
}

DecodeMemo::Shape& DecodeMemo::at(uint64_t shape, unsigned bytes, bool big) {
  constexpr uint64_t kFibonacci = 0x9E3779B97F4A7C15;
  const uint64_t hash = (shape ^ uint64_t{bytes} << 60 ^ uint64_t{big} << 59) * kFibonacci;
  return shapes_[hash >> (64 - std::countr_zero(kShapes))];
}

}  // namespace ringdown

#include "native/instruction_search.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <bitset>

#include "cpu/instruction.h"

namespace ringdown {
namespace {

// How far before the bytes decodings begin, and at how many places.
constexpr uint32_t kLead = 64, kBeginnings = 16;

// By distance from the first place: where decodings have been that did not come to the bytes.
using Tried = std::bitset<kLead>;

bool decoding_reaches(std::span<const uint8_t> page, uint32_t first, uint32_t begin, uint32_t offset,
                      Tried& tried) {
  while (begin < offset) {
    if (tried[begin - first]) return false;
    tried[begin - first] = true;
    Instruction i;
    const bool decoded = decode(page.subspan(begin), true, i) == DecodeStatus::kOk;
    begin += decoded ? i.length : 1;
  }
  return begin == offset;
}

bool begins_instruction(std::span<const uint8_t> page, uint32_t offset) {
  const uint32_t first = offset - std::min(offset, kLead);
  const uint32_t last = std::min(first + kBeginnings, offset + 1);
  Tried tried;
  for (uint32_t begin = first; begin < last; begin++) {
    if (decoding_reaches(page, first, begin, offset, tried)) return true;
  }
  return false;
}

__m128i load(const uint8_t* bytes) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)); }

// A mask of 16 places: which have the first byte, and the second one next to it.
unsigned places_of(const TwoBytes& wanted, __m128i bytes, __m128i next) {
  const __m128i first = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(static_cast<char>(wanted[0])));
  const __m128i second = _mm_cmpeq_epi8(next, _mm_set1_epi8(static_cast<char>(wanted[1])));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_and_si128(first, second)));
}

// Calls `found` with each offset but the last where one of them is, in order.
template <class F>
void for_each_place(std::span<const uint8_t> page, std::span<const TwoBytes> wanted, F found) {
  constexpr size_t kStep = sizeof(__m128i);
  const size_t last = page.size() - 1;
  for (size_t at = 0; at < last; at += kStep) {
    const size_t from = std::min(at, last - kStep);
    unsigned mask = 0;
    for (const TwoBytes& two : wanted)
      mask |= places_of(two, load(page.data() + from), load(page.data() + from + 1));
    for (mask &= ~0u << (at - from); mask; mask &= mask - 1)
      found(static_cast<uint32_t>(from) + static_cast<uint32_t>(std::countr_zero(mask)));
  }
}

}  // namespace

std::vector<TwoByteInstruction> find_two_byte_instructions(std::span<const uint8_t> page,
                                                           std::optional<uint8_t> behind,
                                                           std::span<const TwoBytes> wanted) {
  std::vector<TwoByteInstruction> instructions;
  const auto add = [&](uint32_t offset, uint8_t second) {
    if (begins_instruction(page, offset)) instructions.push_back({offset, {page[offset], second}});
  };
  for_each_place(page, wanted, [&](uint32_t offset) { add(offset, page[offset + 1]); });
  const auto last = static_cast<uint32_t>(page.size() - 1);
  const auto is_at_end = [&](const TwoBytes& two) { return two == TwoBytes{page[last], *behind}; };
  if (behind && std::ranges::any_of(wanted, is_at_end)) add(last, *behind);
  return instructions;
}

}  // namespace ringdown

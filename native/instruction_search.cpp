#include "native/instruction_search.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <bitset>

#include "cpu/instruction.h"

namespace ringdown {
namespace {

constexpr uint8_t kTwoByteEscape = 0x0F, kIntN = 0xCD;
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

// Calls `found` with the offset of every byte that one can begin with.
template <class F>
void for_each_first_byte(std::span<const uint8_t> page, F found) {
  const __m128i escape = _mm_set1_epi8(kTwoByteEscape), int_n = _mm_set1_epi8(static_cast<char>(kIntN));
  for (size_t at = 0; at < page.size(); at += sizeof(__m128i)) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(page.data() + at));
    const __m128i first = _mm_or_si128(_mm_cmpeq_epi8(bytes, escape), _mm_cmpeq_epi8(bytes, int_n));
    for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(first)); mask; mask &= mask - 1)
      found(static_cast<uint32_t>(at) + static_cast<uint32_t>(std::countr_zero(mask)));
  }
}

}  // namespace

std::vector<TwoByteInstruction> find_two_byte_instructions(std::span<const uint8_t> page,
                                                           std::optional<uint8_t> behind,
                                                           std::span<const TwoBytes> wanted) {
  std::vector<TwoByteInstruction> instructions;
  for_each_first_byte(page, [&](uint32_t offset) {
    const auto second = offset + 1 == page.size() ? behind : page[offset + 1];
    if (!second) return;
    const TwoBytes bytes = {page[offset], *second};
    if (std::ranges::find(wanted, bytes) != wanted.end() && begins_instruction(page, offset))
      instructions.push_back({.offset = offset, .bytes = bytes});
  });
  return instructions;
}

}  // namespace ringdown

#include "native/instruction_search.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>

#include "cpu/instruction.h"

namespace ringdown {
namespace {

constexpr uint8_t kTwoByteEscape = 0x0F;
// How far before the bytes decodings begin, and at how many places.
constexpr uint32_t kLead = 64, kBeginnings = 16;

bool decoding_reaches(std::span<const uint8_t> page, uint32_t begin, uint32_t offset) {
  while (begin < offset) {
    Instruction i;
    const bool decoded = decode(page.subspan(begin), true, i) == DecodeStatus::kOk;
    begin += decoded ? i.length : 1;
  }
  return begin == offset;
}

bool begins_instruction(std::span<const uint8_t> page, uint32_t offset) {
  const uint32_t first = offset - std::min(offset, kLead);
  const uint32_t last = std::min(first + kBeginnings, offset + 1);
  for (uint32_t begin = first; begin < last; begin++) {
    if (decoding_reaches(page, begin, offset)) return true;
  }
  return false;
}

// Calls `found` with the offset of every 0Fh that `opcode` follows.
template <class F>
void for_each_pair(std::span<const uint8_t> page, std::optional<uint8_t> behind, uint8_t opcode, F found) {
  const __m128i first = _mm_set1_epi8(kTwoByteEscape), second = _mm_set1_epi8(static_cast<char>(opcode));
  const auto load = [&](size_t at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(page.data() + at));
  };
  size_t at = 0;
  for (; at + sizeof(__m128i) < page.size(); at += sizeof(__m128i)) {
    const __m128i both = _mm_and_si128(_mm_cmpeq_epi8(load(at), first), _mm_cmpeq_epi8(load(at + 1), second));
    for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(both)); mask; mask &= mask - 1)
      found(static_cast<uint32_t>(at) + static_cast<uint32_t>(std::countr_zero(mask)));
  }
  for (; at < page.size(); at++) {
    if (page[at] == kTwoByteEscape && (at + 1 == page.size() ? behind : page[at + 1]) == opcode)
      found(static_cast<uint32_t>(at));
  }
}

}  // namespace

std::vector<uint32_t> find_two_byte_instruction(std::span<const uint8_t> page, std::optional<uint8_t> behind,
                                                uint8_t opcode) {
  std::vector<uint32_t> offsets;
  for_each_pair(page, behind, opcode, [&](uint32_t offset) {
    if (begins_instruction(page, offset)) offsets.push_back(offset);
  });
  return offsets;
}

}  // namespace ringdown

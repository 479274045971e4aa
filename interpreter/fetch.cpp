#include "interpreter/fetch.h"

#include <algorithm>
#include <cstring>

#include "cpu/fault.h"

namespace ringdown {
namespace {

constexpr unsigned kLongest = 15;  // SDM vol. 2, 2.3.11
using Bytes = std::array<uint8_t, kLongest>;

bool is_legacy_prefix(uint8_t byte) {
  switch (byte) {
    case 0x26:
    case 0x2E:
    case 0x36:
    case 0x3E:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xF0:
    case 0xF2:
    case 0xF3:
      return true;
  }
  return false;
}

bool decides_length(uint8_t prefix) {
  return prefix == 0x66 || prefix == 0x67 || prefix == 0xF2 || prefix == 0xF3;
}

// The decoder rejects unknown instructions and too long ones alike, yet the first are #UD and the second #GP.
// Too long means: without its redundant prefixes it would decode, and its true length is beyond 15.
bool too_long(const Bytes& bytes, bool big) {
  Bytes shorter{};
  unsigned kept = 0, prefixes = 0;
  for (; prefixes < kLongest && is_legacy_prefix(bytes[prefixes]); prefixes++) {
    const bool seen =
        std::find(shorter.begin(), shorter.begin() + kept, bytes[prefixes]) != shorter.begin() + kept;
    if (decides_length(bytes[prefixes]) && !seen) shorter[kept++] = bytes[prefixes];
  }
  if (prefixes == kLongest) return true;
  std::copy(bytes.begin() + prefixes, bytes.end(), shorter.begin() + kept);
  Instruction i;
  return decode(shorter, big, i) == DecodeStatus::kOk && i.length - kept + prefixes > kLongest;
}

struct CodeRange {
  uint32_t linear;
  unsigned allowed;  // bytes from there that CS.limit lets through, at most 15
  bool user, big;
};

void decode_at(const CodeRange& range, Bytes& bytes, unsigned available, Mmu& mmu, Instruction& out) {
  DecodeStatus status = decode({bytes.data(), available}, range.big, out);
  if (status == DecodeStatus::kTruncated && available < range.allowed) {
    // The rest is on the next page, which is touched only now: a fault there is this instruction's.
    available +=
        mmu.fetch(range.linear + available, bytes.data() + available, range.allowed - available, range.user);
    status = decode({bytes.data(), available}, range.big, out);
  }
  if (status == DecodeStatus::kOk) return;
  if (status == DecodeStatus::kTruncated || (available == kLongest && too_long(bytes, range.big)))
    raise_general_protection();
  raise(Vector::kInvalidOpcode);
}

}  // namespace

const Instruction& InstructionFetcher::fetch(const CpuState& state, Mmu& mmu) {
  const Segment& cs = state.segment[kCs];
  if (state.eip > cs.limit) raise_general_protection();
  const CodeRange range = {.linear = cs.base + state.eip,
                           .allowed = std::min(cs.limit - state.eip, kLongest - 1) + 1,
                           .user = state.cpl == 3,
                           .big = cs.big()};
  Bytes bytes{};
  const unsigned in_page = std::min(range.allowed, kPageSize - (range.linear & kPageMask));
  const unsigned available = mmu.fetch(range.linear, bytes.data(), in_page, range.user);

  Entry& entry = cache_[(range.linear ^ range.linear >> 12) % kEntries];
  const Instruction& known = entry.instruction;
  if (known.length != 0 && entry.linear == range.linear && entry.big == range.big &&
      known.length <= available && std::memcmp(known.bytes.data(), bytes.data(), known.length) == 0)
    return known;
  entry.instruction.length = 0;
  Instruction decoded;
  decode_at(range, bytes, available, mmu, decoded);
  entry = {range.linear, range.big, decoded};
  return entry.instruction;
}

}  // namespace ringdown

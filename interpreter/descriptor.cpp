#include "interpreter/descriptor.h"

namespace ringdown {
namespace {

constexpr unsigned kTypeByte = 5;  // of a descriptor: P, DPL, S and the type
constexpr uint64_t kAccessedBit = 1ull << 40;
constexpr uint8_t kBusyBit = 2;

}  // namespace

std::optional<Descriptor> find_descriptor(Interpreter& it, uint16_t selector) {
  if (null_selector(selector)) return std::nullopt;
  const auto address = descriptor_address(it.state, selector);
  if (!address) return std::nullopt;
  return Descriptor{it.mmu.read<uint64_t>(*address, false)};
}

Descriptor require_descriptor(Interpreter& it, uint16_t selector, Vector vector, uint32_t ext) {
  const auto d = find_descriptor(it, selector);
  if (!d) raise(vector, selector_error(selector, ext) & (null_selector(selector) ? 1 : 0xFFFF));
  return *d;
}

void mark_accessed(Interpreter& it, uint16_t selector, Descriptor& d) {
  if (d.raw & kAccessedBit) return;
  d.raw |= kAccessedBit;
  it.mmu.write<uint8_t>(*descriptor_address(it.state, selector) + kTypeByte, d.high() >> 8 & 0xFF, false);
}

void set_busy(Interpreter& it, uint16_t selector, bool busy) {
  const uint32_t address = *descriptor_address(it.state, selector) + kTypeByte;
  const uint8_t value = it.mmu.read<uint8_t>(address, false);
  it.mmu.write<uint8_t>(address, busy ? value | kBusyBit : value & ~kBusyBit, false);
}

}  // namespace ringdown

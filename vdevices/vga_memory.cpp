#include "vdevices/vga_memory.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace ringdown {
namespace {

using namespace vga;

constexpr uint8_t kAllPlanes = 0x0F;
constexpr uint32_t kTextCells = VgaMemory::kTextBytes / 2;

// All bits of the planes whose bit is set.
constexpr uint32_t spread(uint8_t planes) {
  uint32_t all = 0;
  for (unsigned plane = 0; plane < 4; plane++) all |= (planes >> plane & 1u) * (0xFFu << 8 * plane);
  return all;
}

constexpr uint32_t in_each_plane(uint8_t value) { return value * 0x01010101u; }

}  // namespace

VgaMemory::VgaMemory(const VgaRegisters& registers, const VgaDispi& dispi, std::span<uint8_t> storage)
    : registers_(registers), dispi_(dispi), storage_(storage), written_(kStorageBytes / kPageBytes) {}

// The part of the window that is decoded.
VgaMemory::Range VgaMemory::range() const {
  static constexpr Range kRanges[] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
  return kRanges[registers_.graphics(graphics::kMiscellaneous) >> 2 & 3];
}

// What the processor writes is what comes to the planes that the map mask has.
bool VgaMemory::writes_plainly() const {
  const auto r = [this](uint8_t index) { return registers_.graphics(index); };
  return r(graphics::kEnableSetReset) == 0 && r(graphics::kRotate) == 0 && r(graphics::kBitMask) == 0xFF &&
         (r(graphics::kMode) & 0x03) == 0;
}

std::optional<VgaMemory::Linear> VgaMemory::linear() const {
  const auto [first, bytes] = range();
  const uint32_t bank = packed(0);
  const Linear in_order{first, std::min(bytes, kBytes - bank), bank, false};
  if (dispi_.has_packed_pixels()) return in_order;
  const uint8_t mode = registers_.graphics(graphics::kMode),
                memory = registers_.sequencer(sequencer::kMemoryMode);
  const uint8_t map_mask = registers_.sequencer(sequencer::kMapMask);
  if (!(registers_.misc() & VgaRegisters::kEnableRam) || !writes_plainly() || mode & graphics::kReadMode1)
    return std::nullopt;
  if (memory & sequencer::kChain4) {
    return map_mask == kAllPlanes ? std::optional(in_order) : std::nullopt;
  }
  const bool odd_even = !(memory & sequencer::kNotOddEven) && mode & graphics::kOddEven;
  if (!odd_even || map_mask != 0x03 || bytes != kTextBytes || registers_.graphics(graphics::kReadMap) & 2)
    return std::nullopt;
  return Linear{first, kTextBytes, kBytes, true};
}

void VgaMemory::set_text_is_linear(bool linear) {
  if (linear == text_is_linear_) return;
  text_is_linear_ = linear;
  uint8_t* const text = storage_.data() + kBytes;
  for (uint32_t cell = 0; cell < kTextCells; cell++) {
    uint8_t* const in_planes = storage_.data() + 4 * size_t{cell};
    std::memcpy(linear ? text + 2 * cell : in_planes, linear ? in_planes : text + 2 * cell, 2);
  }
}

uint32_t VgaMemory::planes(uint32_t address) const {
  uint32_t value;
  std::memcpy(&value, storage_.data() + 4 * size_t{address}, sizeof value);
  if (text_is_linear_ && address < kTextCells) {
    uint16_t text;
    std::memcpy(&text, storage_.data() + kBytes + 2 * address, sizeof text);
    value = (value & 0xFFFF0000) | text;
  }
  return value;
}

void VgaMemory::set_planes(uint32_t address, uint32_t value, uint32_t mask) {
  value = (planes(address) & ~mask) | (value & mask);
  std::memcpy(storage_.data() + 4 * size_t{address}, &value, sizeof value);
  written_[4 * address / kPageBytes] = 1;
  if (text_is_linear_ && address < kTextCells) {
    std::memcpy(storage_.data() + kBytes + 2 * address, &value, 2);
    written_[(kBytes + 2 * address) / kPageBytes] = 1;
  }
}

void VgaMemory::write_plain(uint32_t at, uint8_t value) {
  storage_[at] = value;
  written_[at / kPageBytes] = 1;
}

void VgaMemory::clear(uint32_t first, uint32_t count) {
  first = std::min(first, kBytes);
  count = std::min(count, kBytes - first);
  if (count == 0) return;
  std::memset(storage_.data() + first, 0, count);
  std::fill(written_.begin() + first / kPageBytes, written_.begin() + (first + count - 1) / kPageBytes + 1,
            1);
}

VgaMemory::Place VgaMemory::place_of_read(uint32_t offset) const {
  const uint8_t map = registers_.graphics(graphics::kReadMap);
  const uint32_t bank = packed(0);
  if (registers_.sequencer(sequencer::kMemoryMode) & sequencer::kChain4)
    return {(bank + offset) % kBytes / 4, static_cast<uint8_t>(offset & 3), 0};
  if (registers_.graphics(graphics::kMode) & graphics::kOddEven)
    return {(bank + offset) / 2 % (kBytes / 4), static_cast<uint8_t>((map & 2) | (offset & 1)), 0};
  return {(bank + offset) % (kBytes / 4), map, 0};
}

VgaMemory::Place VgaMemory::place_of_write(uint32_t offset) const {
  const uint8_t mask = registers_.sequencer(sequencer::kMapMask);
  const uint8_t mode = registers_.sequencer(sequencer::kMemoryMode);
  const uint32_t bank = packed(0);
  if (mode & sequencer::kChain4)
    return {(bank + offset) % kBytes / 4, 0, static_cast<uint8_t>(mask & 1 << (offset & 3))};
  if (!(mode & sequencer::kNotOddEven))
    return {(bank + offset) / 2 % (kBytes / 4), 0, static_cast<uint8_t>(mask & (offset & 1 ? 0x0A : 0x05))};
  return {(bank + offset) % (kBytes / 4), 0, mask};
}

// Read mode 1: a bit for each pixel whose planes, but for those that do not matter, have the wanted colour.
uint8_t VgaMemory::compare_colors() const {
  const uint32_t differs = (latches_ ^ spread(registers_.graphics(graphics::kColorCompare))) &
                           spread(registers_.graphics(graphics::kColorDontCare));
  return static_cast<uint8_t>(~(differs | differs >> 8 | differs >> 16 | differs >> 24));
}

uint8_t VgaMemory::read_byte(uint32_t offset) {
  const auto [first, bytes] = range();
  if (offset - first >= bytes) return 0xFF;
  offset -= first;
  if (dispi_.has_packed_pixels()) return storage_[packed(offset)];
  if (!(registers_.misc() & VgaRegisters::kEnableRam)) return 0xFF;
  const Place place = place_of_read(offset);
  latches_ = planes(place.address);
  if (registers_.graphics(graphics::kMode) & graphics::kReadMode1) return compare_colors();
  return static_cast<uint8_t>(latches_ >> 8 * place.plane);
}

// What the write modes make of a byte and the latches, for all four planes.
uint32_t VgaMemory::written_value(uint8_t value) const {
  const uint8_t mode = registers_.graphics(graphics::kMode) & 3;
  if (mode == 1) return latches_;
  const uint8_t rotate = registers_.graphics(graphics::kRotate);
  const uint8_t rotated = std::rotr(value, rotate & 7);
  const uint32_t set = spread(registers_.graphics(graphics::kSetReset));
  uint32_t bits = in_each_plane(registers_.graphics(graphics::kBitMask));
  uint32_t data;
  if (mode == 0) {
    const uint32_t from_set = spread(registers_.graphics(graphics::kEnableSetReset));
    data = (in_each_plane(rotated) & ~from_set) | (set & from_set);
  } else if (mode == 2) {
    data = spread(value & kAllPlanes);
  } else {
    data = set;
    bits &= in_each_plane(rotated);
  }
  switch (rotate >> 3 & 3) {
    case 1:
      data &= latches_;
      break;
    case 2:
      data |= latches_;
      break;
    case 3:
      data ^= latches_;
      break;
    default:
      break;
  }
  return (data & bits) | (latches_ & ~bits);
}

void VgaMemory::write_byte(uint32_t offset, uint8_t value) {
  const auto [first, bytes] = range();
  if (offset - first >= bytes) return;
  offset -= first;
  if (dispi_.has_packed_pixels()) return write_plain(packed(offset), value);
  if (!(registers_.misc() & VgaRegisters::kEnableRam)) return;
  const Place place = place_of_write(offset);
  if (place.map_mask) set_planes(place.address, written_value(value), spread(place.map_mask));
}

uint32_t VgaMemory::read_memory(uint32_t offset, unsigned size) {
  uint32_t value = 0;
  for (unsigned i = 0; i < size; i++) value |= uint32_t{read_byte(offset + i)} << 8 * i;
  return value;
}

void VgaMemory::write_memory(uint32_t offset, unsigned size, uint32_t value) {
  for (unsigned i = 0; i < size; i++) write_byte(offset + i, static_cast<uint8_t>(value >> 8 * i));
}

}  // namespace ringdown

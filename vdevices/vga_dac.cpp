#include "vdevices/vga_dac.h"

#include <utility>

namespace ringdown {
namespace {

constexpr unsigned kMask = 0, kReadIndexOrState = 1, kWriteIndex = 2;
constexpr uint8_t kReading = 3, kWriting = 0;

}  // namespace

uint8_t VgaDac::read(unsigned port) {
  switch (port) {
    case kMask:
      return mask_;
    case kReadIndexOrState:
      return state_;
    case kWriteIndex:
      return write_index_;
    default:
      return read_data();
  }
}

void VgaDac::write(unsigned port, uint8_t value) {
  switch (port) {
    case kMask:
      revision_ += mask_ != value;
      mask_ = value;
      return;
    case kReadIndexOrState:
      read_index_ = value;
      state_ = kReading;
      component_ = 0;
      return;
    case kWriteIndex:
      write_index_ = value;
      state_ = kWriting;
      component_ = 0;
      return;
    default:
      write_data(value);
  }
}

uint8_t VgaDac::read_data() {
  const uint8_t value = colors_[read_index_][component_] & (has_8_bits_ ? 0xFF : 0x3F);
  component_ = static_cast<uint8_t>((component_ + 1) % 3);
  if (component_ == 0) read_index_++;
  return value;
}

// A colour changes when it is complete.
void VgaDac::write_data(uint8_t value) {
  written_[component_] = value;
  component_ = static_cast<uint8_t>((component_ + 1) % 3);
  if (component_ != 0) return;
  revision_ += std::exchange(colors_[write_index_++], written_) != written_;
}

void VgaDac::set_8_bits(bool enabled) { revision_ += std::exchange(has_8_bits_, enabled) != enabled; }

uint32_t VgaDac::widen(uint8_t component) const {
  if (has_8_bits_) return component;
  const uint32_t bits = component & 0x3F;
  return bits << 2 | bits >> 4;
}

uint32_t VgaDac::color(uint8_t pixel) const {
  const Color& color = colors_[pixel & mask_];
  return widen(color[0]) << 16 | widen(color[1]) << 8 | widen(color[2]);
}

}  // namespace ringdown

#include "vdevices/vga_dispi.h"

#include <algorithm>
#include <utility>

#include "vdevices/screen.h"

namespace ringdown {
namespace {

enum Register : uint16_t {
  kId,
  kXres,
  kYres,
  kBpp,
  kEnable,
  kBank,
  kVirtualWidth,
  kVirtualHeight,
  kXOffset,
  kYOffset,
  kMemory
};

constexpr uint16_t kFirstId = 0xB0C0, kLastId = 0xB0C5;
constexpr uint16_t kEnableBits = 0xE3, kMostBits = 32;
constexpr uint32_t kWidthUnit = 8;

}  // namespace

uint32_t VgaDispi::depth() const {
  switch (bpp_) {
    case 4:
    case 15:
    case 16:
    case 24:
    case 32:
      return bpp_;
    default:
      return 8;
  }
}

uint32_t VgaDispi::virtual_width() const {
  const uint32_t width = std::clamp<uint32_t>(xres_ & ~(kWidthUnit - 1), kWidthUnit, Screen::kMaxWidth);
  return std::max<uint32_t>(width, virtual_width_ & ~(kWidthUnit - 1));
}

uint32_t VgaDispi::pitch() const {
  return depth() == 4 ? virtual_width() / 2 : virtual_width() * ((depth() + 7) / 8);
}

std::optional<VgaDispi::Mode> VgaDispi::mode() const {
  if (!is_enabled()) return std::nullopt;
  const uint32_t width = std::clamp<uint32_t>(xres_ & ~(kWidthUnit - 1), kWidthUnit, Screen::kMaxWidth);
  const uint32_t lines = memory_bytes_ / pitch();
  const uint32_t height = std::min(std::clamp<uint32_t>(yres_, 1, Screen::kMaxHeight), lines);
  const uint32_t x = std::min<uint32_t>(x_offset_, virtual_width() - width);
  const uint32_t y = std::min<uint32_t>(y_offset_, lines - height);
  const uint32_t left = depth() == 4 ? x / 8 * 4 : x * ((depth() + 7) / 8);
  return Mode{
      .width = width, .height = height, .depth = depth(), .pitch = pitch(), .start = y * pitch() + left};
}

uint16_t VgaDispi::read(uint16_t index) const {
  const bool capabilities = enable_ & kGetCapabilities;
  switch (index) {
    case kId:
      return id_;
    case kXres:
      return capabilities ? uint16_t{Screen::kMaxWidth} : xres_;
    case kYres:
      return capabilities ? uint16_t{Screen::kMaxHeight} : yres_;
    case kBpp:
      return capabilities ? kMostBits : bpp_;
    case kEnable:
      return enable_;
    case kBank:
      return bank_;
    case kVirtualWidth:
      return is_enabled() ? static_cast<uint16_t>(virtual_width()) : virtual_width_;
    case kVirtualHeight:
      return static_cast<uint16_t>(std::min(is_enabled() ? memory_bytes_ / pitch() : 0, 0xFFFFu));
    case kXOffset:
      return x_offset_;
    case kYOffset:
      return y_offset_;
    case kMemory:
      return static_cast<uint16_t>(memory_bytes_ / kBankBytes);
    default:
      return 0;
  }
}

bool VgaDispi::write(uint16_t index, uint16_t value) {
  switch (index) {
    case kId:
      if (value >= kFirstId && value <= kLastId) id_ = value;
      return false;
    case kXres:
      return change(xres_, value);
    case kYres:
      return change(yres_, value);
    case kBpp:
      return change(bpp_, value);
    case kEnable:
      return write_enable(value);
    case kBank:
      bank_ = static_cast<uint16_t>(value % (memory_bytes_ / kBankBytes));
      return false;
    case kVirtualWidth:
      return change(virtual_width_, value);
    case kXOffset:
      return change(x_offset_, value);
    case kYOffset:
      return change(y_offset_, value);
    default:
      return false;
  }
}

bool VgaDispi::change(uint16_t& part, uint16_t value) {
  revision_ += std::exchange(part, value) != value;
  return false;
}

// A mode begins at the start of its memory, with lines that are as long as the picture is wide.
bool VgaDispi::write_enable(uint16_t value) {
  const bool begins = (value & kEnabled) && !is_enabled();
  change(enable_, value & kEnableBits);
  if (!is_enabled()) bank_ = 0;
  if (begins) virtual_width_ = x_offset_ = y_offset_ = 0;
  return begins && !(value & kNoClear);
}

}  // namespace ringdown

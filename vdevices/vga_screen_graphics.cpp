// Graphics modes: the VGA's, from planes, and DISPI's.
#include <algorithm>
#include <cstring>

#include "vdevices/vga_screen.h"

namespace ringdown {
namespace {

using namespace vga;

constexpr unsigned kDots = 8;  // of a character clock

// What the graphics controller shifts out of four planes in a character clock: 8 pixels of a bit from each,
// or, as the CGA has it, 4 of two bits from planes 0 and 2 and then 4 from 1 and 3.
uint8_t pixel_of_planes(uint32_t planes, unsigned n) {
  const unsigned bit = 7 - n;
  return static_cast<uint8_t>((planes >> bit & 1) | (planes >> (8 + bit) & 1) << 1 |
                              (planes >> (16 + bit) & 1) << 2 | (planes >> (24 + bit) & 1) << 3);
}
uint8_t pixel_of_pairs(uint32_t planes, unsigned n) {
  const uint32_t pair = n < 4 ? planes : planes >> 8;
  const unsigned bit = 6 - 2 * (n & 3);
  return static_cast<uint8_t>((pair >> bit & 3) | (pair >> (16 + bit) & 3) << 2);
}

constexpr uint32_t widen(uint32_t value, unsigned bits) {
  const uint32_t high = value << (8 - bits);
  return high | high >> bits;
}
constexpr uint32_t color_of_555(uint32_t p) {
  return widen(p >> 10 & 31, 5) << 16 | widen(p >> 5 & 31, 5) << 8 | widen(p & 31, 5);
}
constexpr uint32_t color_of_565(uint32_t p) {
  return widen(p >> 11 & 31, 5) << 16 | widen(p >> 5 & 63, 6) << 8 | widen(p & 31, 5);
}

template <unsigned bytes, class F>
void convert(uint32_t* pixels, const uint8_t* from, uint32_t width, F color) {
  for (uint32_t x = 0; x < width; x++, from += bytes) {
    uint32_t value = 0;
    std::memcpy(&value, from, bytes);
    pixels[x] = color(value);
  }
}

}  // namespace

bool VgaScreen::is_written(const VgaScan& scan, const VgaScan::Line& line) const {
  const uint32_t first = 4 * scan.graphics_address(line, 0),
                 last = 4 * scan.graphics_address(line, scan.columns);
  return first > last || is_written(first, last - first + 4);
}

void VgaScreen::draw_planes(Canvas& canvas, const VgaScan& scan) {
  if (memory_.text_is_linear()) canvas.all |= is_written(VgaMemory::kBytes, VgaMemory::kTextBytes);
  for (unsigned y = 0; y < scan.lines; y++) {
    const VgaScan::Line line = scan.at(y);
    if (!canvas.all && !is_written(scan, line)) continue;
    if (y == 0 || scan.at(y - 1) != line || canvas.drawn.end != y) graphics_line(scan, line);
    std::copy_n(dots_.begin() + scan.panning(line), canvas.width, canvas.row(y));
    canvas.add(y, y + 1);
  }
}

// One character more than is shown, which panning brings into view.
void VgaScreen::graphics_line(const VgaScan& scan, const VgaScan::Line& line) {
  const uint8_t mode = registers_.graphics(graphics::kMode);
  const unsigned repeat = scan.doubled_dots ? 2 : 1;
  uint32_t* dot = dots_.data();
  for (unsigned column = 0; column <= scan.columns; column++) {
    const uint32_t planes = memory_.planes(scan.graphics_address(line, column));
    if (mode & graphics::k256Colors) {
      for (unsigned n = 0; n < 4; n++) dot = std::fill_n(dot, 2 * repeat, colors_[planes >> 8 * n & 0xFF]);
      continue;
    }
    for (unsigned n = 0; n < kDots; n++) {
      const bool pairs = mode & graphics::kInterleave;
      dot = std::fill_n(dot, repeat,
                        colors_of_16_[pairs ? pixel_of_pairs(planes, n) : pixel_of_planes(planes, n)]);
    }
  }
}

void VgaScreen::draw_dispi(Canvas& canvas, const VgaDispi::Mode& mode) {
  collect_written(mode.start, (mode.height - 1) * mode.pitch + mode.bytes_per_line());
  for (uint32_t y = 0; y < mode.height; y++) {
    const uint32_t at = mode.start + y * mode.pitch;
    if (!canvas.all && !is_written(at, mode.bytes_per_line())) continue;
    dispi_line(canvas.row(y), at, mode);
    canvas.add(y, y + 1);
  }
}

void VgaScreen::dispi_line(uint32_t* pixels, uint32_t at, const VgaDispi::Mode& mode) const {
  const uint8_t* const from = memory_.bytes().data() + at;
  switch (mode.depth) {
    case 4:
      for (uint32_t x = 0; x < mode.width; x++)
        pixels[x] = colors_of_16_[pixel_of_planes(memory_.planes(at / 4 + x / kDots), x % kDots)];
      return;
    case 8:
      return convert<1>(pixels, from, mode.width, [this](uint32_t p) { return colors_[p]; });
    case 15:
      return convert<2>(pixels, from, mode.width, color_of_555);
    case 16:
      return convert<2>(pixels, from, mode.width, color_of_565);
    case 24:
      return convert<3>(pixels, from, mode.width, [](uint32_t p) { return p; });
    default:
      return convert<4>(pixels, from, mode.width, [](uint32_t p) { return p & 0xFFFFFF; });
  }
}

}  // namespace ringdown

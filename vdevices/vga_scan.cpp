#include "vdevices/vga_scan.h"

#include <algorithm>

#include "vdevices/screen.h"

namespace ringdown {

using namespace vga;

VgaScan::VgaScan(const VgaRegisters& registers) {
  const auto r = [&](uint8_t index) -> unsigned { return registers.crtc(index); };
  const uint8_t clocking = registers.sequencer(sequencer::kClockingMode);
  const uint8_t control = registers.attribute(attribute::kModeControl);
  const unsigned maximum = r(crtc::kMaximumScanLine), overflow = r(crtc::kOverflow);

  text = !(registers.graphics(graphics::kMiscellaneous) & graphics::kNotText);
  doubled_dots = clocking & sequencer::kHalfDotClock;
  character_dots = text && !(clocking & sequencer::kEightDots) ? 9 : 8;
  columns = std::min(r(crtc::kHorizontalDisplayEnd) + 1, Screen::kMaxWidth / dots_per_column());
  lines = registers.shown_lines();
  row_lines = (maximum & 0x1F) + 1;
  doubled_lines = maximum & crtc::kDoubleScan;
  start = r(crtc::kStartHigh) << 8 | r(crtc::kStartLow);
  pitch = r(crtc::kOffset) * 2;
  first_row_scan = r(crtc::kPresetRowScan) & 0x1F;
  line_compare = r(crtc::kLineCompare) | (overflow & 0x10) << 4 | (maximum & 0x40) << 3;
  panned_characters = r(crtc::kPresetRowScan) >> 5 & 3;
  const unsigned panning = registers.attribute(attribute::kPanning);
  // Of nine dots 8 is none, and 0 is one.
  panned_dots = character_dots == 9 ? (panning >= 8 ? 0 : panning + 1) : panning & 7;
  if (doubled_dots) panned_dots *= 2;
  pans_top_only = control & attribute::kPanTopOnly;
  banks_by_row_0 = !(r(crtc::kModeControl) & crtc::kNotRow0As13);
  banks_by_row_1 = !(r(crtc::kModeControl) & crtc::kNotRow1As14);
  bank_bit = r(crtc::kModeControl) & crtc::kByteMode ? 13 : 12;
}

VgaScan::Line VgaScan::at(unsigned line) const {
  const bool split = line > line_compare;
  const unsigned below = split ? line - line_compare - 1 : line + (first_row_scan << (doubled_lines ? 1 : 0));
  const unsigned pan = split && pans_top_only ? 0 : panned_characters;
  return {.address = (split ? 0 : start) + pan + below / lines_per_row() * pitch,
          .row_scan = (below >> (doubled_lines ? 1 : 0)) % row_lines,
          .split = split};
}

uint32_t VgaScan::graphics_address(const Line& line, unsigned column) const {
  uint32_t address = line.address + column;
  const auto replace = [&](unsigned bit, unsigned by) {
    address = (address & ~(1u << bit)) | (by & 1) << bit;
  };
  if (banks_by_row_0) replace(bank_bit, line.row_scan);
  if (banks_by_row_1) replace(bank_bit + 1, line.row_scan >> 1);
  return wrap(address);
}

}  // namespace ringdown

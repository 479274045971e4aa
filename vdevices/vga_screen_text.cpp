// Text modes: characters, whose shapes are in plane 2.
#include <algorithm>

#include "vdevices/vga_screen.h"

namespace ringdown {
namespace {

using namespace vga;

// In frames.
constexpr uint64_t kCursorBlink = 8, kCharacterBlink = 16;

uint32_t cursor_address(const VgaRegisters& registers) {
  return registers.crtc(crtc::kCursorHigh) << 8 | registers.crtc(crtc::kCursorLow);
}

bool cursor_has(const VgaRegisters& registers, unsigned row_scan) {
  return row_scan >= (registers.crtc(crtc::kCursorStart) & 0x1Fu) &&
         row_scan <= (registers.crtc(crtc::kCursorEnd) & 0x1Fu);
}

bool cursor_shows(const VgaRegisters& registers) {
  return !(registers.crtc(crtc::kCursorStart) & crtc::kCursorOff) &&
         cursor_has(registers, registers.crtc(crtc::kCursorStart) & 0x1Fu);
}

}  // namespace

// The characters of a row, and one more if panning brings it into view.
void VgaScreen::take_cells(const VgaScan& scan, const VgaScan::Line& line) {
  const bool blinks = registers_.attribute(attribute::kModeControl) & attribute::kBlink;
  const bool cursor = cursor_shows(registers_) && registers_.frame() / kCursorBlink % 2 == 0;
  const bool hidden = blinks && registers_.frame() / kCharacterBlink % 2 != 0;
  cells_.resize(scan.columns + (scan.panned_dots != 0 ? 1 : 0));
  for (unsigned column = 0; column < cells_.size(); column++) {
    const uint32_t address = VgaScan::wrap(line.address + column);
    const uint32_t planes = memory_.planes(address);
    const auto attribute = static_cast<uint8_t>(planes >> 8);
    cells_[column] = {.character = static_cast<uint8_t>(planes),
                      .attribute = attribute,
                      .cursor = cursor && address == cursor_address(registers_),
                      .hidden = hidden && attribute & 0x80};
  }
}

void VgaScreen::draw_text(Canvas& canvas, const VgaScan& scan) {
  canvas.all |= is_written(0, VgaScan::kBytes);  // shapes, maybe
  size_t drawn = 0;                              // in drawn_cells_
  for (unsigned first = 0, end = 0; first < scan.lines; first = end) {
    const VgaScan::Line line = scan.at(first);
    const auto same_row = [&](const VgaScan::Line& other) {
      return other.address == line.address && other.split == line.split && other.row_scan >= line.row_scan;
    };
    for (end = first + 1; end < scan.lines && same_row(scan.at(end)); end++) {
    }
    take_cells(scan, line);
    drawn_cells_.resize(std::max(drawn_cells_.size(), drawn + cells_.size()));
    const auto before = drawn_cells_.begin() + static_cast<ptrdiff_t>(drawn);
    drawn += cells_.size();
    if (!canvas.all && std::equal(cells_.begin(), cells_.end(), before)) continue;
    std::ranges::copy(cells_, before);
    for (unsigned y = first; y < end; y++) {
      text_line(scan, scan.at(y).row_scan);
      std::copy_n(dots_.begin() + scan.panning(line), canvas.width, canvas.row(y));
    }
    canvas.add(first, end);
  }
}

// Attribute bit 3 selects the second map; where both are one it is but intensity.
uint8_t VgaScreen::font_row(const Cell& cell, unsigned row_scan) const {
  const uint8_t select = registers_.sequencer(sequencer::kCharacterMap);
  const unsigned map =
      cell.attribute & 0x08 ? (select >> 2 & 3) | (select >> 3 & 4) : (select & 3) | (select >> 2 & 4);
  const uint32_t address = (map & 3) * 0x4000 + (map >> 2) * 0x2000 + cell.character * 32u + row_scan;
  return static_cast<uint8_t>(memory_.planes(address) >> 16);
}

// A line of a character, its leftmost dot in bit `dots` - 1.
uint32_t VgaScreen::pattern(const Cell& cell, unsigned row_scan, unsigned dots) const {
  const uint8_t control = registers_.attribute(attribute::kModeControl);
  const uint32_t every = (1u << dots) - 1;
  if (cell.cursor && cursor_has(registers_, row_scan)) return every;
  if (cell.hidden) return 0;
  if (control & attribute::kMonochrome && (cell.attribute & 0x07) == 1 &&
      row_scan == (registers_.crtc(crtc::kUnderline) & 0x1Fu))
    return every;
  const uint32_t row = font_row(cell, row_scan);
  if (dots == 8) return row;
  const bool joins = control & attribute::kLineGraphics && (cell.character & 0xE0) == 0xC0;
  return row << 1 | (joins ? row & 1 : 0);
}

void VgaScreen::text_line(const VgaScan& scan, unsigned row_scan) {
  const bool blinks = registers_.attribute(attribute::kModeControl) & attribute::kBlink;
  const unsigned repeat = scan.doubled_dots ? 2 : 1;
  uint32_t* dot = dots_.data();
  for (const Cell& cell : cells_) {
    const uint32_t foreground = colors_of_16_[cell.attribute & 0x0F];
    const uint32_t background = colors_of_16_[cell.attribute >> 4 & (blinks ? 7 : 15)];
    const uint32_t bits = pattern(cell, row_scan, scan.character_dots);
    for (unsigned n = scan.character_dots; n-- > 0;)
      dot = std::fill_n(dot, repeat, bits >> n & 1 ? foreground : background);
  }
}

std::optional<Screen::Text> VgaScreen::text() const {
  const VgaScan scan(registers_);
  if (dispi_.mode() || !is_programmed() || !scan.text) return std::nullopt;
  const unsigned rows = (scan.lines + scan.lines_per_row() - 1) / scan.lines_per_row();
  Text text{.columns = scan.columns, .rows = rows, .cells = {}, .cursor = {}};
  for (unsigned row = 0; row < rows; row++) {
    const VgaScan::Line line = scan.at(row * scan.lines_per_row());
    for (unsigned column = 0; column < scan.columns; column++) {
      const uint32_t address = VgaScan::wrap(line.address + column);
      if (cursor_shows(registers_) && address == cursor_address(registers_))
        text.cursor = static_cast<uint32_t>(text.cells.size());
      const uint32_t planes = memory_.planes(address);
      text.cells.push_back({static_cast<uint8_t>(planes), static_cast<uint8_t>(planes >> 8)});
    }
  }
  return text;
}

}  // namespace ringdown

#pragma once
#include <cstdint>

#include "vdevices/vga_registers.h"

namespace ringdown {

// What the CRTC has the beam show, as its registers and the clocking mode are.
struct VgaScan {
  explicit VgaScan(const VgaRegisters& registers);

  // Where in the planes a scan line begins, and which line it is of its row.
  struct Line {
    uint32_t address;
    unsigned row_scan;
    bool split;  // it is behind the line compare
    bool operator==(const Line&) const = default;
  };
  Line at(unsigned line) const;
  // Character `column` of a graphics mode's line: with lines in banks, as in the CGA's modes.
  uint32_t graphics_address(const Line& line, unsigned column) const;
  static constexpr uint32_t kBytes = 256 << 10;  // of memory, that it reaches: 64 Ki of each plane
  static uint32_t wrap(uint32_t address) { return address % (kBytes / 4); }
  // The dots by which the picture is shifted to the left.
  unsigned panning(const Line& line) const { return line.split && pans_top_only ? 0 : panned_dots; }

  unsigned width() const { return columns * dots_per_column(); }
  unsigned dots_per_column() const { return character_dots << (doubled_dots ? 1 : 0); }
  unsigned lines_per_row() const { return row_lines << (doubled_lines ? 1 : 0); }

  bool text;
  bool doubled_dots;        // at half the dot clock
  unsigned character_dots;  // 8 or 9
  unsigned columns;         // characters in a line
  unsigned lines;           // that are shown
  unsigned row_lines;       // different ones in a row
  bool doubled_lines;
  uint32_t start, pitch;    // in the planes; from row to row
  unsigned first_row_scan;  // of the uppermost line
  unsigned line_compare;    // the last line before the split
  unsigned panned_characters, panned_dots;
  bool pans_top_only;
  bool banks_by_row_0, banks_by_row_1;  // a bit of the row scan replaces one of the address
  unsigned bank_bit;
};

}  // namespace ringdown

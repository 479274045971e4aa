#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vdevices/screen.h"
#include "vdevices/vga_dispi.h"
#include "vdevices/vga_memory.h"
#include "vdevices/vga_registers.h"
#include "vdevices/vga_scan.h"
#include "vdevices/video_memory.h"

namespace ringdown {

// A VGA's picture, in the dots that its monitor would show: 256 colours of 320 by 200 are 640 by 400. Every
// draw() takes the registers as they are, so what they were at another line of the frame is not seen.
class VgaScreen : public Screen {
 public:
  // None is owned.
  VgaScreen(const VgaRegisters& registers, const VgaDispi& dispi, VgaMemory& memory, VideoMemory& storage);

  Size size() const override;
  Rows draw(std::span<uint32_t> pixels, bool all) override;
  std::optional<Text> text() const override;

 private:
  // A character as it is drawn.
  struct Cell {
    uint8_t character, attribute;
    bool cursor, hidden;
    bool operator==(const Cell&) const = default;
  };
  // The picture under way.
  struct Canvas {
    std::span<uint32_t> pixels;
    uint32_t width, height;
    bool all;
    Rows drawn = {0, 0};

    uint32_t* row(uint32_t y) { return pixels.data() + size_t{y} * width; }
    void add(uint32_t first, uint32_t end);
  };

  bool is_programmed() const;
  bool is_blank() const;
  uint32_t revision() const { return registers_.revision() + dispi_.revision(); }

  void collect_written(uint32_t first, uint32_t bytes);
  bool is_written(uint32_t first, uint32_t bytes) const;
  uint32_t color_of_16(uint8_t index) const;
  void take_colors();

  void draw_vga(Canvas& canvas);
  void draw_text(Canvas& canvas, const VgaScan& scan);
  void take_cells(const VgaScan& scan, const VgaScan::Line& line);
  void text_line(const VgaScan& scan, unsigned row_scan);
  uint32_t pattern(const Cell& cell, unsigned row_scan, unsigned dots) const;
  uint8_t font_row(const Cell& cell, unsigned row_scan) const;

  void draw_planes(Canvas& canvas, const VgaScan& scan);
  bool is_written(const VgaScan& scan, const VgaScan::Line& line) const;
  void graphics_line(const VgaScan& scan, const VgaScan::Line& line);
  void draw_dispi(Canvas& canvas, const VgaDispi::Mode& mode);
  void dispi_line(uint32_t* pixels, uint32_t at, const VgaDispi::Mode& mode) const;

  const VgaRegisters& registers_;
  const VgaDispi& dispi_;
  VgaMemory& memory_;
  VideoMemory& storage_;

  // What draw() last drew: its size, the registers' revision, and in text modes the characters, row by row.
  Size drawn_size_{0, 0};
  uint32_t drawn_revision_ = 0;
  std::vector<Cell> drawn_cells_;

  // Of a draw() under way.
  std::vector<uint8_t> written_;  // pages of the storage
  std::array<uint32_t, 256> colors_{};
  std::array<uint32_t, 16> colors_of_16_{};
  std::vector<Cell> cells_;     // of a row
  std::vector<uint32_t> dots_;  // of a scan line, panned ones and all
};

}  // namespace ringdown

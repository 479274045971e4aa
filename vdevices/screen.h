#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ringdown {

// What a display adapter shows. Used by the vCPU thread only.
class Screen {
 public:
  struct Size {
    uint32_t width, height;  // in pixels; at most kMaxWidth, kMaxHeight
    bool operator==(const Size&) const = default;
  };
  // Rows [first, end) of pixels; empty if first == end.
  struct Rows {
    uint32_t first, end;
  };
  // A text mode's picture as text: `columns * rows` cells.
  struct Text {
    struct Cell {
      uint8_t character;  // of the adapter's font, mostly code page 437
      uint8_t attribute;  // foreground in bits 3-0, background in 7-4 (bit 7: blink, where that is enabled)
      bool operator==(const Cell&) const = default;
    };
    uint32_t columns, rows;
    std::vector<Cell> cells;
    std::optional<uint32_t> cursor;  // the cell that it is in, if it shows
  };
  static constexpr uint32_t kMaxWidth = 2560, kMaxHeight = 2048;

  virtual ~Screen() = default;

  virtual Size size() const = 0;
  // Draws into `pixels` (size().width * size().height of them, 00RRGGBBh) what has changed since the last
  // draw(), all of it if `all`, and says which rows may have changed. To be called with `all` after size()
  // has changed.
  virtual Rows draw(std::span<uint32_t> pixels, bool all) = 0;
  // Empty in graphics modes.
  virtual std::optional<Text> text() const = 0;
};

}  // namespace ringdown

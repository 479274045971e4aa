#pragma once
#include <array>
#include <cstdint>

namespace ringdown {

// The colours of a VGA: its palette DAC (IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem").
// Ports, from the first of its four on (PC: 3C6h): +0 PEL mask (r/w), +1 read index (w), state (r: 3 after an
// index to read from, 0 after one to write to), +2 write index (r/w), +3 data (r/w: red, green, blue, then
// the next index).
class VgaDac {
 public:
  uint8_t read(unsigned port);
  void write(unsigned port, uint8_t value);

  // Components have 6 bits after reset, or 8, as DISPI has it.
  void set_8_bits(bool enabled);

  // 00RRGGBBh of a pixel's value: the PEL mask lies in between.
  uint32_t color(uint8_t pixel) const;

  // How often a colour may have changed.
  uint32_t revision() const { return revision_; }

 private:
  using Color = std::array<uint8_t, 3>;

  uint8_t read_data();
  void write_data(uint8_t value);
  uint32_t widen(uint8_t component) const;

  std::array<Color, 256> colors_{};
  Color written_{};  // of a colour that is not complete
  uint8_t mask_ = 0xFF, state_ = 0, read_index_ = 0, write_index_ = 0;
  uint8_t component_ = 0;
  bool has_8_bits_ = false;
  uint32_t revision_ = 0;
};

}  // namespace ringdown

#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "vdevices/clock.h"
#include "vdevices/vga_dac.h"

namespace ringdown {

// Registers behind an index register. What is beyond the last one reads 0.
template <size_t count>
class IndexedRegisters {
 public:
  // The bits of each that can be written; the others read 0.
  explicit constexpr IndexedRegisters(const std::array<uint8_t, count>& writable) : writable_(writable) {}

  uint8_t operator[](uint8_t index) const { return index < count ? values_[index] : 0; }
  // True: it is another value now.
  bool set(uint8_t index, uint8_t value) {
    if (index >= count) return false;
    const uint8_t before = values_[index];
    values_[index] = value & writable_[index];
    return values_[index] != before;
  }

 private:
  const std::array<uint8_t, count>& writable_;
  std::array<uint8_t, count> values_{};
};

// The registers of a VGA (IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"), all of them
// read/write but for the input status. Ports, from the first on (PC: 3B0h):
//   04h/05h, 24h/25h  CRTC index and data; the first pair while miscellaneous output bit 0 is 0, else the
//   other 0Ah, 2Ah          input status 1 (r: 0 display disabled, 3 vertical retrace; the attribute
//   controller's
//                     next write is an index then), feature control (w); which one as with the CRTC
//   10h, 11h          attribute controller: index and data in turn (w), index (r); data (r)
//   12h               miscellaneous output (w), input status 0 (r)
//   14h/15h           sequencer
//   16h to 19h        DAC (vdevices/vga_dac.h)
//   1Ah, 1Ch          feature control, miscellaneous output (r)
//   1Eh/1Fh           graphics controller
class VgaRegisters {
 public:
  static constexpr uint16_t kPorts = 0x30;
  // Miscellaneous output.
  static constexpr uint8_t kColorAddresses = 0x01, kEnableRam = 0x02;

  // Not owned: where the beam is follows from the time alone.
  explicit VgaRegisters(const Clock& clock) : clock_(clock) {}

  uint8_t read(uint16_t port);
  void write(uint16_t port, uint8_t value);

  uint8_t sequencer(uint8_t index) const { return sequencer_[index]; }
  uint8_t crtc(uint8_t index) const { return crtc_[index]; }
  uint8_t graphics(uint8_t index) const { return graphics_[index]; }
  uint8_t attribute(uint8_t index) const { return attribute_[index]; }
  uint8_t misc() const { return misc_; }
  VgaDac& dac() { return dac_; }
  const VgaDac& dac() const { return dac_; }
  // The palette RAM's colours are shown: index bit 5 of the attribute controller.
  bool palette_is_on() const;

  // How often anything that the picture depends on may have changed, but for the cursor.
  uint32_t revision() const { return revision_ + dac_.revision(); }

  unsigned shown_lines() const;
  // How many frames have begun.
  uint64_t frame() const { return clock_.now() / raster().frame; }

 private:
  // The beam's way, in lines and in character clocks.
  struct Raster {
    Nanoseconds frame;
    unsigned lines, shown_lines, characters, shown_characters, retrace, retrace_lines;
  };
  Raster raster() const;
  bool is_crtc_place(uint16_t port) const;
  uint8_t read_crtc_place(uint16_t port);
  void write_crtc_place(uint16_t port, uint8_t value);
  void write_crtc(uint8_t value);
  void write_attribute(uint8_t value);
  uint8_t input_status_1();

  static const std::array<uint8_t, 5> kSequencerBits;
  static const std::array<uint8_t, 25> kCrtcBits;
  static const std::array<uint8_t, 9> kGraphicsBits;
  static const std::array<uint8_t, 21> kAttributeBits;

  const Clock& clock_;
  IndexedRegisters<5> sequencer_{kSequencerBits};
  IndexedRegisters<25> crtc_{kCrtcBits};
  IndexedRegisters<9> graphics_{kGraphicsBits};
  IndexedRegisters<21> attribute_{kAttributeBits};
  VgaDac dac_;
  uint8_t sequencer_index_ = 0, crtc_index_ = 0, graphics_index_ = 0, attribute_index_ = 0;
  bool attribute_data_next_ = false;  // the flip-flop
  uint8_t misc_ = 0, feature_ = 0;
  uint32_t revision_ = 0;
};

// Numbers and bits of the registers, by their group.
namespace vga {

namespace sequencer {
constexpr uint8_t kReset = 0, kClockingMode = 1, kMapMask = 2, kCharacterMap = 3, kMemoryMode = 4;
constexpr uint8_t kRunning = 0x03;                                             // reset
constexpr uint8_t kEightDots = 0x01, kHalfDotClock = 0x08, kScreenOff = 0x20;  // clocking mode
constexpr uint8_t kNotOddEven = 0x04, kChain4 = 0x08;                          // memory mode
}  // namespace sequencer

namespace crtc {
constexpr uint8_t kHorizontalTotal = 0x00, kHorizontalDisplayEnd = 0x01, kVerticalTotal = 0x06,
                  kOverflow = 0x07, kPresetRowScan = 0x08, kMaximumScanLine = 0x09, kCursorStart = 0x0A,
                  kCursorEnd = 0x0B, kStartHigh = 0x0C, kStartLow = 0x0D, kCursorHigh = 0x0E,
                  kCursorLow = 0x0F, kRetraceStart = 0x10, kRetraceEnd = 0x11, kVerticalDisplayEnd = 0x12,
                  kOffset = 0x13, kUnderline = 0x14, kModeControl = 0x17, kLineCompare = 0x18;
constexpr uint8_t kLastProtected = kOverflow, kProtect = 0x80;  // retrace end
constexpr uint8_t kOverflowLineCompare = 0x10;
constexpr uint8_t kDoubleScan = 0x80;                                          // maximum scan line
constexpr uint8_t kCursorOff = 0x20;                                           // cursor start
constexpr uint8_t kNotRow0As13 = 0x01, kNotRow1As14 = 0x02, kByteMode = 0x40;  // mode control
}  // namespace crtc

namespace graphics {
constexpr uint8_t kSetReset = 0, kEnableSetReset = 1, kColorCompare = 2, kRotate = 3, kReadMap = 4, kMode = 5,
                  kMiscellaneous = 6, kColorDontCare = 7, kBitMask = 8;
constexpr uint8_t kReadMode1 = 0x08, kOddEven = 0x10, kInterleave = 0x20, k256Colors = 0x40;  // mode
constexpr uint8_t kNotText = 0x01;                                                            // miscellaneous
}  // namespace graphics

namespace attribute {
constexpr uint8_t kModeControl = 0x10, kPlaneEnable = 0x12, kPanning = 0x13, kColorSelect = 0x14;
constexpr uint8_t kMonochrome = 0x02, kLineGraphics = 0x04, kBlink = 0x08, kPanTopOnly = 0x20,
                  kColorSelect54 = 0x80;  // mode control
}  // namespace attribute

}  // namespace vga
}  // namespace ringdown

#pragma once
#include <cstdint>
#include <optional>

namespace ringdown {

// The registers by which Bochs' and QEMU's VGA are given modes that a VGA has not ("DISPI"; QEMU:
// docs/specs/standard-vga). All have 16 bits and an index; r/w but for VIRT_HEIGHT and VIDEO_MEMORY_64K:
//   0 ID (B0C0h to B0C5h: the interface's version), 1 XRES, 2 YRES, 3 BPP (4, 8, 15, 16, 24, 32),
//   4 ENABLE (0 enabled, 1 XRES to BPP read the largest that there is, 5 the DAC has 8 bits, 6 linear frame
//   buffer, 7 enabling does not clear), 5 BANK (of 64 KiB, seen at A0000h), 6 VIRT_WIDTH (pixels from line to
//   line), 7 VIRT_HEIGHT, 8 X_OFFSET, 9 Y_OFFSET (of the picture), 10 VIDEO_MEMORY_64K.
// What does not fit its memory is made to: mode() says how.
class VgaDispi {
 public:
  static constexpr uint16_t kRegisters = 11;
  static constexpr uint32_t kBankBytes = 64 << 10;

  explicit VgaDispi(uint32_t memory_bytes) : memory_bytes_(memory_bytes) {}

  uint16_t read(uint16_t index) const;
  // True: the memory of the picture that begins is to be cleared.
  bool write(uint16_t index, uint16_t value);

  struct Mode {
    uint32_t width, height;  // pixels
    uint32_t depth;          // bits: 4 (in planes), 8, 15, 16, 24 or 32
    uint32_t pitch;          // bytes of memory from line to line, those of all planes
    uint32_t start;          // of the picture's first pixel in memory, in bytes
    // The pixels of the picture are within memory.
    uint32_t bytes_per_line() const { return depth == 4 ? width / 2 : width * ((depth + 7) / 8); }
  };
  // None: the picture is the VGA's.
  std::optional<Mode> mode() const;
  bool has_packed_pixels() const { return is_enabled() && depth() != 4; }
  bool has_8_bit_dac() const { return enable_ & k8BitDac; }
  uint32_t bank() const { return bank_; }
  // How often the picture may have changed.
  uint32_t revision() const { return revision_; }

 private:
  static constexpr uint16_t kEnabled = 0x01, kGetCapabilities = 0x02, k8BitDac = 0x20, kNoClear = 0x80;

  bool is_enabled() const { return enable_ & kEnabled; }
  uint32_t depth() const;
  uint32_t pitch() const;
  uint32_t virtual_width() const;
  bool change(uint16_t& part, uint16_t value);
  bool write_enable(uint16_t value);

  const uint32_t memory_bytes_;
  uint16_t id_ = 0xB0C5;
  uint16_t xres_ = 0, yres_ = 0, bpp_ = 8, enable_ = 0, bank_ = 0, virtual_width_ = 0, x_offset_ = 0,
           y_offset_ = 0;
  uint32_t revision_ = 0;
};

}  // namespace ringdown

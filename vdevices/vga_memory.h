#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vdevices/memory_device.h"
#include "vdevices/vga_dispi.h"
#include "vdevices/vga_registers.h"

namespace ringdown {

// The memory of a VGA, and what the sequencer and the graphics controller make of accesses to it by its
// window, A0000h-BFFFFh: planes, latches, the read and write modes.
//
// Byte `a` of plane `p` is at 4a + p of the memory. Where the window chains planes (odd/even, chain 4), those
// bytes of a plane that a VGA would skip are not there, and the CRTC, which would skip them too, counts on.
// So 256 colours are linear in memory; a program that writes by one way of addressing and reads by another
// sees the difference.
//
// Text is linear elsewhere: while text_is_linear(), the first 16 Ki bytes of planes 0 and 1 are, alternating,
// in a memory of their own, behind the other in one storage.
class VgaMemory : public MemoryDevice {
 public:
  static constexpr uint32_t kWindow = 0xA0000, kWindowBytes = 0x20000;
  static constexpr uint32_t kBytes = 16 << 20, kTextBytes = 32 << 10, kStorageBytes = kBytes + kTextBytes;
  static constexpr uint32_t kPageBytes = 4096;

  // `storage` has kStorageBytes. None is owned.
  VgaMemory(const VgaRegisters& registers, const VgaDispi& dispi, std::span<uint8_t> storage);

  uint32_t read_memory(uint32_t offset, unsigned size) override;
  void write_memory(uint32_t offset, unsigned size, uint32_t value) override;

  // A part of the window in which accesses have no effect but to read and write memory in order, as the
  // registers are.
  struct Linear {
    uint32_t first, bytes;  // of the window
    uint32_t storage;       // where in the storage that is
    bool text;
    bool operator==(const Linear&) const = default;
  };
  std::optional<Linear> linear() const;

  bool text_is_linear() const { return text_is_linear_; }
  // Moves the text to where it then is.
  void set_text_is_linear(bool linear);

  // Byte `address` of the four planes, plane 0 in the lowest bits.
  uint32_t planes(uint32_t address) const;
  std::span<const uint8_t> bytes() const { return storage_.first(kBytes); }
  // To 0.
  void clear(uint32_t first, uint32_t count);

  // The pages of the storage that were written by way of this class, an element each; the reader sets them
  // back to 0.
  std::span<uint8_t> written() { return written_; }

 private:
  struct Range {
    uint32_t first, bytes;
  };
  // Where an access goes.
  struct Place {
    uint32_t address;  // in each plane
    uint8_t plane;     // that is read
    uint8_t map_mask;  // of planes that can be written
  };

  Range range() const;
  bool writes_plainly() const;
  Place place_of_read(uint32_t offset) const;
  Place place_of_write(uint32_t offset) const;
  uint8_t read_byte(uint32_t offset);
  void write_byte(uint32_t offset, uint8_t value);
  uint8_t compare_colors() const;
  uint32_t written_value(uint8_t value) const;
  void set_planes(uint32_t address, uint32_t value, uint32_t mask);
  void write_plain(uint32_t at, uint8_t value);
  uint32_t packed(uint32_t offset) const { return (dispi_.bank() * VgaDispi::kBankBytes + offset) % kBytes; }

  const VgaRegisters& registers_;
  const VgaDispi& dispi_;
  std::span<uint8_t> storage_;
  std::vector<uint8_t> written_;
  uint32_t latches_ = 0;
  bool text_is_linear_ = false;
};

}  // namespace ringdown

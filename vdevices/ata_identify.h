#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ringdown {

// How a drive names itself; longer texts are cut.
struct AtaIdentity {
  std::string model;     // 40 characters
  std::string serial;    // 20
  std::string firmware;  // 8
};

// The data mode that SET FEATURES 03h selects, for words 63 and 88 of IDENTIFY DEVICE.
class AtaTransferMode {
 public:
  // `value` as in the Sector Count register. False, and nothing changes, for a mode that there is not: those
  // are PIO 0-4, multiword DMA 0-2 and Ultra DMA 0-5.
  bool select(uint8_t value);
  uint16_t multiword_word() const { return static_cast<uint16_t>(0x0007 | multiword_ << 8); }
  uint16_t ultra_word() const { return static_cast<uint16_t>(0x003F | ultra_ << 8); }

 private:
  uint8_t multiword_ = 0;  // a bit for the mode that is selected
  uint8_t ultra_ = 0;
};

// The 256 words that IDENTIFY (PACKET) DEVICE returns.
class AtaIdentifyData {
 public:
  uint16_t& operator[](size_t word) { return words_[word]; }
  void set_dword(size_t word, uint32_t value);
  // Two characters a word, the first in the upper byte, padded with spaces.
  void set_text(size_t word, size_t words, std::string_view text);
  void set_identity(const AtaIdentity& identity);
  // With the integrity word; `to` is 512 bytes.
  void store(std::span<uint8_t> to);

 private:
  std::array<uint16_t, 256> words_{};
};

}  // namespace ringdown

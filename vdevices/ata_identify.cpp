#include "vdevices/ata_identify.h"

namespace ringdown {
namespace {

constexpr uint8_t kIntegritySignature = 0xA5;

}  // namespace

bool AtaTransferMode::select(uint8_t value) {
  const unsigned kind = value >> 3;
  const unsigned mode = value & 7;
  const bool pio = (kind == 0 && mode <= 1) || (kind == 1 && mode <= 4);
  const bool multiword = kind == 4 && mode <= 2;
  const bool ultra = kind == 8 && mode <= 5;
  if (!pio && !multiword && !ultra) return false;
  if (pio) return true;
  multiword_ = static_cast<uint8_t>(multiword ? 1 << mode : 0);
  ultra_ = static_cast<uint8_t>(ultra ? 1 << mode : 0);
  return true;
}

void AtaIdentifyData::set_dword(size_t word, uint32_t value) {
  words_[word] = static_cast<uint16_t>(value);
  words_[word + 1] = static_cast<uint16_t>(value >> 16);
}

void AtaIdentifyData::set_text(size_t word, size_t words, std::string_view text) {
  const auto character = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0x20u; };
  for (size_t i = 0; i < words; ++i) {
    words_[word + i] = static_cast<uint16_t>(character(2 * i) << 8 | character(2 * i + 1));
  }
}

void AtaIdentifyData::set_identity(const AtaIdentity& identity) {
  set_text(10, 10, identity.serial);
  set_text(23, 4, identity.firmware);
  set_text(27, 20, identity.model);
}

// All 512 bytes sum up to 0.
void AtaIdentifyData::store(std::span<uint8_t> to) {
  words_[255] = kIntegritySignature;
  unsigned sum = 0;
  for (const uint16_t word : words_) sum += (word & 0xFF) + (word >> 8);
  words_[255] = static_cast<uint16_t>(kIntegritySignature | (-sum & 0xFF) << 8);
  for (size_t i = 0; i < words_.size(); ++i) {
    to[2 * i] = static_cast<uint8_t>(words_[i]);
    to[2 * i + 1] = static_cast<uint8_t>(words_[i] >> 8);
  }
}

}  // namespace ringdown

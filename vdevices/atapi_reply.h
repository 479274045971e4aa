#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace ringdown {

// What a packet returns, built up from its beginning. Numbers have their upper byte first.
class AtapiReply {
 public:
  AtapiReply() = default;
  // Zeros.
  explicit AtapiReply(size_t size) : size_(size) {}
  AtapiReply(std::initializer_list<uint8_t> bytes) { put(bytes); }

  size_t size() const { return size_; }
  uint8_t& operator[](size_t i) { return bytes_[i]; }
  std::span<const uint8_t> bytes() const { return std::span(bytes_).first(size_); }

  // Bytes beyond kCapacity are dropped; no reply is that long.
  void put8(unsigned value) {
    if (size_ < kCapacity) bytes_[size_++] = static_cast<uint8_t>(value);
  }
  void put16(unsigned value) {
    put8(value >> 8);
    put8(value);
  }
  void put32(uint32_t value) {
    put16(value >> 16);
    put16(value);
  }
  void put(std::initializer_list<uint8_t> bytes) {
    for (const uint8_t byte : bytes) put8(byte);
  }
  // Padded with spaces.
  void put_text(std::string_view text, size_t width) {
    for (size_t i = 0; i < width; ++i) put8(i < text.size() ? static_cast<uint8_t>(text[i]) : ' ');
  }
  // The length at the beginning, which does not count itself.
  void set_length16() {
    bytes_[0] = static_cast<uint8_t>((size_ - 2) >> 8);
    bytes_[1] = static_cast<uint8_t>(size_ - 2);
  }

 private:
  static constexpr size_t kCapacity = 96;
  std::array<uint8_t, kCapacity> bytes_{};
  size_t size_ = 0;
};

}  // namespace ringdown

#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ringdown {

// First in, first out, of at most `kCapacity` bytes. Not thread-safe.
template <size_t kCapacity>
class ByteQueue {
 public:
  size_t size() const { return size_; }
  size_t room() const { return kCapacity - size_; }
  bool empty() const { return size_ == 0; }

  // Asks for room() first: a byte too many is a bug of the caller and is dropped.
  void push(uint8_t byte) {
    if (size_ == kCapacity) return;
    bytes_[(head_ + size_++) % kCapacity] = byte;
  }

  // Copies the oldest bytes to `to` and leaves them; returns how many.
  size_t peek(std::span<uint8_t> to) const {
    const size_t count = std::min(to.size(), size_);
    for (size_t i = 0; i < count; ++i) to[i] = bytes_[(head_ + i) % kCapacity];
    return count;
  }

  void drop(size_t count) {
    count = std::min(count, size_);
    head_ = (head_ + count) % kCapacity;
    size_ -= count;
  }

 private:
  std::array<uint8_t, kCapacity> bytes_;
  size_t head_ = 0, size_ = 0;
};

}  // namespace ringdown

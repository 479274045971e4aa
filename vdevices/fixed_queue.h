#pragma once
#include <array>
#include <cstddef>

namespace ringdown {

// A first-in first-out buffer of fixed capacity that never allocates, as the FIFOs inside devices are.
template <typename T, size_t kCapacity>
class FixedQueue {
 public:
  static constexpr size_t capacity() { return kCapacity; }
  size_t size() const { return size_; }
  size_t room() const { return kCapacity - size_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

  // Drops the value when full: the caller that minds asks room() first.
  void push(const T& value) {
    if (size_ < kCapacity) items_[(head_ + size_++) % kCapacity] = value;
  }
  // The queue must not be empty.
  T pop() {
    T value = items_[head_];
    head_ = (head_ + 1) % kCapacity;
    --size_;
    return value;
  }
  // The i-th oldest, i < size().
  T& operator[](size_t i) { return items_[(head_ + i) % kCapacity]; }
  const T& operator[](size_t i) const { return items_[(head_ + i) % kCapacity]; }

 private:
  std::array<T, kCapacity> items_{};
  size_t head_ = 0;
  size_t size_ = 0;
};

}  // namespace ringdown

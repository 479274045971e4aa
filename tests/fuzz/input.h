#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace ringdown::fuzz {

// An oracle: what does not hold is a finding.
inline void require(bool condition) {
  if (!condition) std::abort();
}

// What the fuzzer gave, from its start; zeros behind its end. The bytes are the fuzzer's.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), end_(data + size) {}
  bool empty() const { return data_ == end_; }
  uint8_t byte() { return empty() ? 0 : *data_++; }
  uint32_t dword() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return value;
  }
  // Of an access, in bytes: 1, 2 or 4.
  unsigned access_size() { return 1u << byte() % 3; }

 private:
  const uint8_t* data_;
  const uint8_t* end_;
};

}  // namespace ringdown::fuzz

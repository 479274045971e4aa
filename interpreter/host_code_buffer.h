#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace ringdown {

// Memory for generated code: one anonymous file mapped twice, so that no address is both writable and
// executable. Filled from the front; clear() makes all of it free again.
class HostCodeBuffer {
 public:
  // Throws std::system_error if the host grants no such memory.
  explicit HostCodeBuffer(size_t size);
  ~HostCodeBuffer();
  HostCodeBuffer(const HostCodeBuffer&) = delete;
  HostCodeBuffer& operator=(const HostCodeBuffer&) = delete;

  // Where the copy of `code` can be executed; nullptr if the buffer is full.
  const void* append(std::span<const uint8_t> code);
  void clear() { used_ = 0; }

 private:
  size_t size_, used_ = 0;
  uint8_t* writable_ = nullptr;
  uint8_t* executable_ = nullptr;
};

}  // namespace ringdown

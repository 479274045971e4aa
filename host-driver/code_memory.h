#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "host-driver/reservation.h"

namespace ringdown {

// Memory for translated code: one memfd seen twice, once writable and once executable, never both at one
// address. Within rel32 reach of the thunks that it calls, since both are within it. In huge pages where the
// host has them for the asking (Linux 6.1, MADV_COLLAPSE).
class CodeMemory {
 public:
  explicit CodeMemory(size_t bytes);
  CodeMemory(const CodeMemory&) = delete;
  CodeMemory& operator=(const CodeMemory&) = delete;

  size_t size() const { return size_; }
  const uint8_t* executable() const { return executable_; }
  // To be called before the first write to these bytes; where they are in the writable view.
  uint8_t* prepare(size_t offset, size_t bytes);
  // The writable view of an executable address.
  uint8_t* writable(const uint8_t* executable) const { return writable_ + (executable - executable_); }
  bool contains(uint64_t executable_address) const {
    return executable_address - reinterpret_cast<uint64_t>(executable_) < size_;
  }

 private:
  size_t size_;
  std::vector<bool> used_pages_;                   // by huge page
  const Reservation for_writing_, for_execution_;  // what both views are in
  uint8_t* writable_;
  const uint8_t* executable_;
};

}  // namespace ringdown

#pragma once
#include <cstdint>

namespace ringdown {

// Host addresses that are inaccessible and nobody else's until their owner maps something there. Given back,
// with all that was mapped there, by the destructor.
class Reservation {
 public:
  // A host that refuses is told so in one line, as what the addresses were for (host_error.h).
  Reservation(uint64_t bytes, const char* purpose);
  ~Reservation();
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  // The first multiple of `alignment`, a power of two, at least `offset` bytes behind the start.
  uint64_t first_multiple(uint64_t alignment, uint64_t offset = 0) const {
    return (start_ + offset + alignment - 1) & ~(alignment - 1);
  }

 private:
  uint64_t start_, bytes_;
};

}  // namespace ringdown

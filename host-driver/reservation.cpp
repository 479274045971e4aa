#include "host-driver/reservation.h"

#include <sys/mman.h>

#include "host-driver/host_error.h"

namespace ringdown {

Reservation::Reservation(uint64_t bytes, const char* purpose) : bytes_(bytes) {
  void* start = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) host_refuses(purpose);
  start_ = reinterpret_cast<uint64_t>(start);
}

Reservation::~Reservation() { munmap(reinterpret_cast<void*>(start_), bytes_); }

}  // namespace ringdown

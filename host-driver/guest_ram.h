#pragma once
#include <cstdint>
#include <span>

#include "host-driver/reservation.h"

namespace ringdown {

// Guest RAM: one memfd, mapped once flat for the monitor and its devices. Windows map parts of it again.
class GuestRam {
 public:
  // `bytes` is a multiple of the page size. Aborts the process with one line if the host refuses.
  explicit GuestRam(uint64_t bytes);
  ~GuestRam();
  GuestRam(const GuestRam&) = delete;
  GuestRam& operator=(const GuestRam&) = delete;

  int file() const { return file_; }
  std::span<uint8_t> bytes() const { return bytes_; }
  // Gives the memory back to the host: all zero again.
  void clear();

 private:
  int file_ = -1;
  const Reservation place_;
  std::span<uint8_t> bytes_;
};

}  // namespace ringdown

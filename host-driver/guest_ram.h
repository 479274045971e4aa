#pragma once
#include <cstdint>
#include <span>

#include "host-driver/reservation.h"

namespace ringdown {

// Guest RAM, and behind it the storage of devices that the guest may reach directly: one memfd, mapped once
// flat for the monitor and its devices. Windows map parts of it again.
class GuestRam {
 public:
  // Both are multiples of the page size. Aborts the process with one line if the host refuses.
  explicit GuestRam(uint64_t ram_bytes, uint64_t device_bytes = 0);
  ~GuestRam();
  GuestRam(const GuestRam&) = delete;
  GuestRam& operator=(const GuestRam&) = delete;

  int file() const { return file_; }
  std::span<uint8_t> bytes() const { return all_.first(ram_bytes_); }
  std::span<uint8_t> device_bytes() const { return all_.subspan(ram_bytes_); }
  // Gives the memory back to the host: all zero again.
  void clear();

 private:
  int file_ = -1;
  const Reservation place_;
  const uint64_t ram_bytes_;
  std::span<uint8_t> all_;
};

}  // namespace ringdown

#pragma once
#include <cstddef>

#include "host-driver/huge_page.h"
#include "host-driver/reservation.h"

namespace ringdown {

enum class PageSize { kSmall, kHuge };

// Memory of the size of a huge page, zero at first. In one huge page if that is wished and the host has one
// to spare (transparent_hugepage); small pages take memory only as they are touched.
class ZeroedMemory {
 public:
  static constexpr size_t kBytes = kHugePage;

  // `purpose` is for a host that refuses (host_error.h).
  ZeroedMemory(PageSize wished, const char* purpose);

  void* start() const;

 private:
  Reservation place_;
};

}  // namespace ringdown

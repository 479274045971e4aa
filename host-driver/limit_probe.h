#pragma once
#include <cstdint>

#include "host-driver/reservation.h"

namespace ringdown {

// 4 GiB of host addresses that can be read, all zero, with as many behind them that cannot: whether an offset
// is above a limit is asked by a load, which faults if it is. That costs one instruction and keeps the flags.
class LimitProbe {
 public:
  LimitProbe();

  // Where [address + offset] faults if and only if offset > last, for offsets below 4 GiB + 64.
  uint64_t for_last(uint32_t last) const { return end_ - 1 - last; }
  // The same with every offset.
  uint64_t for_nothing() const { return end_; }
  // Is this where such a load faults?
  bool stops_at(uint64_t address) const { return address - end_ <= (uint64_t{1} << 32) + 64; }

 private:
  Reservation place_;
  uint64_t end_;
};

}  // namespace ringdown

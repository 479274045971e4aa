#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "vdevices/dma_request.h"

namespace ringdown {

// A device on a channel of an 8237A, as the controller sees it.
class IsaDmaDevice {
 public:
  virtual ~IsaDmaDevice() = default;
  // DREQ, and the way in which the device would have data go.
  virtual DmaRequest dma_request() const = 0;
  // What the device has, or has room for.
  virtual std::span<uint8_t> dma_data() = 0;
  // `bytes` of that, not more than there are, have moved; `terminal_count`: the channel's count has run out
  // (TC).
  virtual void dma_moved(size_t bytes, bool terminal_count) = 0;
};

// A channel of an 8237A, as its device sees it. The controller moves data while the channel is not masked and
// the device requests: within dma_requested(), or when the guest has set the channel up.
class IsaDmaChannel {
 public:
  virtual ~IsaDmaChannel() = default;
  virtual void dma_requested() = 0;
};

}  // namespace ringdown

#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "vdevices/isa_dma.h"

namespace ringdown::testing {

// A channel of an 8237A that is programmed by start(), for a number of bytes after which it is masked.
struct DmaChannel : IsaDmaChannel {
  IsaDmaDevice* device = nullptr;
  std::vector<uint8_t> memory;
  size_t position = 0;

  void start(std::vector<uint8_t> bytes) {
    memory = std::move(bytes);
    position = 0;
    dma_requested();
  }
  // The device asks from inside of this loop, too.
  void dma_requested() override {
    if (moving) return;
    moving = true;
    while (position < memory.size() && device->dma_request() != DmaRequest::kNone) {
      const auto data = device->dma_data();
      const size_t size = std::min(data.size(), memory.size() - position);
      const auto place = memory.begin() + static_cast<std::ptrdiff_t>(position);
      if (device->dma_request() == DmaRequest::kToMemory) {
        std::copy_n(data.begin(), size, place);
      } else {
        std::copy_n(place, size, data.begin());
      }
      position += size;
      device->dma_moved(size, position == memory.size());
    }
    moving = false;
  }

 private:
  bool moving = false;
};

}  // namespace ringdown::testing

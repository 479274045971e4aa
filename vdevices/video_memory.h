#pragma once
#include <cstdint>
#include <span>

namespace ringdown {

// The memory of a display adapter, which the guest can be let reach directly, at the speed of RAM. All
// offsets, addresses and lengths are multiples of 4096.
class VideoMemory {
 public:
  // A range of physical addresses in which the guest reads and writes bytes() from `offset` on.
  struct Aperture {
    uint32_t first;
    uint32_t bytes;
    uint32_t offset;
    bool operator==(const Aperture&) const = default;
  };

  virtual ~VideoMemory() = default;

  virtual std::span<uint8_t> bytes() = 0;
  // From the guest's next instruction on these, and no others, are reached directly. Elsewhere accesses go by
  // way of the memory bus. What overlaps RAM has no effect there. To be called only when they change: it
  // costs much.
  virtual void set_apertures(std::span<const Aperture> apertures) = 0;
  // Which pages of bytes(), from `first_page` on, the guest has written through an aperture since this was
  // asked the last time: not 0 for those. (The device knows of its own writes.) At first, and after
  // set_apertures(): all. What is never asked costs nothing.
  virtual void take_written(uint32_t first_page, std::span<uint8_t> written) = 0;
};

}  // namespace ringdown

#pragma once
#include <cstdint>

namespace ringdown {

// A device as memory accesses see it. Offsets are relative to where the machine put the device. The rules are
// those of PortDevice (vdevices/port_device.h): one thread, and nothing that a guest writes is an error.
class MemoryDevice {
 public:
  virtual ~MemoryDevice() = default;

  // `size` is 1, 2 or 4 bytes, and `offset` a multiple of it: the bus splits what is wider or not aligned.
  virtual uint32_t read_memory(uint32_t offset, unsigned size) = 0;
  virtual void write_memory(uint32_t offset, unsigned size, uint32_t value) = 0;
};

}  // namespace ringdown

#pragma once
#include <cstdint>

namespace ringdown {

// A device as the I/O port bus sees it. Ports are relative to where the machine put the device, so a
// device never knows its own addresses. Devices are used by one thread, the one that runs the vCPU.
// Nothing that a guest writes is an error: what real hardware ignores is ignored.
class PortDevice {
 public:
  virtual ~PortDevice() = default;

  // `size` is 1, 2 or 4 bytes. A device that decodes bytes only is registered as such with the bus,
  // which then splits wider accesses (as the ISA bus does) and never calls with another size.
  virtual uint32_t read_port(uint16_t offset, unsigned size) = 0;
  virtual void write_port(uint16_t offset, unsigned size, uint32_t value) = 0;
};

}  // namespace ringdown

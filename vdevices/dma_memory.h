#pragma once
#include <cstdint>
#include <span>

namespace ringdown {

// The guest's memory as a bus master reaches it, by physical address. An access that is not in RAM as a whole
// does nothing and returns false, as a PCI cycle that no target claims.
class DmaMemory {
 public:
  virtual ~DmaMemory() = default;
  virtual bool read(uint32_t address, std::span<uint8_t> to) = 0;
  virtual bool write(uint32_t address, std::span<const uint8_t> from) = 0;
};

}  // namespace ringdown

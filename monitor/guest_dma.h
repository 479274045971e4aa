#pragma once
#include <functional>
#include <utility>

#include "cpu/physical_memory.h"
#include "vdevices/dma_memory.h"

namespace ringdown {

// Guest RAM as a bus master reaches it. Only whole pages that read and write as RAM count: neither ROM nor
// upper memory that is write-protected; the A20 gate is no obstacle.
class GuestDma : public DmaMemory {
 public:
  // `code_written` is called when what was written had been translated: the block that runs may be that.
  GuestDma(PhysicalMemory& memory, std::function<void()> code_written)
      : memory_(memory), code_written_(std::move(code_written)) {}

  bool read(uint32_t address, std::span<uint8_t> to) override;
  bool write(uint32_t address, std::span<const uint8_t> from) override;

 private:
  bool is_ram(uint64_t address, size_t size) const;

  PhysicalMemory& memory_;
  std::function<void()> code_written_;
};

}  // namespace ringdown

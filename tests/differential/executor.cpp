#include "tests/differential/executor.h"

namespace ringdown::differential {

PageNumber page_of(uint32_t address) {
  unsigned page = 0;
  while (page < kPageCount && kPages[page].address != (address & ~(kPageBytes - 1))) ++page;
  return static_cast<PageNumber>(page);
}

void poke(Memory& memory, uint32_t address, std::span<const uint8_t> bytes) {
  for (const uint8_t byte : bytes) {
    const PageNumber page = page_of(address);
    if (page != kPageCount) memory[page][address % kPageBytes] = byte;
    ++address;
  }
}

void peek(const Memory& memory, uint32_t address, std::span<uint8_t> bytes) {
  for (uint8_t& byte : bytes) {
    const PageNumber page = page_of(address);
    byte = page != kPageCount ? memory[page][address % kPageBytes] : 0;
    ++address;
  }
}

}  // namespace ringdown::differential

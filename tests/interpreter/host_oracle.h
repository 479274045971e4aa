#pragma once
#include <array>
#include <cstdint>
#include <span>

namespace ringdown {

// The general registers and EFLAGS before and after an instruction.
struct HostRegisters {
  std::array<uint32_t, 8> gpr;  // by Gpr
  uint32_t eflags;
};

// Runs instructions on the host's own processor, as 32-bit code in compatibility mode: the oracle for what
// the instructions of user programs do. It must not be given one that faults or transfers control.
class HostOracle {
 public:
  static constexpr uint32_t kScratchSize = 4096;

  HostOracle();
  ~HostOracle();
  HostOracle(const HostOracle&) = delete;
  HostOracle& operator=(const HostOracle&) = delete;

  // Memory below 4 GiB that the code may use, and its address as the code sees it.
  uint8_t* scratch() const;
  uint32_t scratch_address() const;

  HostRegisters run(std::span<const uint8_t> instruction, const HostRegisters& before);

 private:
  uint8_t* area_;
};

}  // namespace ringdown

#pragma once
#include <cstdint>
#include <functional>

#include "vdevices/port_device.h"

namespace ringdown {

// A port with which a test guest ends the machine (as QEMU's isa-debug-exit): writing v asks for exit status
// (v << 1) | 1, modulo 256 once the host's process has it. So a guest cannot report status 0. Reads as 0.
class DebugExit : public PortDevice {
 public:
  explicit DebugExit(std::function<void(uint32_t status)> on_exit) : on_exit_(std::move(on_exit)) {}

  uint32_t read_port(uint16_t, unsigned) override { return 0; }
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

 private:
  std::function<void(uint32_t)> on_exit_;
};

}  // namespace ringdown

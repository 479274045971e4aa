#pragma once
#include <cstdint>
#include <functional>

#include "vdevices/port_device.h"

namespace ringdown {

// The debug console of Bochs and QEMU (PC: E9h): each byte written is text; reading E9h says that it exists.
class DebugConsole : public PortDevice {
 public:
  static constexpr uint8_t kPresent = 0xE9;

  explicit DebugConsole(std::function<void(uint8_t)> sink) : sink_(std::move(sink)) {}

  uint32_t read_port(uint16_t, unsigned) override { return kPresent; }
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

 private:
  std::function<void(uint8_t)> sink_;
};

}  // namespace ringdown

#include "vdevices/smbus_host.h"

namespace ringdown {
namespace {

constexpr uint16_t kStatus = 0x0, kSlaveStatus = 0x1, kControl = 0x2, kBlockData = 0x7, kEnd = 0xE;
constexpr uint8_t kDeviceError = 0x04, kFailed = 0x10, kStatusBits = 0x1E;
constexpr uint8_t kInterruptEnable = 0x01, kKill = 0x02, kStart = 0x40, kControlHeld = 0x1D;

}  // namespace

uint32_t SmbusHost::read_port(uint16_t offset, unsigned) {
  if (offset == kControl) position_ = 0;
  return offset == kBlockData ? next_of_block() : registers_[offset];
}

void SmbusHost::write_port(uint16_t offset, unsigned, uint32_t value) {
  const auto byte = static_cast<uint8_t>(value);
  if (offset == kStatus)
    registers_[kStatus] &= ~(byte & kStatusBits);
  else if (offset == kControl)
    write_control(byte);
  else if (offset == kBlockData)
    next_of_block() = byte;
  else if (offset != kSlaveStatus && offset < kEnd)
    registers_[offset] = byte;
  update();
}

// A transaction takes no time: its address finds nobody.
void SmbusHost::write_control(uint8_t value) {
  registers_[kControl] = value & kControlHeld;
  if (value & kKill)
    registers_[kStatus] |= kFailed;
  else if (value & kStart)
    registers_[kStatus] |= kDeviceError;
}

void SmbusHost::update() { irq_.set((registers_[kControl] & kInterruptEnable) && registers_[kStatus]); }

}  // namespace ringdown

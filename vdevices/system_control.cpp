#include "vdevices/system_control.h"

namespace ringdown {
namespace {

constexpr uint8_t kPortBWritable = 0x0F;
constexpr uint8_t kTimer2Gate = 0x01;
// Timer 1 asks for a refresh every 18 of its pulses, and each request flips bit 4.
constexpr int64_t kRefreshTicks = 18;

constexpr uint8_t kFastReset = 0x01;
constexpr uint8_t kA20 = 0x02;

constexpr uint8_t kResetSystem = 0x02;
constexpr uint8_t kResetNow = 0x04;
constexpr uint8_t kResetWritable = 0x0E;

}  // namespace

uint32_t PortB::read_port(uint16_t, unsigned) {
  const bool refresh = (I8254::ticks_at(clock_.now()) / kRefreshTicks & 1) != 0;
  return value_ | unsigned{refresh} << 4 | unsigned{timer_.out(2)} << 5;
}

void PortB::write_port(uint16_t, unsigned, uint32_t value) {
  value_ = value & kPortBWritable;
  timer_.set_gate(2, (value_ & kTimer2Gate) != 0);
}

uint32_t PortA::read_port(uint16_t, unsigned) { return (value_ & ~kA20) | (a20_.level() ? kA20 : 0u); }

void PortA::write_port(uint16_t, unsigned, uint32_t value) {
  const auto old = value_;
  value_ = static_cast<uint8_t>(value);
  a20_.set((value_ & kA20) != 0);
  if ((value_ & ~old & kFastReset) != 0 && reset_) reset_(ResetKind::kProcessor);
}

uint32_t ResetControl::read_port(uint16_t, unsigned) { return value_; }

void ResetControl::write_port(uint16_t, unsigned, uint32_t value) {
  const auto old = value_;
  value_ = value & kResetWritable;
  if ((value_ & ~old & kResetNow) == 0 || !reset_) return;
  reset_((value_ & kResetSystem) != 0 ? ResetKind::kSystem : ResetKind::kProcessor);
}

}  // namespace ringdown

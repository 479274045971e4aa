#include "vdevices/acpi_pm.h"

#include <utility>

#include "vdevices/ticks.h"

namespace ringdown {
namespace {

constexpr uint16_t kStatus = 0, kEnable = 2, kControl = 4, kTimer = 8, kTimerEnd = 12;
constexpr uint16_t kTimerOverflow = 1 << 0, kGlobal = 1 << 5, kPowerButton = 1 << 8, kRtc = 1 << 10;
constexpr uint16_t kEnableWritable = kTimerOverflow | kGlobal | kPowerButton | kRtc;
constexpr uint16_t kSciEnable = 1 << 0, kReloadByBusMaster = 1 << 1, kSuspendType = 7 << 10,
                   kSuspendEnable = 1 << 13;
constexpr uint16_t kControlWritable = kSciEnable | kReloadByBusMaster | kSuspendType;
constexpr int64_t kTimerMask = 0xFFFFFF, kHalfPeriod = 0x800000;

constexpr uint8_t byte_of(int64_t value, unsigned index) {
  return static_cast<uint8_t>(value >> (8 * index));
}

// The word with its byte at `offset` (0 or 1) exchanged.
constexpr uint16_t with_byte(uint16_t word, unsigned offset, uint8_t byte) {
  return static_cast<uint16_t>((word & (0xFF00 >> (8 * offset))) | byte << (8 * offset));
}

}  // namespace

AcpiPm::AcpiPm(const Clock& clock, Line& sci, std::function<void()> power_off)
    : clock_(clock), sci_(sci), power_off_(std::move(power_off)), overflow_(0) {
  overflow_ = (ticks() / kHalfPeriod + 1) * kHalfPeriod;
}

int64_t AcpiPm::ticks() const { return ticks_at(clock_.now(), kTimerFrequency); }

uint32_t AcpiPm::read_port(uint16_t offset, unsigned size) {
  note_overflow();
  const int64_t now = ticks();
  uint32_t value = 0;
  for (unsigned i = 0; i < size; i++)
    value |= uint32_t{read_byte(static_cast<uint16_t>(offset + i), now)} << (8 * i);
  return value;
}

uint8_t AcpiPm::read_byte(uint16_t offset, int64_t now) const {
  const unsigned half = offset & 1;
  if (offset >= kTimer && offset < kTimerEnd) return byte_of(now & kTimerMask, offset - kTimer);
  switch (offset - half) {
    case kStatus:
      return byte_of(status_, half);
    case kEnable:
      return byte_of(enable_, half);
    case kControl:
      return byte_of(control_, half);
    default:
      return 0;
  }
}

void AcpiPm::write_port(uint16_t offset, unsigned size, uint32_t value) {
  note_overflow();
  for (unsigned i = 0; i < size; i++) write_byte(static_cast<uint16_t>(offset + i), byte_of(value, i));
  update();
}

void AcpiPm::write_byte(uint16_t offset, uint8_t value) {
  const unsigned half = offset & 1;
  switch (offset - half) {
    case kStatus:
      status_ &= ~(value << (8 * half));
      break;
    case kEnable:
      enable_ = with_byte(enable_, half, value) & kEnableWritable;
      break;
    case kControl:
      write_control(with_byte(control_, half, value));
      break;
    default:
      break;
  }
}

void AcpiPm::write_control(uint16_t value) {
  control_ = value & kControlWritable;
  const bool is_off = (value & kSuspendType) == kSoftOff << 10;
  if ((value & kSuspendEnable) && is_off) power_off_();
}

void AcpiPm::press_power_button() {
  status_ |= kPowerButton;
  update();
}

void AcpiPm::set_sci_enable(bool enable) {
  control_ = enable ? control_ | kSciEnable : control_ & ~kSciEnable;
  update();
}

void AcpiPm::note_overflow() {
  const int64_t now = ticks();
  if (now < overflow_) return;
  status_ |= kTimerOverflow;
  overflow_ = (now / kHalfPeriod + 1) * kHalfPeriod;
}

void AcpiPm::update() {
  const bool sci = control_ & kSciEnable;
  sci_.set(sci && (status_ & enable_));
  const bool waits = sci && (enable_ & ~status_ & kTimerOverflow);
  set_next_event(waits ? time_of_tick(overflow_, kTimerFrequency) : kNever);
}

void AcpiPm::advance() {
  note_overflow();
  update();
}

}  // namespace ringdown

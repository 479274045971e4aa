#include "vdevices/io_apic.h"

namespace ringdown {
namespace {

using namespace apic_field;

constexpr uint32_t kSelectOffset = 0x00, kWindowOffset = 0x10;

enum Register : uint8_t { kId = 0, kVersion = 1, kArbitration = 2, kRedirection = 0x10 };

constexpr uint32_t kVersionValue = 0x11 | (IoApic::kPins - 1) << 16;
constexpr uint32_t kIdWritable = 0x0F000000;
constexpr uint32_t kLowWritable = kVector | kDelivery | kLogical | kPolarity | kLevel | kMasked;
constexpr uint32_t kHighWritable = 0xFF000000;

}  // namespace

IoApic::IoApic(Send send) : send_(std::move(send)) { redirections_.fill({.low = kMasked, .high = 0}); }

uint32_t IoApic::read_memory(uint32_t offset, unsigned size) {
  if (size != 4) return 0;
  if (offset == kSelectOffset) return selected_;
  return offset == kWindowOffset ? read_register() : 0;
}

void IoApic::write_memory(uint32_t offset, unsigned size, uint32_t value) {
  if (size != 4) return;
  if (offset == kSelectOffset) selected_ = static_cast<uint8_t>(value);
  if (offset == kWindowOffset) write_register(value);
}

uint32_t IoApic::read_register() const {
  const unsigned pin = (selected_ - kRedirection) / 2u;
  if (selected_ >= kRedirection && pin < kPins)
    return selected_ & 1 ? redirections_[pin].high : redirections_[pin].low;
  if (selected_ == kId || selected_ == kArbitration) return id_;
  return selected_ == kVersion ? kVersionValue : 0;
}

void IoApic::write_register(uint32_t value) {
  const unsigned pin = (selected_ - kRedirection) / 2u;
  if (selected_ == kId)
    id_ = value & kIdWritable;
  else if (selected_ < kRedirection || pin >= kPins)
    return;
  else if (selected_ & 1)
    redirections_[pin].high = value & kHighWritable;
  else
    write_low(pin, value);
}

// Remote IRR is of level-triggered entries only: whoever makes one edge triggered clears it.
void IoApic::write_low(unsigned pin, uint32_t value) {
  uint32_t& low = redirections_[pin].low;
  const uint32_t remote_irr = value & kLevel ? low & kRemoteIrr : 0;
  low = (value & kLowWritable) | remote_irr;
  drive(pin);
}

bool IoApic::masked(unsigned pin) const { return redirections_[pin].low & kMasked; }

// An edge that comes while its entry is masked is lost (data sheet, 3.2.4, "Interrupt Mask").
void IoApic::set_pin(unsigned pin, bool level) {
  const uint32_t bit = 1u << pin;
  const bool rises = level && !(levels_ & bit);
  levels_ = level ? levels_ | bit : levels_ & ~bit;
  const Redirection& entry = redirections_[pin];
  if (entry.low & kLevel)
    drive(pin);
  else if (rises && !masked(pin))
    send(entry);
}

// A level-triggered pin that is asserted: one message, and another one after its end.
void IoApic::drive(unsigned pin) {
  Redirection& entry = redirections_[pin];
  if (!(entry.low & kLevel) || (entry.low & (kMasked | kRemoteIrr)) || !(levels_ >> pin & 1)) return;
  const bool accepted = send(entry);
  const ApicDelivery how = delivery(entry.low);
  const bool ends = how == ApicDelivery::kFixed || how == ApicDelivery::kLowestPriority;
  if (accepted && ends) entry.low |= kRemoteIrr;
}

bool IoApic::send(const Redirection& entry) {
  return send_({.destination = static_cast<uint8_t>(entry.high >> 24),
                .logical = (entry.low & kLogical) != 0,
                .delivery = delivery(entry.low),
                .level = (entry.low & kLevel) != 0,
                .vector = vector(entry.low)});
}

void IoApic::end_of_interrupt(uint8_t vector) {
  for (unsigned pin = 0; pin < kPins; pin++) {
    uint32_t& low = redirections_[pin].low;
    if (!(low & kLevel) || apic_field::vector(low) != vector) continue;
    low &= ~kRemoteIrr;
    drive(pin);
  }
}

}  // namespace ringdown

#include "vdevices/i8254_counter.h"

#include <algorithm>

namespace ringdown {
namespace {

uint16_t to_bcd(unsigned value) {
  return static_cast<uint16_t>(value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 |
                               value % 10);
}

unsigned from_bcd(unsigned bcd) {
  return (bcd >> 12) * 1000 + (bcd >> 8 & 15) * 100 + (bcd >> 4 & 15) * 10 + (bcd & 15);
}

}  // namespace

I8254Counter::Tick I8254Counter::elapsed(Tick now) const {
  if (stopped_) return frozen_;
  return now > origin_ ? now - origin_ : 0;
}

// Takes a count that was waiting for the end of the period (mode 2) or of the half period (mode 3).
void I8254Counter::settle(Tick now) {
  if (now < reload_at_) return;
  const bool into_low_half = mode_ == 3 && (reload_at_ - origin_) % period_ != 0;
  period_ = written_;
  origin_ = into_low_half ? reload_at_ - (period_ + 1) / 2 : reload_at_;
  reload_at_ = kNoTick;
  null_count_ = false;
}

// The end of the current period (mode 2) or half period (mode 3); modes 2 and 3 only.
I8254Counter::Tick I8254Counter::next_boundary(Tick now) const {
  const Tick since = elapsed(now);
  const Tick start = origin_ + since - since % period_;
  const Tick high_half = (period_ + 1) / 2;
  return mode_ == 3 && since % period_ < high_half ? start + high_half : start + period_;
}

// The CLK pulse after `now` moves the count register into the counting element.
void I8254Counter::load(Tick now) {
  out_before_load_ = out(now);
  held_ = count(now);
  period_ = written_;
  origin_ = now + 1;
  reload_at_ = kNoTick;
  frozen_ = 0;
  stopped_ = !triggered() && !gate_;
  loaded_ = true;
  null_count_ = false;
}

void I8254Counter::stop(Tick now) {
  held_ = count(now);
  loaded_ = stopped_ = false;
  reload_at_ = kNoTick;
}

void I8254Counter::write_control(uint8_t control_word, Tick now) {
  stop(now);
  mode_ = control_word >> 1 & 7;
  if (mode_ > 5) mode_ -= 4;  // bit 2 of modes 2 and 3 is "don't care"
  access_ = static_cast<Access>(control_word >> 4 & 3);
  bcd_ = (control_word & 1) != 0;
  written_ = 0;
  null_count_ = true;
  high_byte_next_write_ = high_byte_next_read_ = false;
  count_latched_ = status_latched_ = false;
}

void I8254Counter::write(uint8_t byte, Tick now) {
  settle(now);
  switch (access_) {
    case Access::kLow:
      write_count(byte, now);
      return;
    case Access::kHigh:
      write_count(static_cast<uint16_t>(byte << 8), now);
      return;
    case Access::kLowThenHigh:
      break;
  }
  high_byte_next_write_ = !high_byte_next_write_;
  if (!high_byte_next_write_) {
    write_count(static_cast<uint16_t>(byte << 8 | low_byte_), now);
    return;
  }
  low_byte_ = byte;
  if (mode_ == 0) stop(now);  // the first byte stops the count and sets OUT low
}

I8254Counter::Tick I8254Counter::decode(uint16_t written) const {
  const Tick value = bcd_ ? from_bcd(written) % 10000 : written;
  return value == 0 ? modulus() : value;
}

void I8254Counter::write_count(uint16_t written, Tick now) {
  written_ = decode(written);
  null_count_ = true;
  if (triggered()) return;
  if (!periodic() || !loaded_ || now < origin_) {
    if (mode_ == 0) stop(now);
    load(now);
  } else if (!stopped_) {
    reload_at_ = next_boundary(now);
  }
}

void I8254Counter::set_gate(bool level, Tick now) {
  if (level == gate_) return;
  settle(now);
  const bool can_start = written_ != 0;
  if (triggered()) {
    if (level && can_start) load(now);
  } else if (level && periodic()) {
    gate_ = level;
    if (can_start) load(now);
  } else if (level) {
    origin_ = std::max(origin_, now - frozen_);
    stopped_ = false;
  } else {
    frozen_ = elapsed(now);
    stopped_ = loaded_;
    reload_at_ = kNoTick;  // the rising edge will load the count register
  }
  gate_ = level;
}

bool I8254Counter::out(Tick now) {
  settle(now);
  if (!loaded_) return mode_ != 0;
  if (periodic() && stopped_) return true;
  if (now < origin_) return out_before_load_;
  const Tick since = elapsed(now);
  switch (mode_) {
    case 0:
    case 1:
      return since >= period_;
    case 2:
      return period_ == 1 || since % period_ != period_ - 1;
    case 3:
      return since % period_ < (period_ + 1) / 2;
    default:
      return since != period_;  // 4 and 5: a strobe of one CLK
  }
}

I8254Counter::Tick I8254Counter::periodic_count(Tick elapsed) const {
  const Tick position = elapsed % period_;
  if (mode_ == 2) return period_ - position;
  // Mode 3 counts by two, from an even number, once for each level of OUT.
  const Tick high_half = (period_ + 1) / 2;
  return (period_ & ~Tick{1}) - 2 * (position < high_half ? position : position - high_half);
}

I8254Counter::Tick I8254Counter::count(Tick now) {
  settle(now);
  if (!loaded_ || now < origin_) return held_;
  const Tick since = elapsed(now);
  if (periodic()) return periodic_count(since);
  // The other modes count on, from the modulus, after the end.
  return (period_ - since % modulus() + modulus()) % modulus();
}

uint16_t I8254Counter::encoded_count(Tick now) {
  const auto value = static_cast<unsigned>(count(now) % modulus());
  return bcd_ ? to_bcd(value) : static_cast<uint16_t>(value);
}

void I8254Counter::latch_count(Tick now) {
  if (count_latched_) return;
  latched_count_ = encoded_count(now);
  count_latched_ = true;
}

void I8254Counter::latch_status(Tick now) {
  if (status_latched_) return;
  const bool level = out(now);
  const bool null_count = null_count_ || (loaded_ && now < origin_);
  latched_status_ = static_cast<uint8_t>(level << 7 | null_count << 6 | static_cast<unsigned>(access_) << 4 |
                                         mode_ << 1 | unsigned{bcd_});
  status_latched_ = true;
}

uint8_t I8254Counter::read(Tick now) {
  if (status_latched_) {
    status_latched_ = false;
    return latched_status_;
  }
  const uint16_t value = count_latched_ ? latched_count_ : encoded_count(now);
  const uint8_t byte = split(value);
  if (!high_byte_next_read_) count_latched_ = false;
  return byte;
}

uint8_t I8254Counter::split(uint16_t value) {
  switch (access_) {
    case Access::kLow:
      return static_cast<uint8_t>(value);
    case Access::kHigh:
      return static_cast<uint8_t>(value >> 8);
    case Access::kLowThenHigh:
      break;
  }
  high_byte_next_read_ = !high_byte_next_read_;
  return static_cast<uint8_t>(high_byte_next_read_ ? value : value >> 8);
}

I8254Counter::Tick I8254Counter::next_rise(Tick now) {
  settle(now);
  if (!loaded_) return kNoTick;
  if (mode_ >= 4 && now < origin_ && !out_before_load_) return origin_;  // a load cuts the strobe short
  if (stopped_) return kNoTick;
  if (!periodic()) {
    const Tick end = origin_ + period_ + (mode_ >= 4 ? 1 : 0);
    return end > now ? end : kNoTick;
  }
  if (period_ == 1 && reload_at_ == kNoTick) return kNoTick;  // OUT never falls
  const bool high_half = mode_ == 3 && elapsed(now) % period_ < (period_ + 1) / 2;
  if (high_half && reload_at_ != kNoTick) return reload_at_ + written_ / 2;
  const Tick since = elapsed(now);
  return origin_ + since - since % period_ + period_;
}

}  // namespace ringdown

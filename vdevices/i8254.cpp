#include "vdevices/i8254.h"

#include "vdevices/ticks.h"

namespace ringdown {
namespace {

constexpr uint16_t kControlPort = 3;

}  // namespace

int64_t I8254::ticks_at(Nanoseconds time) { return ringdown::ticks_at(time, kFrequency); }

Nanoseconds I8254::time_of(int64_t tick) { return time_of_tick(tick, kFrequency); }

I8254::I8254(const Clock& clock, Line& out0) : clock_(clock), out0_(out0) { counters_[2].set_gate(false, 0); }

uint32_t I8254::read_port(uint16_t offset, unsigned) {
  if (offset >= kControlPort) return 0xFF;  // write only
  return counters_[offset].read(ticks());
}

void I8254::write_port(uint16_t offset, unsigned, uint32_t value) {
  const int64_t now = ticks();
  advance_to(now);
  const auto byte = static_cast<uint8_t>(value);
  if (offset < kControlPort) {
    counters_[offset].write(byte, now);
  } else {
    write_control(byte, now);
  }
  if (offset == 0 || offset == kControlPort) update_out0(now);
}

void I8254::write_control(uint8_t value, int64_t now) {
  const unsigned counter = value >> 6;
  if (counter == 3) {
    read_back(value, now);
  } else if ((value & 0x30) == 0) {
    counters_[counter].latch_count(now);
  } else {
    counters_[counter].write_control(value, now);
  }
}

void I8254::read_back(uint8_t value, int64_t now) {
  for (unsigned i = 0; i < 3; ++i) {
    if ((value & 2u << i) == 0) continue;
    if ((value & 0x20) == 0) counters_[i].latch_count(now);
    if ((value & 0x10) == 0) counters_[i].latch_status(now);
  }
}

void I8254::set_gate(unsigned counter, bool level) {
  const int64_t now = ticks();
  advance_to(now);
  counters_[counter].set_gate(level, now);
  if (counter == 0) update_out0(now);
}

// Modes 0 and 1 have a level that lasts; the others rest high between their pulses.
void I8254::update_out0(int64_t now) {
  I8254Counter& counter = counters_[0];
  set_out0_rise(counter.next_rise(now));
  out0_.set(counter.mode() > 1 || counter.out(now));
}

void I8254::set_out0_rise(int64_t tick) {
  if (tick == out0_rise_) return;
  out0_rise_ = tick;
  set_next_event(tick == I8254Counter::kNoTick ? kNever : time_of(tick));
}

void I8254::advance() { advance_to(ticks()); }

void I8254::advance_to(int64_t now) {
  if (now < out0_rise_) return;
  out0_.set(false);
  out0_.set(true);
  set_out0_rise(counters_[0].next_rise(now));
}

}  // namespace ringdown

#pragma once
#include <array>
#include <cstdint>

#include "vdevices/clock.h"
#include "vdevices/i8254_counter.h"
#include "vdevices/line.h"
#include "vdevices/port_device.h"

namespace ringdown {

// The 8254 programmable interval timer (Intel data sheet 231164) of a PC. Ports: +0 to +2 counters (r/w),
// +3 control word (w). The gates of counters 0 and 1 are tied high, that of counter 2 starts low.
//
// `out0` shows what an edge-triggered input needs to see of OUT0. In modes 2 and 3 it stays high and
// is pulsed low and high at the first advance() after one or more periods have ended: ticks that were missed
// coalesce, as they do in the interrupt controller's request latch.
class I8254 : public PortDevice, public TimedDevice {
 public:
  static constexpr uint32_t kFrequency = 1193182;  // Hz

  // Both are not owned and must outlive the timer.
  I8254(const Clock& clock, Line& out0);

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

  void set_gate(unsigned counter, bool level);
  bool gate(unsigned counter) const { return counters_[counter].gate(); }
  // The OUT pin as it is now.
  bool out(unsigned counter) { return counters_[counter].out(ticks()); }

  void advance() override;

  // CLK pulses in the first `time` nanoseconds, rounded down; exact for ever, as no remainder is carried.
  static int64_t ticks_at(Nanoseconds time);
  // The earliest time at which ticks_at() is `tick`.
  static Nanoseconds time_of(int64_t tick);

 private:
  int64_t ticks() const { return ticks_at(clock_.now()); }
  void write_control(uint8_t value, int64_t now);
  void read_back(uint8_t value, int64_t now);
  void update_out0(int64_t now);
  void advance_to(int64_t now);
  void set_out0_rise(int64_t tick);

  const Clock& clock_;
  Line& out0_;
  std::array<I8254Counter, 3> counters_;
  int64_t out0_rise_ = I8254Counter::kNoTick;
};

}  // namespace ringdown

#pragma once
#include <array>
#include <cstdint>

#include "vdevices/clock.h"
#include "vdevices/line.h"
#include "vdevices/port_device.h"

namespace ringdown {

// The real-time clock and 128 bytes of CMOS RAM of a PC/AT (Motorola MC146818 data sheet; the RAM's layout is
// the AT's). Ports: +0 index and NMI mask (w), +1 data (r/w).
//
// The time of day comes from the base handed to the constructor plus the clock: the host's time is never
// asked for again. The registers are the truth, as in the chip: an update adds to them the seconds that have
// passed since the last one, when somebody looks. An update itself takes no time; UIP announces it.
class Mc146818 : public PortDevice, public TimedDevice {
 public:
  // `clock` and `irq` are not owned. `utc_seconds`: seconds since 1970-01-01 00:00:00 UTC at clock time 0.
  // Starts as firmware leaves it: BCD, 24 hours, divider running, rate 1024 Hz, no interrupt enabled.
  Mc146818(const Clock& clock, Line& irq, int64_t utc_seconds);

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

  bool nmi_masked() const { return nmi_masked_; }

  void advance() override;

  // For the machine: what firmware would have left in RAM, with its sum. `index` is 0Eh to 7Fh.
  uint8_t cmos(uint8_t index) const { return registers_[index & 0x7F]; }
  void set_cmos(uint8_t index, uint8_t value);
  // RAM in bytes that starts at 0, and RAM that starts at 4 GiB: bytes 15h-18h, 30h, 31h, 34h, 35h, 5Bh-5Dh.
  void set_memory_size(uint64_t below_4g, uint64_t above_4g);
  void set_equipment(uint8_t value);

 private:
  struct Time {
    int64_t days;  // since 1970-01-01
    unsigned second_of_day;
  };

  bool divider_reset() const;
  bool updates_inhibited() const;
  unsigned periodic_shift() const;
  bool update_in_progress() const;
  uint64_t divider_nanoseconds() const;
  Nanoseconds time_of_cycle(uint64_t cycle) const;
  void sync();
  void update_time(uint64_t seconds);
  void update_irq();
  Nanoseconds next_interrupt() const;
  uint8_t read_register(uint8_t index);
  void write_register(uint8_t index, uint8_t value);
  void write_register_a(uint8_t value);
  void set_sum();
  void set_word(uint8_t index, uint64_t value);

  uint8_t encode(unsigned value) const;
  unsigned decode(uint8_t value) const;
  uint8_t encode_hours(unsigned hours) const;
  unsigned decode_hours(uint8_t value) const;
  Time time() const;
  void set_time(const Time& time);
  bool alarm_within(unsigned second_of_day, uint64_t seconds) const;

  const Clock& clock_;
  Line& irq_;
  std::array<uint8_t, 128> registers_{};
  uint8_t index_ = 0;
  bool nmi_masked_ = false;
  // The divider chain counts 32768 Hz cycles since this clock time, which a restart puts half a second in the
  // past.
  int64_t divider_origin_ = 0;
  uint64_t cycles_seen_ = 0;
};

}  // namespace ringdown

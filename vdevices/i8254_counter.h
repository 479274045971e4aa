#pragma once
#include <cstdint>
#include <limits>

namespace ringdown {

// One counter of an 8254 (Intel data sheet 231164), as a function of the number of CLK pulses since power-on.
// Nothing counts: the count and OUT are computed from the tick at which the counting element was loaded, so
// a read is right at any time and an idle counter costs nothing. `now` must never go back.
class I8254Counter {
 public:
  using Tick = int64_t;
  static constexpr Tick kNoTick = std::numeric_limits<Tick>::max();

  // A control word with RW1-RW0 other than 00: sets mode, access and BCD, and stops the counter.
  void write_control(uint8_t control_word, Tick now);
  void write(uint8_t byte, Tick now);
  // The next byte: of the latched status, else of the latched count, else of the count as it is now.
  uint8_t read(Tick now);
  // A latch stays until it has been read; latching again before that is ignored.
  void latch_count(Tick now);
  void latch_status(Tick now);
  void set_gate(bool level, Tick now);

  bool gate() const { return gate_; }
  unsigned mode() const { return mode_; }
  bool out(Tick now);
  // The first tick after `now` at which OUT goes from low to high by itself, or kNoTick.
  Tick next_rise(Tick now);

 private:
  enum class Access : uint8_t { kLow = 1, kHigh = 2, kLowThenHigh = 3 };

  bool periodic() const { return mode_ == 2 || mode_ == 3; }
  bool triggered() const { return mode_ == 1 || mode_ == 5; }
  Tick modulus() const { return bcd_ ? 10000 : 65536; }
  Tick elapsed(Tick now) const;
  Tick count(Tick now);
  Tick periodic_count(Tick elapsed) const;
  Tick next_boundary(Tick now) const;
  uint16_t encoded_count(Tick now);
  Tick decode(uint16_t written) const;
  uint8_t split(uint16_t value);
  void settle(Tick now);
  void load(Tick now);
  void stop(Tick now);
  void write_count(uint16_t written, Tick now);

  uint8_t mode_ = 0;
  Access access_ = Access::kLowThenHigh;
  bool bcd_ = false;
  bool gate_ = true;

  Tick written_ = 0;          // the count register: 1 to 65536 (10000 in BCD), 0 before the first write
  bool null_count_ = true;    // the count register has not been taken by the counting element
  Tick period_ = 0;           // what the counting element was loaded with
  Tick origin_ = 0;           // the tick at which it was
  Tick reload_at_ = kNoTick;  // modes 2 and 3: when it takes written_, if that is newer
  Tick held_ = 0;             // the count while nothing is loaded, or not yet
  Tick frozen_ = 0;           // elapsed() while the gate stops counting
  bool loaded_ = false;
  bool stopped_ = false;
  bool out_before_load_ = false;  // OUT between a load's cause and the CLK pulse that does it

  bool high_byte_next_write_ = false;
  bool high_byte_next_read_ = false;
  uint8_t low_byte_ = 0;
  bool count_latched_ = false;
  bool status_latched_ = false;
  uint16_t latched_count_ = 0;
  uint8_t latched_status_ = 0;
};

}  // namespace ringdown

#pragma once
#include <array>
#include <cstdint>
#include <functional>

#include "vdevices/clock.h"
#include "vdevices/line.h"
#include "vdevices/memory_device.h"

namespace ringdown {

// A high precision event timer block (IA-PC HPET Specification 1.0a): a 64-bit counter of 10 ns and three
// timers, each one-shot or periodic, 64 bits wide; no FSB interrupts. Registers, dwords (PC: FED00000h): 000h
// capabilities, 010h configuration, 020h interrupt status, 0F0h counter, 100h+20h*n timer n. Writes of less
// than a dword are ignored.
//
// Nothing counts: the counter is computed when it is asked for. Each timer can be routed to pins 20 to 23 of
// the I/O APIC; with legacy replacement timers 0 and 1 take the lines of the 8254 and the RTC instead, which
// therefore go through here.
class Hpet : public MemoryDevice, public TimedDevice {
 public:
  static constexpr unsigned kTimers = 3;
  static constexpr Nanoseconds kPeriod = 10;
  static constexpr uint32_t kRoutes = 0x00F00000;  // a bit for each pin of the I/O APIC

  struct Outputs {
    Line& irq0;  // of the ISA bus, to the interrupt controllers
    Line& irq8;
    std::function<void(unsigned pin, bool level)> io_apic;  // of kRoutes only
  };
  // `clock` and the lines are not owned.
  Hpet(const Clock& clock, Outputs outputs);
  Hpet(const Hpet&) = delete;

  // What the 8254's counter 0, and the RTC, are to drive: irq0, and irq8, unless a timer has taken them.
  Line& irq0_input() { return inputs_[0]; }
  Line& irq8_input() { return inputs_[1]; }
  bool legacy_replacement() const { return configuration_ & kLegacyReplacement; }

  uint32_t read_memory(uint32_t offset, unsigned size) override;
  void write_memory(uint32_t offset, unsigned size, uint32_t value) override;
  void advance() override;

 private:
  static constexpr uint32_t kEnable = 1, kLegacyReplacement = 2;
  struct Timer {
    uint32_t configuration = 0;  // what is writable of the low half of its register
    bool sets_value = false;     // VAL_SET: the next write of the comparator is not of the period alone
    uint64_t comparator = ~uint64_t{0};
    uint64_t period = 0;
    Nanoseconds due = kNever;  // when the counter is at the comparator next

    bool has(uint32_t bit) const { return configuration & bit; }
    uint64_t mask() const;
  };

  bool counts() const { return configuration_ & kEnable; }
  uint64_t counter() const;
  uint32_t read_register(uint32_t offset) const;
  uint32_t read_timer(const Timer& timer, uint32_t offset) const;
  void write_register(uint32_t offset, uint32_t value);
  void write_configuration(uint32_t value);
  void write_status(uint32_t value);
  void write_counter(unsigned half, uint32_t value);
  void write_timer(unsigned n, uint32_t offset, uint32_t value);
  void write_timer_configuration(unsigned n, uint32_t value);
  void write_comparator(Timer& timer, unsigned half, uint32_t value);

  void schedule(Timer& timer);
  void settle();
  void go_on(Timer& timer, Nanoseconds now);
  void match(unsigned n);
  void arm();
  bool takes_legacy_line(unsigned n) const { return legacy_replacement() && n < inputs_.size(); }
  void drive(unsigned n, bool level);
  void drive_level(unsigned n);

  const Clock& clock_;
  Outputs outputs_;
  std::array<Line, 2> inputs_;
  uint32_t configuration_ = 0;
  uint32_t status_ = 0;   // of level-triggered timers, a bit each
  uint64_t counter_ = 0;  // at started_, or while it is halted
  Nanoseconds started_ = 0;
  std::array<Timer, kTimers> timers_;
};

}  // namespace ringdown

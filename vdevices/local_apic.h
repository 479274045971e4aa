#pragma once
#include <array>
#include <cstdint>
#include <functional>

#include "vdevices/apic_message.h"
#include "vdevices/clock.h"
#include "vdevices/line.h"
#include "vdevices/memory_device.h"

namespace ringdown {

// The local APIC of the only processor (SDM vol. 3, chapter 10), xAPIC mode, version 14h: 4 KiB of registers,
// a dword each at a multiple of 16 bytes (PC: FEE00000h). Writes of other sizes are ignored, reads of them
// give their part of the register.
//
// There is no system management mode: SMIs are dropped, as INIT and start-up messages to this processor are.
class LocalApic : public MemoryDevice, public TimedDevice {
 public:
  struct Outputs {
    std::function<void(bool)> intr;  // an interrupt is to be acknowledged: told of each change
    std::function<void()> nmi;
    // Broadcast of the end of a level-triggered interrupt.
    std::function<void(uint8_t vector)> end_of_interrupt;
    // The 8259A's INTA cycle: returns its vector.
    std::function<uint8_t()> acknowledge_external;
  };
  // IA32_APIC_BASE (MSR 1Bh).
  static constexpr uint64_t kBootstrapProcessor = 1 << 8, kGlobalEnable = 1 << 11;
  static constexpr uint64_t kPowerOnBase = 0xFEE00000 | kBootstrapProcessor | kGlobalEnable;

  // `clock` is not owned. The timer counts, before its divider, once in `timer_period` nanoseconds.
  LocalApic(const Clock& clock, Nanoseconds timer_period, Outputs outputs);
  LocalApic(const LocalApic&) = delete;

  uint32_t read_memory(uint32_t offset, unsigned size) override;
  void write_memory(uint32_t offset, unsigned size, uint32_t value) override;
  void advance() override { settle_timer(); }

  // IA32_APIC_BASE.EN. Disabled, the APIC is as if it were not there: LINT0 is INTR, LINT1 is NMI. All of its
  // state is that after power-on, then.
  void set_enabled(bool enabled);
  bool enabled() const { return enabled_; }

  // LINT0, which is the 8259A's INTR on a PC, and LINT1, which is NMI.
  void set_lint(unsigned pin, bool level);
  // A message on the bus. False: it is not for this processor, or is not accepted.
  bool deliver(const ApicMessage& message);
  // The processor's INTA: puts the interrupt in service and returns its vector. With none there is it is the
  // spurious one.
  uint8_t acknowledge();

 private:
  // A bit for each vector: ISR, TMR and IRR.
  class VectorSet {
   public:
    bool has(uint8_t vector) const { return words_[vector / 32] >> vector % 32 & 1; }
    void set(uint8_t vector, bool on = true) {
      const uint32_t bit = 1u << vector % 32;
      words_[vector / 32] = on ? words_[vector / 32] | bit : words_[vector / 32] & ~bit;
    }
    int highest() const;  // -1: empty
    uint32_t word(unsigned n) const { return words_[n]; }

   private:
    std::array<uint32_t, 8> words_{};
  };
  // Of the local vector table, in the order of their registers from 320h on.
  enum Lvt : uint8_t { kTimer, kThermal, kPerformance, kLint0, kLint1, kError, kLvts };

  void power_on();
  bool software_enabled() const;
  uint32_t read_register(unsigned index);
  void write_register(unsigned index, uint32_t value);
  void write_spurious(uint32_t value);
  void write_lvt(Lvt entry, uint32_t value);
  void write_command(uint32_t value);
  void end_of_interrupt();
  bool is_destination(const ApicMessage& message) const;

  bool accept(uint8_t vector, bool level);
  void fire(Lvt entry);
  void drive_lint(Lvt entry);
  bool passes_external() const;
  uint8_t processor_priority() const;
  uint8_t arbitration_priority() const;
  int deliverable() const;
  void update();
  void note_error(uint32_t bit);

  bool periodic() const;
  Nanoseconds timer_step() const { return timer_period_ * divider_; }
  uint32_t timer_count() const;
  void start_timer(uint32_t count);
  void settle_timer();
  void arm_timer();
  void write_divide(uint32_t value);

  const Clock& clock_;
  const Nanoseconds timer_period_;
  Outputs outputs_;
  Line intr_;
  bool enabled_ = true;
  std::array<bool, 2> lint_{};  // levels of the pins

  uint32_t id_, task_priority_, logical_id_, destination_format_, spurious_;
  VectorSet in_service_, trigger_mode_, requests_;
  uint32_t errors_, new_errors_;  // ESR as it reads; what its next write will put there
  uint32_t command_low_, command_high_;
  std::array<uint32_t, kLvts> lvt_;
  bool external_message_;  // an ExtINT message waits

  uint32_t initial_count_, divide_;
  unsigned divider_;
  Nanoseconds expiry_;  // when the count reaches 0; kNever: it is 0
};

}  // namespace ringdown

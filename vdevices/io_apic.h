#pragma once
#include <array>
#include <cstdint>
#include <functional>

#include "vdevices/apic_message.h"
#include "vdevices/memory_device.h"

namespace ringdown {

// The 82093AA I/O APIC (Intel data sheet 290566), with 24 interrupt pins. Registers, dwords: +00h IOREGSEL
// (r/w), +10h IOWIN (r/w) (PC: FEC00000h). Accesses of other sizes are ignored, and read 0.
//
// The level of a pin is that of its line, asserted or not: the polarity that an entry names is kept, no more.
class IoApic : public MemoryDevice {
 public:
  static constexpr unsigned kPins = 24;
  // Puts a message on the APIC bus. False: no processor has accepted it.
  using Send = std::function<bool(const ApicMessage&)>;

  explicit IoApic(Send send);

  uint32_t read_memory(uint32_t offset, unsigned size) override;
  void write_memory(uint32_t offset, unsigned size, uint32_t value) override;

  // `pin` is 0 to 23.
  void set_pin(unsigned pin, bool level);
  bool masked(unsigned pin) const;
  // A processor has ended a level-triggered interrupt of this vector.
  void end_of_interrupt(uint8_t vector);

 private:
  struct Redirection {
    uint32_t low, high;
  };

  uint32_t read_register() const;
  void write_register(uint32_t value);
  void write_low(unsigned pin, uint32_t value);
  bool send(const Redirection& entry);
  void drive(unsigned pin);

  Send send_;
  uint8_t selected_ = 0;  // IOREGSEL
  uint32_t id_ = 0;
  uint32_t levels_ = 0;  // of the pins, a bit each
  std::array<Redirection, kPins> redirections_;
};

}  // namespace ringdown

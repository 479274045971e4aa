#pragma once
#include <array>
#include <cstdint>
#include <functional>

#include "vdevices/line.h"
#include "vdevices/port_device.h"

namespace ringdown {

// One 8259A programmable interrupt controller (Intel data sheet 231468), in 8086 mode whatever ICW4 says.
// Ports: +0 ICW1 OCW2 OCW3 (w), IRR ISR poll (r); +1 ICW2-4 OCW1 (w), IMR poll (r).
//
// As in the chip, a request is withdrawn when its input falls before it is acknowledged: a device holds its
// line until it is served, and whoever only pulses a line must leave it high.
class I8259a : public PortDevice {
 public:
  // `on_int` is told of each change of the INT output pin.
  explicit I8259a(std::function<void(bool)> on_int) : int_(std::move(on_int)) {}
  I8259a(const I8259a&) = delete;
  I8259a& operator=(const I8259a&) = delete;

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

  void set_input(unsigned ir, bool level);
  bool interrupt_output() const { return int_.level(); }
  // The INTA cycles: puts the highest request in service and returns its IR number; 7, and nothing in
  // service, if there is none (a spurious interrupt).
  unsigned acknowledge();
  // A further edge of this input would change nothing: it is masked, and its request is latched already.
  bool ignores_edge(unsigned ir) const { return (imr_ & edges_) >> ir & 1; }
  uint8_t vector(unsigned ir) const { return static_cast<uint8_t>(vector_base_ | ir); }
  bool in_service(unsigned ir) const { return (isr_ >> ir & 1) != 0; }
  // For people: IRR, ISR, IMR and ICW2 as they are.
  struct Registers {
    uint8_t irr, isr, imr, vector_base;
  };
  Registers registers() const { return {irr(), isr_, imr_, vector_base_}; }

  // The edge/level control register of this chip (82371SB data sheet): a set bit makes that input level
  // triggered, in addition to ICW1's LTIM.
  uint8_t elcr() const { return elcr_; }
  void set_elcr(uint8_t value);

  // Power-on state: not initialised, all inputs unmasked, input levels as they are.
  void reset();

 private:
  enum class Next : uint8_t { kOperation, kIcw2, kIcw3, kIcw4 };
  static constexpr unsigned kCascadeInput = 2;
  static constexpr unsigned kNone = 8;

  uint8_t irr() const { return inputs_ & (level_triggered() | edges_); }
  uint8_t level_triggered() const { return ltim_ ? 0xFF : elcr_; }
  unsigned rank(unsigned ir) const { return (ir - lowest_ - 1) & 7; }
  unsigned highest(uint8_t set) const;
  unsigned pending() const;
  void update() { int_.set(pending() != kNone); }
  void take(unsigned ir);
  uint8_t poll();
  void write_icw1(uint8_t value);
  void write_odd(uint8_t value);
  void write_icw4(uint8_t value);
  void write_ocw2(uint8_t value);
  void write_ocw3(uint8_t value);
  void end_of_interrupt(unsigned ir, bool rotate);

  Line int_;
  uint8_t inputs_ = 0;  // levels of IR0-IR7
  uint8_t edges_ = 0;   // inputs that have risen since they were last acknowledged
  uint8_t isr_ = 0;
  uint8_t imr_ = 0;
  uint8_t elcr_ = 0;
  uint8_t vector_base_ = 0;
  uint8_t lowest_ = 7;  // the input of lowest priority
  Next next_ = Next::kOperation;
  bool ltim_ = false;
  bool single_ = false;
  bool icw4_needed_ = false;
  bool auto_eoi_ = false;
  bool rotate_on_auto_eoi_ = false;
  bool special_mask_ = false;
  bool special_fully_nested_ = false;
  bool read_isr_ = false;
  bool poll_ = false;
};

// The two controllers of a PC/AT: the slave's INT is the master's IR2.
class I8259aPair {
 public:
  // `on_intr` is told of each change of INTR, the master's INT pin.
  explicit I8259aPair(std::function<void(bool)> on_intr = {});
  I8259aPair(const I8259aPair&) = delete;
  I8259aPair& operator=(const I8259aPair&) = delete;

  PortDevice& master() { return master_; }  // 2 ports, PC: 20h
  PortDevice& slave() { return slave_; }    // 2 ports, PC: A0h
  PortDevice& elcr() { return elcr_; }      // 2 ports, PC: 4D0h

  // The input of ISA interrupt 0 to 15. As on the ISA bus, 2 is another name of 9.
  Line& ir(unsigned irq) { return lines_[irq == 2 ? 9 : irq]; }

  const I8259a& master_chip() const { return master_; }
  const I8259a& slave_chip() const { return slave_; }

  bool interrupt_requested() const { return master_.interrupt_output(); }
  bool ignores_edge(unsigned irq) const { return (irq < 8 ? master_ : slave_).ignores_edge(irq & 7); }
  // The processor's INTA: returns the vector. If the request has gone meanwhile, it is the spurious one of
  // the master's IR7 (or of the slave's).
  uint8_t acknowledge();
  void reset();

 private:
  class Elcr : public PortDevice {
   public:
    explicit Elcr(I8259aPair& pair) : pair_(pair) {}
    uint32_t read_port(uint16_t offset, unsigned size) override;
    void write_port(uint16_t offset, unsigned size, uint32_t value) override;

   private:
    I8259aPair& pair_;
  };

  I8259a master_;
  I8259a slave_;
  Elcr elcr_{*this};
  std::array<Line, 16> lines_;
};

}  // namespace ringdown

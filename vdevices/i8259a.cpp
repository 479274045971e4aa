#include "vdevices/i8259a.h"

#include <bit>

namespace ringdown {
namespace {

constexpr uint8_t bit(unsigned ir) { return static_cast<uint8_t>(1u << ir); }

enum Icw1 : uint8_t { kIcw1Ic4 = 0x01, kIcw1Single = 0x02, kIcw1LevelTriggered = 0x08, kIcw1 = 0x10 };
enum Icw4 : uint8_t { kIcw4AutoEoi = 0x02, kIcw4SpecialFullyNested = 0x10 };
enum Ocw3 : uint8_t {
  kOcw3 = 0x08,
  kOcw3ReadRegister = 0x02,
  kOcw3ReadIsr = 0x01,
  kOcw3Poll = 0x04,
  kOcw3SpecialMask = 0x20,
  kOcw3EnableSpecialMask = 0x40,
};

// The system timer, keyboard, cascade, RTC and coprocessor inputs are edge triggered for good.
constexpr uint8_t kElcrWritable[2] = {0xF8, 0xDE};

}  // namespace

unsigned I8259a::highest(uint8_t set) const {
  if (set == 0) return kNone;
  const int first = (lowest_ + 1) & 7;
  return static_cast<unsigned>(std::countr_zero(std::rotr(set, first)) + first) & 7;
}

// The request that the chip would present now, or kNone.
unsigned I8259a::pending() const {
  const unsigned request = highest(irr() & ~imr_);
  if (request == kNone) return kNone;
  uint8_t blocking = isr_;
  if (special_mask_) blocking &= ~imr_;
  // Only the master is given this mode: a slave in service must not keep its own higher requests out.
  if (special_fully_nested_) blocking &= ~bit(kCascadeInput);
  const unsigned current = highest(blocking);
  return current == kNone || rank(request) < rank(current) ? request : kNone;
}

void I8259a::set_input(unsigned ir, bool level) {
  if (level) {
    if ((inputs_ & bit(ir)) == 0) edges_ |= bit(ir);
    inputs_ |= bit(ir);
  } else {
    inputs_ &= ~bit(ir);
    edges_ &= ~bit(ir);
  }
  update();
}

void I8259a::take(unsigned ir) {
  edges_ &= ~bit(ir);
  if (!auto_eoi_) {
    isr_ |= bit(ir);
  } else if (rotate_on_auto_eoi_) {
    lowest_ = static_cast<uint8_t>(ir);
  }
}

unsigned I8259a::acknowledge() {
  const unsigned ir = pending();
  if (ir == kNone) return 7;
  take(ir);
  // INT falls with each INTA. A slave that has another request raises it anew: its master needs the edge.
  int_.set(false);
  update();
  return ir;
}

uint8_t I8259a::poll() {
  poll_ = false;
  return pending() == kNone ? 0 : static_cast<uint8_t>(0x80 | acknowledge());
}

uint32_t I8259a::read_port(uint16_t offset, unsigned) {
  if (poll_) return poll();
  if (offset == 1) return imr_;
  return read_isr_ ? isr_ : irr();
}

void I8259a::write_port(uint16_t offset, unsigned, uint32_t value) {
  const auto byte = static_cast<uint8_t>(value);
  if (offset == 1) {
    write_odd(byte);
  } else if ((byte & kIcw1) != 0) {
    write_icw1(byte);
  } else if ((byte & kOcw3) != 0) {
    write_ocw3(byte);
  } else {
    write_ocw2(byte);
  }
  update();
}

void I8259a::write_icw1(uint8_t value) {
  edges_ = isr_ = imr_ = 0;
  lowest_ = 7;
  special_mask_ = read_isr_ = poll_ = rotate_on_auto_eoi_ = false;
  ltim_ = (value & kIcw1LevelTriggered) != 0;
  single_ = (value & kIcw1Single) != 0;
  icw4_needed_ = (value & kIcw1Ic4) != 0;
  write_icw4(0);
  next_ = Next::kIcw2;
}

void I8259a::write_icw4(uint8_t value) {
  auto_eoi_ = (value & kIcw4AutoEoi) != 0;
  special_fully_nested_ = (value & kIcw4SpecialFullyNested) != 0;
}

void I8259a::write_odd(uint8_t value) {
  const Next after_icw3 = icw4_needed_ ? Next::kIcw4 : Next::kOperation;
  switch (next_) {
    case Next::kOperation:
      imr_ = value;
      return;
    case Next::kIcw2:
      vector_base_ = value & 0xF8;
      next_ = single_ ? after_icw3 : Next::kIcw3;
      return;
    // The wiring is the PC's, whatever the guest says of it.
    case Next::kIcw3:
      next_ = after_icw3;
      return;
    case Next::kIcw4:
      write_icw4(value);
      next_ = Next::kOperation;
      return;
  }
}

void I8259a::end_of_interrupt(unsigned ir, bool rotate) {
  if (ir == kNone) return;
  isr_ &= ~bit(ir);
  if (rotate) lowest_ = static_cast<uint8_t>(ir);
}

void I8259a::write_ocw2(uint8_t value) {
  const bool rotate = (value & 0x80) != 0;
  const bool specific = (value & 0x40) != 0;
  const bool eoi = (value & 0x20) != 0;
  const unsigned level = value & 7;
  if (eoi) {
    // Under special mask mode, a masked level is ended by a specific EOI only.
    const uint8_t candidates = special_mask_ ? isr_ & ~imr_ : isr_;
    end_of_interrupt(specific ? level : highest(candidates), rotate);
  } else if (!specific) {
    rotate_on_auto_eoi_ = rotate;
  } else if (rotate) {
    lowest_ = static_cast<uint8_t>(level);
  }
}

void I8259a::write_ocw3(uint8_t value) {
  if ((value & kOcw3EnableSpecialMask) != 0) special_mask_ = (value & kOcw3SpecialMask) != 0;
  if ((value & kOcw3ReadRegister) != 0) read_isr_ = (value & kOcw3ReadIsr) != 0;
  if ((value & kOcw3Poll) != 0) poll_ = true;
}

void I8259a::set_elcr(uint8_t value) {
  elcr_ = value;
  update();
}

void I8259a::reset() {
  write_icw1(0);
  next_ = Next::kOperation;
  vector_base_ = elcr_ = 0;
  update();
}

I8259aPair::I8259aPair(std::function<void(bool)> on_intr)
    : master_(std::move(on_intr)), slave_([this](bool level) { master_.set_input(2, level); }) {
  for (unsigned irq = 0; irq < 16; ++irq) {
    I8259a& chip = irq < 8 ? master_ : slave_;
    lines_[irq] = Line([&chip, irq](bool level) { chip.set_input(irq & 7, level); });
  }
}

uint8_t I8259aPair::acknowledge() {
  const unsigned ir = master_.acknowledge();
  if (ir != 2) return master_.vector(ir);
  return slave_.vector(slave_.acknowledge());
}

void I8259aPair::reset() {
  slave_.reset();
  master_.reset();
}

uint32_t I8259aPair::Elcr::read_port(uint16_t offset, unsigned) {
  return (offset == 0 ? pair_.master_ : pair_.slave_).elcr();
}

void I8259aPair::Elcr::write_port(uint16_t offset, unsigned, uint32_t value) {
  I8259a& chip = offset == 0 ? pair_.master_ : pair_.slave_;
  chip.set_elcr(static_cast<uint8_t>(value & kElcrWritable[offset & 1]));
}

}  // namespace ringdown

#pragma once
#include <array>
#include <cstdint>
#include <deque>

#include "vdevices/irq_lines.h"
#include "vdevices/line.h"
#include "vdevices/pci_function.h"

namespace ringdown {

// The PCI-to-ISA bridge of the PIIX3, 82371SB, function 0 (its data sheet). Of its registers PIRQRC (60h-63h,
// r/w, one for each of PIRQA# to PIRQD#: 7 not routed, 3-0 the IRQ) has an effect; IRQs 0, 1, 2, 8 and 13 are
// reserved and route nothing. The others hold what is written.
//
// Interrupt pins are wired to the PIRQs as the boards of the 440FX have it, each device one further than that
// before it: INTA# of device 1 is PIRQA#.
class Piix3IsaBridge : public PciFunction {
 public:
  static constexpr unsigned kPirqs = 4;

  // `irqs` is not owned.
  explicit Piix3IsaBridge(IrqLines& irqs);

  // A function's end of an interrupt pin of its device; `pin` is 0 for INTA# to 3 for INTD#. High is
  // asserted. Owned by the bridge.
  Line& connect(unsigned device, unsigned pin);

 private:
  void config_written(uint8_t offset) override;
  void route();

  IrqLines& irqs_;
  std::deque<Line> pins_;
  std::array<unsigned, kPirqs> asserted_{};  // how many pins of each PIRQ are
};

}  // namespace ringdown

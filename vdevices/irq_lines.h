#pragma once
#include <array>
#include <functional>

#include "vdevices/line.h"

namespace ringdown {

// The sixteen interrupt lines of a PC/AT, in front of whatever interrupt controllers it has. Each has two
// ends that drive it, a device of the ISA bus and the PIRQs that the PCI-to-ISA bridge routes there, and is
// high while either is.
class IrqLines {
 public:
  static constexpr unsigned kLines = 16;

  // `on_change` is told of each change of a line: every interrupt controller is to see it.
  explicit IrqLines(std::function<void(unsigned irq, bool level)> on_change)
      : on_change_(std::move(on_change)) {
    for (unsigned irq = 0; irq < kLines; irq++) {
      const auto changed = [this, irq](bool) { out_[irq].set(isa_[irq].level() || pci_[irq].level()); };
      isa_[irq] = Line(changed);
      pci_[irq] = Line(changed);
      out_[irq] = Line([this, irq](bool level) { on_change_(irq, level); });
    }
  }
  IrqLines(const IrqLines&) = delete;
  IrqLines& operator=(const IrqLines&) = delete;

  // `irq` is below kLines.
  Line& isa(unsigned irq) { return isa_[irq]; }
  Line& pci(unsigned irq) { return pci_[irq]; }

 private:
  std::function<void(unsigned, bool)> on_change_;
  std::array<Line, kLines> isa_, pci_, out_;
};

}  // namespace ringdown

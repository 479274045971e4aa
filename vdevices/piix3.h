#pragma once
#include "vdevices/pci_function.h"

namespace ringdown {

// The PCI-to-ISA bridge of the PIIX3, 82371SB, function 0 (its data sheet). Its registers hold
// what is written; none has an effect yet: no PCI device interrupts, so PIRQRC (60h-63h) routes nothing.
class Piix3IsaBridge : public PciFunction {
 public:
  Piix3IsaBridge();
};

}  // namespace ringdown

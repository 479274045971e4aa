#pragma once
#include <functional>

#include "vdevices/pci_function.h"

namespace ringdown {

// The host bridge of the 440FX (82441FX data sheet). Of its own registers: PAM0 to PAM6
// (59h-5Fh, r/w), which decide segment by segment of C0000h-FFFFFh whether reads and writes go to RAM or to
// the ROM on the ISA bus; SMRAM (72h, r/w, without effect: there is no SMM). The subsystem is that of QEMU's
// machines, by which SeaBIOS knows that the rest of such a machine is there.
class I440fx : public PciFunction {
 public:
  static constexpr unsigned kSegments = 16;  // of 16 KiB, from C0000h

  // Whether accesses to a segment go to RAM.
  using SetSegment = std::function<void(unsigned segment, bool reads, bool writes)>;

  // `set_segment` is told at once how things stand after reset, everything ROM, and then of each write.
  explicit I440fx(SetSegment set_segment);

 private:
  void config_written(uint8_t offset) override;

  SetSegment set_segment_;
};

}  // namespace ringdown

#include "vdevices/piix3.h"

namespace ringdown {

Piix3IsaBridge::Piix3IsaBridge()
    : PciFunction({.vendor = 0x8086,
                   .device = 0x7000,
                   .revision = 0,
                   .class_code = 0x060100,
                   .header_type = 0x80,  // more functions follow
                   .subsystem_vendor = 0,
                   .subsystem = 0}) {
  constexpr uint8_t kIort = 0x4C, kXbcs = 0x4E, kPirqrc = 0x60, kTom = 0x69;
  define(pci::kCommand, 0x07, 0x08);
  define(pci::kCommand + 1, 0x00, 0x01);
  define(pci::kStatus + 1, 0x02);
  define(kIort, 0x4D, 0x7F);
  define(kXbcs, 0x03, 0xFF);
  define(kXbcs + 1, 0x00, 0x01);
  for (uint8_t pirq = 0; pirq < 4; pirq++) define(kPirqrc + pirq, 0x80, 0x8F);
  define(kTom, 0x02, 0xFE);
}

}  // namespace ringdown

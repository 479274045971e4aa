#include "vdevices/piix3.h"

namespace ringdown {
namespace {

constexpr uint8_t kPirqrc = 0x60;
constexpr uint8_t kNotRouted = 0x80, kIrq = 0x0F;
constexpr unsigned kReservedIrqs = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 8 | 1 << 13;

}  // namespace

Piix3IsaBridge::Piix3IsaBridge(IrqLines& irqs)
    : PciFunction({.vendor = 0x8086,
                   .device = 0x7000,
                   .revision = 0,
                   .class_code = 0x060100,
                   .header_type = 0x80,  // more functions follow
                   .subsystem_vendor = 0,
                   .subsystem = 0}),
      irqs_(irqs) {
  constexpr uint8_t kIort = 0x4C, kXbcs = 0x4E, kTom = 0x69;
  define(pci::kCommand, 0x07, 0x08);
  define(pci::kCommand + 1, 0x00, 0x01);
  define(pci::kStatus + 1, 0x02);
  define(kIort, 0x4D, 0x7F);
  define(kXbcs, 0x03, 0xFF);
  define(kXbcs + 1, 0x00, 0x01);
  for (uint8_t pirq = 0; pirq < kPirqs; pirq++) define(kPirqrc + pirq, kNotRouted, kNotRouted | kIrq);
  define(kTom, 0x02, 0xFE);
}

Line& Piix3IsaBridge::connect(unsigned device, unsigned pin) {
  const unsigned pirq = (device + pin - 1) % kPirqs;
  return pins_.emplace_back([this, pirq](bool level) {
    asserted_[pirq] += level ? 1 : -1;
    route();
  });
}

void Piix3IsaBridge::config_written(uint8_t offset) {
  if (offset >= kPirqrc && offset < kPirqrc + kPirqs) route();
}

void Piix3IsaBridge::route() {
  unsigned high = 0;
  for (uint8_t pirq = 0; pirq < kPirqs; pirq++) {
    const uint8_t routing = config(kPirqrc + pirq);
    if (asserted_[pirq] && !(routing & kNotRouted)) high |= 1u << (routing & kIrq);
  }
  high &= ~kReservedIrqs;
  for (unsigned irq = 0; irq < IrqLines::kLines; irq++) irqs_.pci(irq).set(high >> irq & 1);
}

}  // namespace ringdown

#include "vdevices/i440fx.h"

#include <utility>

namespace ringdown {
namespace {

constexpr uint8_t kPam0 = 0x59, kPam6 = 0x5F, kSmram = 0x72;
// In each half of a PAM register; the other two bits of it are for caches, and reserved.
constexpr uint8_t kReadEnable = 1, kWriteEnable = 2, kPamBits = kReadEnable | kWriteEnable;
constexpr unsigned kFirstOfF0000 = 12;

}  // namespace

I440fx::I440fx(SetSegment set_segment)
    : PciFunction({.vendor = 0x8086,
                   .device = 0x1237,
                   .revision = 2,
                   .class_code = 0x060000,
                   .header_type = 0,
                   .subsystem_vendor = 0x1AF4,
                   .subsystem = 0x1100}),
      set_segment_(std::move(set_segment)) {
  define(pci::kCommand, 0x06);
  define(pci::kCommand + 1, 0x00, 0x01);  // SERR#
  define(pci::kStatus, 0x80);
  define(pci::kStatus + 1, 0x02);
  define(kPam0, 0, kPamBits << 4);
  for (uint8_t pam = kPam0 + 1; pam <= kPam6; pam++) define(pam, 0, kPamBits << 4 | kPamBits);
  define(kSmram, 0x02, 0x78);
  for (unsigned segment = 0; segment < kSegments; segment++) set_segment_(segment, false, false);
}

void I440fx::config_written(uint8_t offset) {
  if (offset < kPam0 || offset > kPam6) return;
  const auto set = [this](unsigned segment, unsigned bits) {
    set_segment_(segment, bits & kReadEnable, bits & kWriteEnable);
  };
  const uint8_t value = config(offset);
  if (offset == kPam0) {
    for (unsigned segment = kFirstOfF0000; segment < kSegments; segment++) set(segment, value >> 4);
    return;
  }
  const unsigned first = (offset - kPam0 - 1) * 2;
  set(first, value);
  set(first + 1, value >> 4);
}

}  // namespace ringdown

#pragma once
#include <cstdint>

namespace ringdown {

// What an APIC does with a message that it accepts (SDM vol. 3, 10.5.1 and 10.6.1), as registers encode it.
enum class ApicDelivery : uint8_t {
  kFixed = 0,
  kLowestPriority = 1,
  kSmi = 2,
  kNmi = 4,
  kInit = 5,
  kStartUp = 6,
  kExternal = 7,  // ExtINT: the vector is the 8259A's
};

// An interrupt message on the APIC bus: from the I/O APIC, or between processors.
struct ApicMessage {
  uint8_t destination;
  bool logical;  // a set of logical IDs; otherwise an APIC ID, FFh for all
  ApicDelivery delivery;
  bool level;  // level triggered: its EOI is broadcast
  uint8_t vector;
};

// The fields that local vector table, interrupt command register and redirection table have in common.
namespace apic_field {
constexpr uint32_t kVector = 0xFF, kDelivery = 7 << 8, kLogical = 1 << 11, kPolarity = 1 << 13,
                   kRemoteIrr = 1 << 14, kLevel = 1 << 15, kMasked = 1 << 16;
constexpr ApicDelivery delivery(uint32_t value) { return static_cast<ApicDelivery>(value >> 8 & 7); }
constexpr uint8_t vector(uint32_t value) { return static_cast<uint8_t>(value & kVector); }
}  // namespace apic_field

}  // namespace ringdown

#pragma once
#include <array>
#include <cstdint>

namespace ringdown {

// A function of a PCI device as configuration cycles see it: the 256 bytes of its configuration space (PCI
// Local Bus Specification 2.1, chapter 6). What a register does beyond holding a value is for a derived
// class.
class PciFunction {
 public:
  virtual ~PciFunction() = default;

  // `size` is 1, 2 or 4, and the access lies within a dword.
  uint32_t read_config(uint8_t offset, unsigned size) const;
  void write_config(uint8_t offset, unsigned size, uint32_t value);

 protected:
  // Registers of the header that every function has. Class code: base class, subclass and interface.
  struct Identity {
    uint16_t vendor, device;
    uint8_t revision;
    uint32_t class_code;
    uint8_t header_type;
    uint16_t subsystem_vendor, subsystem;
  };
  explicit PciFunction(const Identity& identity);

  uint8_t config(uint8_t offset) const { return registers_[offset]; }
  // The value after reset, and the bits that the guest can change.
  void define(uint8_t offset, uint8_t value, uint8_t writable = 0);

 private:
  // The guest has written this byte.
  virtual void config_written(uint8_t /*offset*/) {}

  void define_word(uint8_t offset, uint16_t value);

  std::array<uint8_t, 256> registers_{};
  std::array<uint8_t, 256> writable_{};
};

// Offsets in the header of type 0.
namespace pci {
constexpr uint8_t kVendor = 0x00, kDevice = 0x02, kCommand = 0x04, kStatus = 0x06, kRevision = 0x08,
                  kClassCode = 0x09, kHeaderType = 0x0E, kSubsystemVendor = 0x2C, kSubsystem = 0x2E,
                  kInterruptLine = 0x3C, kInterruptPin = 0x3D;
}  // namespace pci

}  // namespace ringdown

#pragma once
#include <array>
#include <cstdint>
#include <optional>

namespace ringdown {

// Offsets in the header of type 0.
namespace pci {
constexpr uint8_t kVendor = 0x00, kDevice = 0x02, kCommand = 0x04, kStatus = 0x06, kRevision = 0x08,
                  kClassCode = 0x09, kHeaderType = 0x0E, kBar0 = 0x10, kBar2 = 0x18, kBarsEnd = 0x28,
                  kSubsystemVendor = 0x2C, kSubsystem = 0x2E, kRom = 0x30;
constexpr uint8_t kMemoryEnable = 0x02;  // command
constexpr uint8_t kPrefetchable = 0x08;  // of a base address register
constexpr uint8_t kRomEnable = 0x01;
}  // namespace pci

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

  // Ranges of memory that the guest places (6.2.5): base address registers at 10h, 14h, .. 24h, 32 bits wide,
  // and that of the expansion ROM. `bytes` is a power of two, at least 16, of the ROM 2048. With any of them
  // bit 1 of the command register, which enables all of them, is writable.
  void define_memory_range(uint8_t offset, uint32_t bytes, bool prefetchable = false);
  void define_rom_range(uint32_t bytes) { define_range(pci::kRom, bytes, 0, pci::kRomEnable); }
  // Where a range is; none while the guest has it nowhere.
  std::optional<uint32_t> memory_range(uint8_t offset) const;
  std::optional<uint32_t> rom_range() const;

 private:
  // The guest has written this byte.
  virtual void config_written(uint8_t /*offset*/) {}
  // Where the ranges of memory are may have changed: once for each write of the guest's.
  virtual void ranges_written() {}

  void define_range(uint8_t offset, uint32_t bytes, uint8_t fixed, uint8_t enable);

  void define_word(uint8_t offset, uint16_t value);

  std::array<uint8_t, 256> registers_{};
  std::array<uint8_t, 256> writable_{};
};

}  // namespace ringdown

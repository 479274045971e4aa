#pragma once
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "tests/vdevices/edge_counter.h"
#include "vdevices/ata_channel.h"
#include "vdevices/port_bus.h"

namespace ringdown::testing {

// The driver's side of a channel at the ports of a PC's first one.
struct AtaHost {
  EdgeCounter irq;
  AtaChannel channel;
  PortBus bus;

  AtaHost(AtaDrive* drive0, AtaDrive* drive1) : channel(irq.line, drive0, drive1) {
    bus.map(0x1F0, 8, channel.command_block(), 4);
    bus.map(0x3F6, 1, channel.control_block());
  }

  uint8_t in(AtaRegister index) {
    return static_cast<uint8_t>(bus.read(static_cast<uint16_t>(0x1F0 + index), 1));
  }
  void out(AtaRegister index, unsigned value) { bus.write(static_cast<uint16_t>(0x1F0 + index), 1, value); }
  uint8_t alternate_status() { return static_cast<uint8_t>(bus.read(0x3F6, 1)); }
  void control(uint8_t value) { bus.write(0x3F6, 1, value); }
  bool asserted() const { return irq.line.level(); }

  // A short address by LBA.
  void address(uint32_t lba, unsigned count, unsigned dev = 0) {
    out(kAtaDevice, 0xE0 | dev << 4 | (lba >> 24 & 0x0F));
    out(kAtaSectorCount, count);
    out(kAtaLbaLow, lba);
    out(kAtaLbaMid, lba >> 8);
    out(kAtaLbaHigh, lba >> 16);
  }
  void address48(uint64_t lba, unsigned count) {
    out(kAtaDevice, 0x40);
    for (const unsigned shift : {24u, 0u}) {
      out(kAtaSectorCount, shift == 0 ? count : count >> 8);
      out(kAtaLbaLow, static_cast<unsigned>(lba >> shift));
      out(kAtaLbaMid, static_cast<unsigned>(lba >> (shift + 8)));
      out(kAtaLbaHigh, static_cast<unsigned>(lba >> (shift + 16)));
    }
  }
  void command(uint8_t value) { out(kAtaStatusCommand, value); }
  uint8_t status() { return in(kAtaStatusCommand); }
  uint8_t run(uint8_t value) {
    command(value);
    return status();
  }

  uint16_t read_word() { return static_cast<uint16_t>(bus.read(0x1F0, 2)); }
  std::vector<uint8_t> read_bytes(size_t count) {
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i < count; i += 2) {
      const uint16_t word = read_word();
      bytes.push_back(static_cast<uint8_t>(word));
      bytes.push_back(static_cast<uint8_t>(word >> 8));
    }
    bytes.resize(count);
    return bytes;
  }
  void write_bytes(const std::vector<uint8_t>& bytes) {
    for (size_t i = 0; i < bytes.size(); i += 2) {
      const unsigned high = i + 1 < bytes.size() ? bytes[i + 1] : 0;
      bus.write(0x1F0, 2, bytes[i] | high << 8);
    }
  }
  std::vector<uint16_t> read_words(size_t count) {
    std::vector<uint16_t> words(count);
    for (uint16_t& word : words) word = read_word();
    return words;
  }
};

inline std::vector<uint8_t> filled(std::initializer_list<unsigned> values, size_t each = 512) {
  std::vector<uint8_t> bytes;
  for (const unsigned value : values) bytes.insert(bytes.end(), each, static_cast<uint8_t>(value));
  return bytes;
}

}  // namespace ringdown::testing

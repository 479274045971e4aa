#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "vdevices/ata_channel.h"
#include "vdevices/dma_memory.h"
#include "vdevices/port_device.h"

namespace ringdown {

// One channel of a bus master IDE controller (SFF-8038i 1.0; the PIIX3's function 1, Intel 82371SB data
// sheet, clause 2.7). Registers: +0 BMICX command, +2 BMISX status, +4 BMIDTPX descriptor table pointer (32
// bits).
//
// Data moves as soon as the channel asks for it and SSBM is on, in no time: the engine walks the guest's
// table of physical regions for as long as the drive has, or has room for, data. So a table without an end,
// or one that the transfer itself overwrites, ends with the drive's command.
class BusMasterChannel : public PortDevice, private AtaBusMaster {
 public:
  static constexpr uint16_t kPorts = 8;

  // Neither is owned. Connects itself to the channel.
  BusMasterChannel(AtaChannel& channel, DmaMemory& memory);
  BusMasterChannel(const BusMasterChannel&) = delete;
  BusMasterChannel& operator=(const BusMasterChannel&) = delete;

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

  // PCI reset.
  void reset();

 private:
  // A region of memory that is in use: what is left of a table's entry.
  struct Region {
    uint32_t address = 0;
    uint32_t left = 0;
    bool last = false;
  };

  void dma_requested() override;
  void interrupt_raised() override;

  uint8_t read_byte(uint16_t offset) const;
  void write_byte(uint16_t offset, uint8_t value);
  void write_command(uint8_t value);
  bool fetch_region();
  bool move_data();
  void stop_with_error();

  AtaChannel& channel_;
  DmaMemory& memory_;
  uint8_t command_ = 0;
  uint8_t status_ = 0;
  uint32_t table_ = 0;  // BMIDTPX
  uint32_t entry_ = 0;  // address of the table's next entry
  Region region_;
  bool moving_ = false;
};

// Both channels at the function's sixteen ports: primary +0, secondary +8.
class BusMasterIde : public PortDevice {
 public:
  static constexpr uint16_t kPorts = 2 * BusMasterChannel::kPorts;

  BusMasterIde(AtaChannel& primary, AtaChannel& secondary, DmaMemory& memory)
      : channels_{{{primary, memory}, {secondary, memory}}} {}

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;
  void reset();

 private:
  std::array<BusMasterChannel, 2> channels_;
};

}  // namespace ringdown

#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "vdevices/ata_drive.h"
#include "vdevices/line.h"
#include "vdevices/port_device.h"

namespace ringdown {

// The bus master of a channel, as the channel sees it.
class AtaBusMaster {
 public:
  virtual ~AtaBusMaster() = default;
  // The selected drive asks for DMA: the bus master moves AtaChannel::dma_data() when it is on.
  virtual void dma_requested() = 0;
  // INTRQ has risen.
  virtual void interrupt_raised() = 0;
};

// An ATA channel with up to two drives, seen through its ports (ATA/ATAPI-6, clauses 7 and 9).
//
// Command block: +0 Data (16 and 32 bits wide; a byte is the lower half of a word), +1 Error (r) Features
// (w), +2 Sector Count, +3 LBA Low, +4 LBA Mid, +5 LBA High, +6 Device, +7 Status (r) Command (w). Control
// block: Alternate Status (r), Device Control (w).
//
// Writes reach both drives, what is read is the selected one's. Device 0 answers for a device 1 that is not
// there, with a status of 0. Without any drive the data lines float: all ones, but for DD7, which is pulled
// down.
class AtaChannel {
 public:
  // `irq` is not owned, nor are the drives, null where there is none. Requests of their media must have ended
  // before the channel goes.
  AtaChannel(Line& irq, AtaDrive* drive0, AtaDrive* drive1);
  AtaChannel(const AtaChannel&) = delete;
  AtaChannel& operator=(const AtaChannel&) = delete;

  PortDevice& command_block() { return command_block_; }  // 8 ports, access size 4; PC: 1F0h, 170h
  PortDevice& control_block() { return control_block_; }  // 1 port; PC: 3F6h, 376h

  // Not owned.
  void connect(AtaBusMaster& bus_master) { bus_master_ = &bus_master; }

  // Of the selected drive: see AtaDrive.
  DmaRequest dma_request() const;
  std::span<uint8_t> dma_data();
  void dma_moved(size_t bytes);

 private:
  class CommandBlock : public PortDevice {
   public:
    explicit CommandBlock(AtaChannel& channel) : channel_(channel) {}
    uint32_t read_port(uint16_t offset, unsigned size) override;
    void write_port(uint16_t offset, unsigned size, uint32_t value) override;

   private:
    AtaChannel& channel_;
  };
  class ControlBlock : public PortDevice {
   public:
    explicit ControlBlock(AtaChannel& channel) : channel_(channel) {}
    uint32_t read_port(uint16_t, unsigned) override { return channel_.read_status(); }
    void write_port(uint16_t, unsigned, uint32_t value) override {
      channel_.write_device_control(static_cast<uint8_t>(value));
    }

   private:
    AtaChannel& channel_;
  };

  AtaDrive* selected() const { return drives_[selected_]; }
  AtaDrive* responding() const { return selected() != nullptr ? selected() : drives_[1 - selected_]; }
  uint32_t read_data(unsigned size);
  void write_data(unsigned size, uint32_t value);
  uint8_t read_register(uint16_t index);
  uint8_t read_device() const;
  void write_register(uint16_t index, uint8_t value);
  uint8_t read_status() const;
  void write_command(uint8_t command);
  void write_device_control(uint8_t value);
  void diagnose();
  void update();

  Line& irq_;
  const std::array<AtaDrive*, 2> drives_;
  AtaBusMaster* bus_master_ = nullptr;
  CommandBlock command_block_{*this};
  ControlBlock control_block_{*this};
  unsigned selected_ = 0;
  uint8_t device_control_ = 0;
};

}  // namespace ringdown

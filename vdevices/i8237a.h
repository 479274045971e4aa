#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "vdevices/dma_memory.h"
#include "vdevices/isa_dma.h"
#include "vdevices/port_device.h"

namespace ringdown {

// The DMA page registers of a PC/AT (74LS612; 82371SB data sheet, "DMA memory low page registers"): address
// bits 16 to 23 of each channel, and latches that nothing uses. Ports, counted from 80h, which is the POST
// code's: 87h, 83h, 81h, 82h channels 0 to 3; 8Bh, 89h, 8Ah channels 5 to 7; 8Fh refresh. All r/w.
class DmaPageRegisters : public PortDevice {
 public:
  static constexpr uint16_t kPorts = 15;  // from 81h on

  uint32_t read_port(uint16_t offset, unsigned) override { return pages_[offset]; }
  void write_port(uint16_t offset, unsigned, uint32_t value) override {
    pages_[offset] = static_cast<uint8_t>(value);
  }
  // Of channel 0 to 7.
  uint8_t page(unsigned channel) const;

 private:
  std::array<uint8_t, kPorts> pages_{};
};

// An 8237A DMA controller as a PC/AT has it (Intel 8237A data sheet, "Register description"; 82371SB data
// sheet, "DMA registers"). Registers: 0 to 7 address and count of channels 0 to 3 (r/w, low byte first by the
// flip-flop); 8 status (r) command (w), 9 request (w), 10 single mask (w), 11 mode (w), 12 clear flip-flop
// (w), 13 temporary (r) master clear (w), 14 clear mask (w), 15 all masks (r/w).
//
// Transfers take no time, so that single, demand and block mode do the same: data moves while the device asks
// for it. Priorities, timing and the senses of DREQ and DACK make no difference, and as in the 82371SB there
// is no transfer from memory to memory. An address wraps within its 64 KiB, or 64 KiW.
class I8237a : public PortDevice {
 public:
  static constexpr unsigned kChannels = 4;
  enum class Unit : uint8_t { kByte, kWord };

  // `first_channel` is the PC's number of channel 0, by which `pages` has it. A controller of words has its
  // registers at even ports. Nothing is owned; without `memory` all of it is as if no RAM were there.
  I8237a(Unit unit, unsigned first_channel, const DmaPageRegisters& pages, DmaMemory* memory);
  I8237a(const I8237a&) = delete;
  I8237a& operator=(const I8237a&) = delete;

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

  // DREQ and DACK of a channel lead to the device, which is not owned, or to the other controller's HRQ.
  void connect(unsigned channel, IsaDmaDevice& device) { channels_[channel].device = &device; }
  void cascade(unsigned channel, I8237a& other);
  // Moves what is asked for and may move: after each change of that.
  void run();

 private:
  struct Channel {
    IsaDmaDevice* device = nullptr;
    uint16_t base_address = 0, base_count = 0;
    uint16_t address = 0, count = 0;  // in units; what is left, less one
    uint8_t mode = 0;
  };
  enum class Transfer : uint8_t { kVerify, kToMemory, kFromMemory, kIllegal };

  static uint8_t bit(unsigned channel) { return static_cast<uint8_t>(1u << channel); }
  unsigned unit_bytes() const { return unit_ == Unit::kByte ? 1 : 2; }
  uint8_t read_register(unsigned index);
  void write_register(unsigned index, uint8_t value);
  uint8_t read_channel(unsigned index);
  void write_channel(unsigned index, uint8_t value);
  void set_bit(uint8_t& bits, uint8_t value);
  void write_mode(uint8_t value);
  void master_clear();
  uint8_t status();

  bool grants(unsigned channel) const;
  bool bus_granted() const { return !upstream_ || upstream_->grants(upstream_channel_); }
  bool device_asks(unsigned channel) const;
  void run_channel(unsigned channel);
  bool step(unsigned channel);
  uint32_t address_of(unsigned channel) const;
  size_t contiguous_bytes(unsigned channel) const;
  void move(unsigned channel, size_t bytes);
  bool count_down(unsigned channel, size_t units);

  const Unit unit_;
  const unsigned first_channel_;
  const DmaPageRegisters& pages_;
  DmaMemory* const memory_;
  I8237a* upstream_ = nullptr;  // that has to pass this one's HRQ on
  I8237a* downstream_ = nullptr;
  unsigned upstream_channel_ = 0;

  std::array<Channel, kChannels> channels_;
  uint8_t command_ = 0;
  uint8_t masks_ = 0x0F;
  uint8_t requests_ = 0;  // by software
  uint8_t terminal_counts_ = 0;
  bool high_byte_ = false;  // the flip-flop
  bool running_ = false;
};

// The two controllers of a PC/AT and their page registers: the one of channels 0 to 3 is at channel 4, the
// other's first. Both start as firmware leaves them: everything masked but channel 4, which cascades.
class IsaDma {
 public:
  explicit IsaDma(DmaMemory* memory);
  IsaDma(const IsaDma&) = delete;
  IsaDma& operator=(const IsaDma&) = delete;

  PortDevice& byte_channels() { return bytes_; }  // 16 ports, PC: 00h
  PortDevice& word_channels() { return words_; }  // 32 ports, PC: C0h
  PortDevice& pages() { return pages_; }          // DmaPageRegisters::kPorts ports, PC: 81h

  // The channel, 0 to 3 or 5 to 7, for the device that is connected to it.
  IsaDmaChannel& channel(unsigned number) { return inputs_[number]; }
  void connect(unsigned number, IsaDmaDevice& device) {
    controller(number).connect(number % I8237a::kChannels, device);
  }

 private:
  struct Input : IsaDmaChannel {
    I8237a* controller = nullptr;
    void dma_requested() override { controller->run(); }
  };
  I8237a& controller(unsigned number) { return number < I8237a::kChannels ? bytes_ : words_; }

  DmaPageRegisters pages_;
  I8237a bytes_, words_;
  std::array<Input, 2 * I8237a::kChannels> inputs_;
};

}  // namespace ringdown

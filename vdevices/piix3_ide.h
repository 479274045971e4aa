#pragma once
#include <array>
#include <cstdint>

#include "vdevices/ata_channel.h"
#include "vdevices/bus_master_ide.h"
#include "vdevices/dma_memory.h"
#include "vdevices/pci_function.h"
#include "vdevices/port_bus.h"

namespace ringdown {

// The IDE controller of the PIIX3, 82371SB, function 1 (its data sheet). Its registers: PCICMD (04h, r/w: I/O
// and bus master enable), BMIBA (20h-23h, r/w: where the bus master's 16 ports are; the chip has bits 15-4
// only, which SeaBIOS takes for a range larger than all ports), IDETIM (40h-43h, r/w, a word for each
// channel: 15 decode the channel's ports; its timings have no effect), SIDETIM (44h, r/w, without effect).
//
// It puts the channels at their fixed ports, 1F0h and 3F6h, 170h and 376h, and the bus master at BMIBA, as
// its registers have it: from reset on, nowhere. Ports that another device has are left to that.
class Piix3Ide : public PciFunction {
 public:
  // None is owned. `memory` is what the bus master reaches when it is enabled.
  Piix3Ide(PortBus& ports, AtaChannel& primary, AtaChannel& secondary, DmaMemory& memory);

 private:
  // Cycles of a bus master that is not enabled reach nothing.
  class EnabledMemory : public DmaMemory {
   public:
    EnabledMemory(const Piix3Ide& function, DmaMemory& memory) : function_(function), memory_(memory) {}
    bool read(uint32_t address, std::span<uint8_t> to) override {
      return function_.is_bus_master() && memory_.read(address, to);
    }
    bool write(uint32_t address, std::span<const uint8_t> from) override {
      return function_.is_bus_master() && memory_.write(address, from);
    }

   private:
    const Piix3Ide& function_;
    DmaMemory& memory_;
  };

  void config_written(uint8_t offset) override;
  bool is_bus_master() const;
  void place_ports();
  void place(PortDevice& device, uint16_t first, uint16_t count, unsigned access_size);

  PortBus& ports_;
  const std::array<AtaChannel*, 2> channels_;
  EnabledMemory memory_;
  BusMasterIde bus_master_;
};

// Where a channel is, with and without a controller on PCI.
struct AtaPorts {
  uint16_t command, control;
};
constexpr std::array<AtaPorts, 2> kAtaPorts{{{0x1F0, 0x3F6}, {0x170, 0x376}}};
constexpr uint16_t kAtaCommandPorts = 8;

}  // namespace ringdown

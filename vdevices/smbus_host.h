#pragma once
#include <array>
#include <cstdint>

#include "vdevices/line.h"
#include "vdevices/port_device.h"

namespace ringdown {

// The SMBus host controller of the PIIX4 (82371AB data sheet, chapter 7.3), on a bus with nothing else: no
// address is acknowledged. Ports, from SMBBA on: +0 SMBHSTSTS (r/w, a written 1 clears: 1 INTER, 2 DEV_ERR,
// 3 BUS_ERR, 4 FAILED), +2 SMBHSTCNT (r/w: 0 INTEREN, 4-2 protocol; w: 1 KILL, 6 START), +3 SMBHSTCMD, +4
// SMBHSTADD, +5 SMBHSTDAT0, +6 SMBHSTDAT1 (r/w), +7 SMBBLKDAT (r/w, 32 bytes in turn, from the first one
// after a read of +2), +8 SMBSLVCNT, +9 SMBSHDWCMD, +0Ah SMBSLVEVT, +0Ch SMBSLVDAT (r/w, without effect).
class SmbusHost : public PortDevice {
 public:
  static constexpr uint16_t kPorts = 16;

  // `irq` is not owned.
  explicit SmbusHost(Line& irq) : irq_(irq) {}

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

 private:
  void write_control(uint8_t value);
  uint8_t& next_of_block() { return block_[position_++ % block_.size()]; }
  void update();

  Line& irq_;
  std::array<uint8_t, kPorts> registers_{};
  std::array<uint8_t, 32> block_{};
  unsigned position_ = 0;
};

}  // namespace ringdown

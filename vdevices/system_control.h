#pragma once
#include <cstdint>
#include <functional>

#include "vdevices/clock.h"
#include "vdevices/i8254.h"
#include "vdevices/line.h"
#include "vdevices/port_device.h"

// The small ports of a PC/AT's system board, each one port wide.
namespace ringdown {

enum class ResetKind : uint8_t {
  kProcessor,  // INIT: the processor alone
  kSystem,     // everything
};

// Port B (PC: 61h). Bits: 0 gate of timer 2, 1 speaker data, 2 and 3 parity and channel check disable (r/w);
// 4 refresh request, 5 OUT of timer 2, 6 channel check, 7 parity check (r).
class PortB : public PortDevice {
 public:
  PortB(const Clock& clock, I8254& timer) : clock_(clock), timer_(timer) {}

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

  bool speaker_data() const { return (value_ & 0x02) != 0; }

 private:
  const Clock& clock_;
  I8254& timer_;
  uint8_t value_ = 0;
};

// System control port A of the PS/2 (PC: 92h). Bits: 0 a rise resets the processor, 1 A20 enabled.
class PortA : public PortDevice {
 public:
  // `a20`, high while the gate is open, is not owned: it has other drivers, too, and shows its level as
  // bit 1.
  PortA(Line& a20, std::function<void(ResetKind)> reset) : a20_(a20), reset_(std::move(reset)) {}

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

 private:
  Line& a20_;
  std::function<void(ResetKind)> reset_;
  uint8_t value_ = 0;
};

// RST_CNT of the 82371SB (PC: CF9h, a byte among the PCI configuration ports). Bits: 1 system rather than
// processor reset, 2 the reset itself, upon its rise only.
class ResetControl : public PortDevice {
 public:
  explicit ResetControl(std::function<void(ResetKind)> reset) : reset_(std::move(reset)) {}

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

 private:
  std::function<void(ResetKind)> reset_;
  uint8_t value_ = 0;
};

// The POST code (PC: 80h), a latch. Operating systems also write it to pass a microsecond.
class PostCode : public PortDevice {
 public:
  uint32_t read_port(uint16_t, unsigned) override { return code_; }
  void write_port(uint16_t, unsigned, uint32_t value) override { code_ = static_cast<uint8_t>(value); }
  uint8_t code() const { return code_; }

 private:
  uint8_t code_ = 0;
};

}  // namespace ringdown

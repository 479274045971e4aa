#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "vdevices/clock.h"
#include "vdevices/fixed_queue.h"
#include "vdevices/line.h"
#include "vdevices/port_device.h"

namespace ringdown {

// A 16550A UART (National Semiconductor PC16550D data sheet). Ports: +0 RBR (r) THR (w) DLL (DLAB), +1 IER
// DLM (DLAB), +2 IIR (r) FCR (w), +3 LCR, +4 MCR, +5 LSR (r), +6 MSR (r), +7 SCR.
//
// Sending takes no time: a byte written to THR is handed on at once, so the transmitter is always empty, and
// each write of THR gives a new THRE interrupt, with a fresh edge. Receiving takes none either: what the
// backend offers is there, and only the FIFO's time-out interrupt runs on the clock.
// The interrupt does not depend on MCR's OUT2 (a gate of the PC's cards, not of the chip).
class Uart16550 : public PortDevice, public TimedDevice {
 public:
  using Transmit = std::function<void(uint8_t)>;

  // Bits of LSR, as receive_error() takes them.
  static constexpr uint8_t kOverrunError = 0x02;
  static constexpr uint8_t kParityError = 0x04;
  static constexpr uint8_t kFramingError = 0x08;
  static constexpr uint8_t kBreakInterrupt = 0x10;
  // Modem inputs: bits of MSR.
  static constexpr uint8_t kCts = 0x10;
  static constexpr uint8_t kDsr = 0x20;
  static constexpr uint8_t kRi = 0x40;
  static constexpr uint8_t kDcd = 0x80;

  // `clock` and `irq` are not owned. `transmit` gets every byte that the guest sends, outside of loopback.
  Uart16550(const Clock& clock, Line& irq, Transmit transmit);

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

  // How many bytes can be received now without loss. A backend that has more holds them back until it is
  // called through on_receive_room(), which happens whenever room has grown.
  size_t receive_room() const;
  void on_receive_room(std::function<void()> callback) { on_receive_room_ = std::move(callback); }
  // Bytes beyond receive_room() are lost with an overrun error, as on the wire; all are in loopback mode.
  void receive(std::span<const uint8_t> bytes);
  // One character with any of kParityError, kFramingError, kBreakInterrupt (then `byte` is 0).
  void receive_error(uint8_t byte, uint8_t errors);

  // The modem's signals, any of kCts, kDsr, kRi, kDcd. Initially all but kRi are active.
  void set_modem_inputs(uint8_t inputs);

  void advance() override;
  // Master reset (MR pin). The modem inputs are kept.
  void reset();

 private:
  struct Character {
    uint8_t byte;
    uint8_t errors;
  };
  static constexpr size_t kFifoSize = 16;

  bool dlab() const;
  bool loopback() const;
  bool fifo_enabled() const;
  size_t trigger_level() const;
  size_t capacity() const { return fifo_enabled() ? kFifoSize : 1; }
  Nanoseconds next_timeout() const;

  uint8_t interrupt_id() const;
  void update_irq();
  void update_modem();
  void push(Character character);
  void reveal_errors();
  void clear_receiver();

  uint8_t read_rbr();
  uint8_t read_iir();
  uint8_t read_lsr();
  uint8_t read_msr();
  void write_thr(uint8_t value);
  void write_ier(uint8_t value);
  void write_fcr(uint8_t value);
  void write_mcr(uint8_t value);

  const Clock& clock_;
  Line& irq_;
  Transmit transmit_;
  std::function<void()> on_receive_room_;

  FixedQueue<Character, kFifoSize> receiver_;  // one entry is used while the FIFOs are off
  Nanoseconds last_activity_ = 0;              // of the receiver: a character came or was read
  uint8_t ier_ = 0;
  uint8_t fcr_ = 0;
  uint8_t lcr_ = 0;
  uint8_t mcr_ = 0;
  uint8_t scr_ = 0;
  uint8_t lsr_errors_ = 0;
  uint8_t msr_delta_ = 0;
  uint8_t modem_inputs_ = kCts | kDsr | kDcd;
  uint8_t modem_seen_ = kCts | kDsr | kDcd;
  uint16_t divisor_ = 12;  // 9600 baud
  bool thre_pending_ = false;
  bool timeout_pending_ = false;
};

}  // namespace ringdown

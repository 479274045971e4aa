#include "monitor/board.h"

#include <algorithm>

namespace ringdown {

Board::Board(const Clock& clock, const BoardConfiguration& configuration, BoardOutputs outputs)
    : outputs_(std::move(outputs)),
      pic_(outputs_.intr),
      pit_(clock, pic_.ir(0)),
      port_b_(clock, pit_),
      // A20 is not gated: no 32-bit guest depends on its being closed.
      port_a_([](bool) {}, outputs_.reset),
      reset_control_(outputs_.reset),
      rtc_(clock, pic_.ir(8), configuration.utc_seconds),
      com1_(clock, pic_.ir(4), outputs_.serial),
      kbc_({pic_.ir(1), pic_.ir(12), [](bool) {}, [this] { outputs_.reset(ResetKind::kProcessor); }}),
      debug_exit_(outputs_.debug_exit) {
  rtc_.set_memory_size(configuration.ram_bytes, 0);
  PortBus& bus = *ports_;
  bus.map(0x20, 2, pic_.master());
  bus.map(0xA0, 2, pic_.slave());
  bus.map(0x4D0, 2, pic_.elcr());
  bus.map(0x40, 4, pit_);
  bus.map(0x60, 1, kbc_.data_port());
  bus.map(0x61, 1, port_b_);
  bus.map(0x64, 1, kbc_.command_port());
  bus.map(0x70, 2, rtc_);
  bus.map(0x80, 1, post_code_);
  bus.map(0x92, 1, port_a_);
  bus.map(0xCF9, 1, reset_control_);
  if (configuration.serial_port) bus.map(0x3F8, 8, com1_);
  if (const auto& ports = configuration.debug_exit)
    bus.map(ports->first, static_cast<uint16_t>(ports->count), debug_exit_, 4);
}

Nanoseconds Board::next_event() const {
  Nanoseconds next = kNever;
  for (const TimedDevice* device : timed_) next = std::min(next, device->next_event());
  return next;
}

void Board::advance(Nanoseconds now) {
  for (TimedDevice* device : timed_) {
    if (device->next_event() <= now) device->advance();
  }
}

}  // namespace ringdown

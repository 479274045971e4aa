#pragma once
#include <array>
#include <memory>
#include <optional>

#include "host-driver/serial_backend.h"
#include "monitor/board.h"
#include "monitor/options.h"
#include "monitor/requests.h"

namespace ringdown {

// What the machine's COM1 and COM2 lead to. Of the vCPU thread, but for stop_waiting().
class SerialPorts {
 public:
  // Options are not owned.
  SerialPorts(const Options& options, Requests requests)
      : options_(options), requests_(std::move(requests)) {}

  // The exit status if something is wrong.
  std::optional<int> open();
  // Not owned; the board whose UARTs these are from now on.
  void attach(Board& board);
  // What came in goes to the UARTs, as far as they have room.
  void feed();
  // Of a UART's output; 0 is COM1.
  void write(size_t port, uint8_t byte) {
    if (backends_[port]) backends_[port]->write(byte);
  }
  void flush();
  // Async-signal-safe. The machine is about to end: output that nobody takes keeps it no longer.
  void stop_waiting() noexcept;
  // On whose terminal the monitor prompt is, behind C-a c; null if on none.
  SerialBackend* with_prompt() const { return with_prompt_; }

 private:
  std::optional<int> open(const SerialTarget& target, std::unique_ptr<SerialBackend>& backend);

  const Options& options_;
  const Requests requests_;
  std::array<std::unique_ptr<SerialBackend>, 2> backends_;  // COM1, COM2
  SerialBackend* with_prompt_ = nullptr;
  Board* board_ = nullptr;
};

// Opens the far end of a serial port, or of a monitor prompt, whose terminal becomes raw. The exit status if
// something is wrong.
std::optional<int> open_backend(const SerialTarget& target, const Requests& requests,
                                std::unique_ptr<SerialBackend>& backend);

}  // namespace ringdown

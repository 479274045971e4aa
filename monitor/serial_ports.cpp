#include "monitor/serial_ports.h"

#include <unistd.h>

#include <algorithm>
#include <variant>

#include "host-driver/terminal.h"
#include "monitor/exit_codes.h"

namespace ringdown {
namespace {

void feed_uart(SerialBackend* backend, Uart16550& uart) {
  if (!backend) return;
  while (backend->input_waiting()) {
    std::array<uint8_t, 64> bytes;
    const size_t room = std::min(bytes.size(), uart.receive_room());
    if (room == 0) return;  // on_receive_room continues
    const size_t count = backend->take({bytes.data(), room});
    uart.receive({bytes.data(), count});
  }
}

}  // namespace

std::optional<int> open_backend(const SerialTarget& target, const Requests& requests,
                                std::unique_ptr<SerialBackend>& backend) {
  if (target.kind == SerialKind::kStdio)
    make_terminal_raw(STDIN_FILENO, target.escape_keys ? TerminalSignals::kToGuest : TerminalSignals::kKeep);
  SerialEvents events;
  events.on_input = requests.attention;
  events.on_command = [quit = requests.quit](TerminalCommand command) {
    if (command == TerminalCommand::kQuit) quit();
  };
  events.on_failure = [](const std::string& line) { end_process(ExitCode::kIoError, line); };
  auto opened = open_serial_backend(target, std::move(events));
  if (const auto* line = std::get_if<std::string>(&opened)) return refuse(ExitCode::kIoError, *line);
  backend = std::move(std::get<std::unique_ptr<SerialBackend>>(opened));
  return std::nullopt;
}

std::optional<int> SerialPorts::open() {
  for (size_t port = 0; const auto* target : {&options_.serial, &options_.serial2}) {
    auto& backend = backends_[port++];
    if (!*target) continue;
    if (const auto status = open(**target, backend)) return status;
  }
  return std::nullopt;
}

std::optional<int> SerialPorts::open(const SerialTarget& target, std::unique_ptr<SerialBackend>& backend) {
  if (const auto status = open_backend(target, requests_, backend)) return status;
  if (!backend->pty_path().empty()) print_error_line("serial port at " + backend->pty_path());
  if (target.escape_keys) with_prompt_ = backend.get();
  return std::nullopt;
}

void SerialPorts::attach(Board& board) {
  board_ = &board;
  for (Uart16550* uart : {&board.com1(), &board.com2()}) uart->on_receive_room([this] { feed(); });
}

void SerialPorts::feed() {
  feed_uart(backends_[0].get(), board_->com1());
  feed_uart(backends_[1].get(), board_->com2());
}

void SerialPorts::flush() {
  for (const auto& backend : backends_) {
    if (backend) backend->flush();
  }
}

void SerialPorts::stop_waiting() noexcept {
  for (const auto& backend : backends_) {
    if (backend) backend->stop_waiting();
  }
}

}  // namespace ringdown

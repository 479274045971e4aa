#include "monitor/prompts.h"

#include <unistd.h>

#include <array>
#include <variant>

#include "monitor/exit_codes.h"
#include "monitor/serial_ports.h"

namespace ringdown {
namespace {

auto write_to(SerialBackend& backend) {
  return [&backend](std::string_view text) {
    for (const char c : text) backend.write(static_cast<uint8_t>(c));
    backend.flush();
  };
}

std::string_view text_of(std::span<const uint8_t> bytes, size_t count) {
  return {reinterpret_cast<const char*>(bytes.data()), count};
}

}  // namespace

void Prompts::share(SerialBackend& port) {
  port_ = &port;
  on_port_.emplace(host_, true, write_to(port));
}

std::optional<int> Prompts::open(const PromptTarget& target) {
  return target.kind == PromptTarget::Kind::kStdio ? open_terminal() : open_socket(target.path);
}

std::optional<int> Prompts::open_terminal() {
  if (const auto status = open_backend({.kind = SerialKind::kStdio}, requests_, terminal_)) return status;
  const auto write = write_to(*terminal_);
  on_terminal_.emplace(host_, isatty(STDIN_FILENO), write);
  write(PromptSession::greeting());
  return std::nullopt;
}

std::optional<int> Prompts::open_socket(const std::string& path) {
  auto opened = open_socket_console(path, PromptSession::greeting(), requests_.attention);
  if (const auto* line = std::get_if<std::string>(&opened)) return refuse(ExitCode::kIoError, *line);
  socket_ = std::move(std::get<std::unique_ptr<SocketConsole>>(opened));
  at_socket_.emplace(host_, false, [this](std::string_view text) { socket_->write(text); });
  return std::nullopt;
}

void Prompts::feed() {
  std::array<uint8_t, 64> bytes;
  while (on_port_ && port_->prompt_input_waiting())
    on_port_->take(text_of(bytes, port_->take_for_prompt(bytes)));
  while (on_terminal_ && terminal_->input_waiting())
    on_terminal_->take(text_of(bytes, terminal_->take(bytes)));
  if (at_socket_ && socket_->input_waiting())
    socket_->serve([this](std::string_view typed) { at_socket_->take(typed); });
}

}  // namespace ringdown

#pragma once
#include <memory>
#include <optional>

#include "host-driver/serial_backend.h"
#include "host-driver/socket_console.h"
#include "monitor/options.h"
#include "monitor/prompt.h"
#include "monitor/requests.h"

namespace ringdown {

// The machine's monitor prompts: on a serial port's terminal, on one of its own, at a socket. Of the vCPU
// thread.
class Prompts {
 public:
  // The host is not owned.
  Prompts(PromptHost& host, Requests requests) : host_(host), requests_(std::move(requests)) {}

  // The prompt behind C-a c; `port` is not owned.
  void share(SerialBackend& port);
  // The exit status if something is wrong.
  std::optional<int> open(const PromptTarget& target);
  // Carries out what was typed.
  void feed();

 private:
  std::optional<int> open_terminal();
  std::optional<int> open_socket(const std::string& path);

  PromptHost& host_;
  const Requests requests_;
  SerialBackend* port_ = nullptr;
  std::unique_ptr<SerialBackend> terminal_;
  std::unique_ptr<SocketConsole> socket_;
  std::optional<PromptSession> on_port_, on_terminal_, at_socket_;
};

}  // namespace ringdown

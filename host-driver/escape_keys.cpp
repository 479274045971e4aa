#include "host-driver/escape_keys.h"

namespace ringdown {
namespace {

constexpr uint8_t kControlA = 1;

constexpr std::string_view kHelp =
    "\r\n"
    "C-a h    this help\r\n"
    "C-a x    end ringdown\r\n"
    "C-a b    send a break\r\n"
    "C-a C-a  send C-a\r\n";

TerminalCommand command_of(uint8_t key) {
  switch (key) {
    case 'h':
    case '?':
      return TerminalCommand::kHelp;
    case 'x':
      return TerminalCommand::kQuit;
    case 'b':
      return TerminalCommand::kBreak;
    case 'c':
      return TerminalCommand::kMonitor;
    case 't':
      return TerminalCommand::kTimestamps;
  }
  return TerminalCommand::kNone;
}

}  // namespace

EscapeKeys::Result EscapeKeys::feed(uint8_t typed) {
  if (escaped_) {
    escaped_ = false;
    if (typed == kControlA) return {.byte = typed};
    return {.byte = {}, .command = command_of(typed)};
  }
  if (typed != kControlA) return {.byte = typed};
  escaped_ = true;
  return {};
}

std::string_view answer_to(TerminalCommand command) {
  switch (command) {
    case TerminalCommand::kHelp:
      return kHelp;
    case TerminalCommand::kMonitor:
      return "\r\nringdown: the monitor console is not built yet\r\n";
    case TerminalCommand::kTimestamps:
      return "\r\nringdown: time stamps are not built yet\r\n";
    case TerminalCommand::kNone:
    case TerminalCommand::kQuit:
    case TerminalCommand::kBreak:
      return {};
  }
  return {};
}

}  // namespace ringdown

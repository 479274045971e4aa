#include "host-driver/escape_keys.h"

#include <utility>

namespace ringdown {
namespace {

constexpr uint8_t kControlA = 1;

constexpr std::string_view kHelp =
    "\r\n"
    "C-a h    this help\r\n"
    "C-a x    end ringdown\r\n"
    "C-a b    send a break\r\n"
    "C-a c    to the monitor prompt, and back\r\n"
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
  const bool escaped = std::exchange(escaped_, false);
  if (!escaped && typed == kControlA) {
    escaped_ = true;
    return {};
  }
  if (!escaped || typed == kControlA) return {.byte = typed, .for_prompt = prompt_has_keys_};
  const TerminalCommand command = command_of(typed);
  if (command == TerminalCommand::kMonitor) prompt_has_keys_ = !prompt_has_keys_;
  return {.byte = {}, .for_prompt = prompt_has_keys_, .command = command};
}

std::string_view answer_to(TerminalCommand command) {
  switch (command) {
    case TerminalCommand::kHelp:
      return kHelp;
    case TerminalCommand::kTimestamps:
      return "\r\nringdown: time stamps are not built yet\r\n";
    case TerminalCommand::kNone:
    case TerminalCommand::kQuit:
    case TerminalCommand::kBreak:
    case TerminalCommand::kMonitor:
      return {};
  }
  return {};
}

}  // namespace ringdown

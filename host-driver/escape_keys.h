#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace ringdown {

// What the user asks of ringdown itself by C-a and a key, as in QEMU with a multiplexed terminal.
enum class TerminalCommand { kNone, kHelp, kQuit, kBreak, kMonitor, kTimestamps };

// Separates C-a commands from what is typed for the guest, or, after each second C-a c, for the monitor
// prompt.
class EscapeKeys {
 public:
  struct Result {
    std::optional<uint8_t> byte;  // for the guest, or
    bool for_prompt = false;      // for the monitor prompt
    TerminalCommand command = TerminalCommand::kNone;
  };
  // C-a C-a is one C-a; C-a and an unknown key is nothing.
  Result feed(uint8_t typed);

 private:
  bool escaped_ = false, prompt_has_keys_ = false;
};

// What to print in answer to a command; empty for those that are acted on. Lines end in CR LF.
std::string_view answer_to(TerminalCommand command);

}  // namespace ringdown

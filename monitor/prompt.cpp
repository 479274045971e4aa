#include "monitor/prompt.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "monitor/help.h"
#include "monitor/text.h"

namespace ringdown {
namespace {

constexpr char kControlC = 0x03, kBackspace = 0x08, kFormFeed = 0x0C, kControlU = 0x15, kDelete = 0x7F;

std::string help(PromptHost&, PromptWords words) {
  std::string text;
  for (const PromptCommand& command : prompt_commands()) {
    if (!words.empty() && command.name != words[0]) continue;
    text += concat(command.name, command.arguments.empty() ? "" : " ", command.arguments, " -- ",
                   command.help, "\n");
  }
  return text.empty() ? concat("no such command: '", words[0], "'\n") : text;
}
std::string stop(PromptHost& host, PromptWords) {
  host.pause();
  return {};
}
std::string go_on(PromptHost& host, PromptWords) {
  host.resume();
  return {};
}
std::string reset(PromptHost& host, PromptWords) {
  host.reset();
  return {};
}
std::string power_down(PromptHost& host, PromptWords) {
  return host.press_power_button() ? "" : "system_powerdown: this machine has no power button\n";
}
std::string eject(PromptHost& host, PromptWords words) {
  const bool force = !words.empty() && words[0] == "-f";
  if (words.size() != (force ? 2u : 1u)) return "eject: needs the name of a drive; info block lists them\n";
  const std::string why = host.eject(words.back(), force);
  return why.empty() ? "" : concat("eject: ", why, "\n");
}
std::string change(PromptHost& host, PromptWords words) {
  if (words.size() < 2 || words.size() > 3) return "change: needs the name of a drive and a file\n";
  if (words.size() == 3 && words[2] != "raw")
    return concat("change: format '", words[2], "' is not built yet; only 'raw' is\n");
  const std::string why = host.change(words[0], words[1]);
  return why.empty() ? "" : concat("change: ", why, "\n");
}
std::string quit(PromptHost& host, PromptWords) {
  host.quit();
  return {};
}

constexpr auto kCommands = std::to_array<PromptCommand>({
    {"help", "[COMMAND]", "show the commands", help},
    {"?", "[COMMAND]", "show the commands", help},
    {"info", "SUBJECT", "show the machine's state; info alone lists the subjects", prompt_info},
    {"x", "/FMT ADDRESS", "show memory at a linear address; FMT is COUNT, one of x d u o c i, one of b h w",
     prompt_examine},
    {"xp", "/FMT ADDRESS", "show memory at a physical address", prompt_examine_physical},
    {"stop", "", "stop the guest, and its time", stop},
    {"cont", "", "let it go on", go_on},
    {"c", "", "let it go on", go_on},
    {"system_reset", "", "reset the machine", reset},
    {"system_powerdown", "", "press the power button", power_down},
    {"eject", "[-f] DRIVE", "take the disc or diskette out; -f: although the guest has locked the drive",
     eject},
    {"change", "DRIVE FILE [raw]", "put FILE in as disc or diskette, instead of what is there", change},
    {"quit", "", "end ringdown", quit},
    {"q", "", "end ringdown", quit},
    {"sendkey", "KEYS [MS]", "press keys for MS milliseconds (100): sendkey ctrl-alt-f1", prompt_send_key},
    {"mouse_move", "DX DY [DZ]", "move the mouse: DY down, DZ turns the wheel away", prompt_move_mouse},
    {"mouse_button", "BUTTONS", "hold these buttons from now on: 1 left, 2 middle, 4 right, or their sum",
     prompt_press_mouse},
    {"screendump", "FILE", "write the screen to FILE.png or FILE.ppm", prompt_dump_screen},
});

constexpr std::string_view kBlanks = " \t";

// Takes what `line` begins with, a word in quotation marks, in which a backslash makes a mark or another one
// itself. False: it does not end.
bool take_quoted(std::string_view& line, std::string& word) {
  for (size_t at = 1; at < line.size(); ++at) {
    if (line[at] == '"') {
      line.remove_prefix(at + 1);
      return true;
    }
    const bool escapes = line[at] == '\\' && at + 1 < line.size();
    word += line[escapes ? ++at : at];
  }
  return false;
}

// nullopt: a word in quotation marks does not end.
std::optional<std::vector<std::string>> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (true) {
    const auto start = line.find_first_not_of(kBlanks);
    if (start == std::string_view::npos) return words;
    line.remove_prefix(start);
    words.emplace_back();
    if (line.front() == '"') {
      if (!take_quoted(line, words.back())) return std::nullopt;
    } else {
      const auto end = std::min(line.find_first_of(kBlanks), line.size());
      words.back() = line.substr(0, end);
      line.remove_prefix(end);
    }
  }
}

}  // namespace

std::span<const PromptCommand> prompt_commands() { return kCommands; }

std::string run_prompt_line(PromptHost& host, std::string_view line) {
  const auto typed = words_of(line);
  if (!typed) return "a quotation mark is missing\n";
  if (typed->empty()) return {};
  std::vector<std::string_view> words(typed->begin(), typed->end());
  // "x/4xw ADDRESS" is "x /4xw ADDRESS".
  if (const auto slash = words[0].find('/'); slash != std::string_view::npos && slash != 0) {
    words.insert(words.begin() + 1, words[0].substr(slash));
    words[0] = words[0].substr(0, slash);
  }
  const auto command = std::ranges::find(kCommands, words[0], &PromptCommand::name);
  if (command == kCommands.end())
    return concat("unknown command: '", words[0], "'; help lists the commands\n");
  return command->run(host, PromptWords(words).subspan(1));
}

std::string PromptSession::greeting() {
  return concat("Ringdown ", kVersion, " monitor: 'help' lists the commands\n", kPrompt);
}

void PromptSession::take(std::string_view typed) {
  for (const char c : typed) take(c);
}

void PromptSession::take(char typed) {
  const bool second_of_pair = std::exchange(after_return_, typed == '\r') && typed == '\n';
  switch (typed) {
    case '\n':
    case '\r':
      if (!second_of_pair) end_line();
      return;
    case kFormFeed:
      write_(std::exchange(greeted_, true) ? concat("\n", kPrompt, line_) : concat("\n", greeting()));
      return;
    case kControlC:
      line_.clear();
      if (echo_) write_(concat("\n", kPrompt));
      return;
    case kControlU:
      while (!line_.empty()) erase();
      return;
    case kBackspace:
    case kDelete:
      return erase();
    default:
      if (static_cast<unsigned char>(typed) < ' ' || line_.size() == kMostLine) return;
      line_ += typed;
      if (echo_) write_({&typed, 1});
  }
}

void PromptSession::erase() {
  if (line_.empty()) return;
  line_.pop_back();
  if (echo_) write_("\b \b");
}

void PromptSession::end_line() {
  if (echo_) write_("\n");
  const std::string answer = run_prompt_line(host_, std::exchange(line_, {}));
  write_(concat(answer, kPrompt));
}

}  // namespace ringdown

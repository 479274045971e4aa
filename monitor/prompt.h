#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "monitor/prompt_host.h"

namespace ringdown {

// The commands of the monitor prompt, which have the names and the meanings of QEMU's.

using PromptWords = std::span<const std::string_view>;

struct PromptCommand {
  std::string_view name;
  std::string_view arguments;  // as help calls them
  std::string_view help;
  // `words` are what stands behind the name. The answer is lines, or nothing.
  std::string (*run)(PromptHost& host, PromptWords words);
};
std::span<const PromptCommand> prompt_commands();

// Carries out one line and returns the answer: empty, or whole lines. What is wrong is one line.
std::string run_prompt_line(PromptHost& host, std::string_view line);

// What a person types and is answered: bytes to lines.
class PromptSession {
 public:
  static constexpr std::string_view kPrompt = "(ringdown) ";
  static constexpr size_t kMostLine = 1024;  // what is longer is cut
  static std::string greeting();             // ends with the prompt

  // `echo`: what is typed is not to be seen otherwise.
  PromptSession(PromptHost& host, bool echo, std::function<void(std::string_view)> write)
      : host_(host), echo_(echo), write_(std::move(write)) {}
  void take(std::string_view typed);

 private:
  void take(char typed);
  void erase();
  void end_line();

  PromptHost& host_;
  const bool echo_;
  const std::function<void(std::string_view)> write_;
  std::string line_;
  bool greeted_ = false, after_return_ = false;
};

// The groups of commands: prompt_info.cpp, prompt_memory.cpp, prompt_input.cpp.
std::string prompt_info(PromptHost& host, PromptWords words);
std::string prompt_examine(PromptHost& host, PromptWords words);
std::string prompt_examine_physical(PromptHost& host, PromptWords words);
std::string prompt_page_ranges(PromptHost& host);
std::string prompt_send_key(PromptHost& host, PromptWords words);
std::string prompt_move_mouse(PromptHost& host, PromptWords words);
std::string prompt_press_mouse(PromptHost& host, PromptWords words);
std::string prompt_dump_screen(PromptHost& host, PromptWords words);

}  // namespace ringdown

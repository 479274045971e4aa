#include "host-driver/escape_keys.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringdown {
namespace {

struct Typed {
  std::string bytes, prompt;
  std::vector<TerminalCommand> commands;
};

Typed type(std::string_view keys) {
  EscapeKeys filter;
  Typed typed;
  for (const char key : keys) {
    const auto result = filter.feed(static_cast<uint8_t>(key));
    if (result.byte && result.for_prompt) typed.prompt += static_cast<char>(*result.byte);
    if (result.byte && !result.for_prompt) typed.bytes += static_cast<char>(*result.byte);
    if (result.command != TerminalCommand::kNone) typed.commands.push_back(result.command);
  }
  return typed;
}

TEST(EscapeKeys, OtherKeysAreTheGuests) { EXPECT_EQ(type("ls\r\x03\x04xh").bytes, "ls\r\x03\x04xh"); }

TEST(EscapeKeys, CommandsAreNotSeenByTheGuest) {
  const Typed typed = type(
      "a\x01hb\x01xc\x01"
      "b\x01"
      "c\x01t\x01?");
  EXPECT_EQ(typed.bytes, "abc");
  using enum TerminalCommand;
  EXPECT_EQ(typed.commands, (std::vector{kHelp, kQuit, kBreak, kMonitor, kTimestamps, kHelp}));
}

TEST(EscapeKeys, ThePromptHasTheKeysInBetween) {
  const Typed typed = type(
      "a\x01"
      "cquit\x01\x01\x01"
      "cb");
  EXPECT_EQ(typed.bytes, "ab");
  EXPECT_EQ(typed.prompt, "quit\x01");
}

TEST(EscapeKeys, TwiceIsOneForTheGuest) {
  const Typed typed = type("\x01\x01x");
  EXPECT_EQ(typed.bytes, "\x01x");
  EXPECT_TRUE(typed.commands.empty());
}

TEST(EscapeKeys, UnknownKeyIsNothing) {
  const Typed typed = type("\x01zx");
  EXPECT_EQ(typed.bytes, "x");
  EXPECT_TRUE(typed.commands.empty());
}

TEST(EscapeKeys, HelpNamesTheKeys) {
  const std::string help(answer_to(TerminalCommand::kHelp));
  for (const char* key : {"C-a h", "C-a x", "C-a b", "C-a c", "C-a C-a"})
    EXPECT_NE(help.find(key), std::string::npos) << key;
}

}  // namespace
}  // namespace ringdown

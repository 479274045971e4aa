// The man page, --help and the shell completion name what the tables of the program have.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "monitor/exit_codes.h"
#include "monitor/help.h"
#include "monitor/option_table.h"
#include "monitor/prompt.h"
#include "monitor/text.h"

namespace ringdown {
namespace {

const std::filesystem::path kRoot = std::filesystem::path(__FILE__).parent_path() / "../..";

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The page with roff's minus signs as plain ones.
std::string man_page() {
  std::string page = read(kRoot / "docs/ringdown.1");
  for (auto at = page.find("\\-"); at != std::string::npos; at = page.find("\\-", at)) page.erase(at, 1);
  return page;
}

std::string section(const std::string& page, const std::string& name) {
  const auto start = page.find(concat("\n.SH ", name, "\n"));
  EXPECT_NE(start, std::string::npos) << name;
  if (start == std::string::npos) return {};
  return page.substr(start + 1, page.find("\n.SH ", start + 1) - start);
}

// The word, not as a part of another one.
bool names(const std::string& text, const std::string& word) {
  const auto part_of_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  };
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || !part_of_word(text[at - 1])) && (end == text.size() || !part_of_word(text[end])))
      return true;
  }
  return false;
}

// The first word of each entry: what stands in bold behind ".TP".
std::multiset<std::string> entries(const std::string& section) {
  std::istringstream lines(section);
  std::multiset<std::string> words;
  for (std::string line, before; std::getline(lines, line); before = line) {
    std::istringstream parts(line);
    std::string macro, word;
    if (before == ".TP" && parts >> macro >> word && macro.starts_with(".B")) words.insert(word);
  }
  return words;
}

TEST(Documentation, ManPageHasAnEntryForEachOptionAndNoOther) {
  std::multiset<std::string> documented, built;
  for (const auto& word : entries(section(man_page(), "OPTIONS"))) {
    if (word.starts_with("-")) documented.insert(word);
  }
  for (const auto& row : option_table()) built.insert(concat("-", row.name));
  EXPECT_EQ(documented, built);
}

TEST(Documentation, HelpNamesEachOption) {
  for (const auto& row : option_table()) {
    EXPECT_TRUE(names(help_text(), concat("-", row.name))) << row.name;
    EXPECT_NE(help_text().find(row.help), std::string::npos) << row.name;
  }
}

TEST(Documentation, HelpFitsATerminal) {
  std::istringstream lines(help_text());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110u) << line;
}

TEST(Documentation, CompletionNamesEachOption) {
  const std::string completion = read(kRoot / "completion/ringdown.bash");
  for (const auto& row : option_table()) {
    EXPECT_TRUE(names(completion, concat("-", row.name))) << row.name;
  }
}

TEST(Documentation, ManPageNamesEachCommandOfThePrompt) {
  const std::string commands = section(man_page(), "MONITOR PROMPT");
  for (const auto& command : prompt_commands()) {
    if (command.name == "?") continue;  // help
    EXPECT_TRUE(names(commands, std::string(command.name))) << command.name;
  }
}

TEST(Documentation, LogClassesAreInManPageAndCompletion) {
  const std::string classes = section(man_page(), "LOG CLASSES");
  const std::string completion = read(kRoot / "completion/ringdown.bash");
  for (const auto& row : log_class_table()) {
    EXPECT_NE(classes.find(concat(".TP\n.B ", row.name, "\n")), std::string::npos) << row.name;
    EXPECT_TRUE(names(completion, std::string(row.name))) << row.name;
  }
}

TEST(Documentation, ManPageHasTheTableOfExitCodes) {
  const std::string status = section(man_page(), "EXIT STATUS");
  for (const auto& row : exit_code_table()) {
    const std::string entry =
        concat(".TP\n.B ", std::to_string(exit_status(row.code)), "\n", row.meaning, "\n");
    EXPECT_NE(status.find(entry), std::string::npos) << entry;
  }
  EXPECT_EQ(entries(status).size(), exit_code_table().size());
}

TEST(ExitCodes, AreDistinctAndEven) {
  std::set<int> seen;
  for (const auto& row : exit_code_table()) {
    EXPECT_EQ(exit_status(row.code) % 2, 0);
    EXPECT_LT(exit_status(row.code), 126);
    EXPECT_TRUE(seen.insert(exit_status(row.code)).second) << exit_status(row.code);
  }
}

TEST(ExitCodes, DebugExitIsOddAndHasEightBits) {
  EXPECT_EQ(debug_exit_status(0), 1);
  EXPECT_EQ(debug_exit_status(0x10), 33);
  EXPECT_EQ(debug_exit_status(0x7F), 255);
  EXPECT_EQ(debug_exit_status(0xFFFFFFFF), 255);
  EXPECT_EQ(debug_exit_status(0x80), 1);
}

TEST(Documentation, VersionIsThatOfTheBuild) {
  const std::string version(kVersion);
  EXPECT_NE(read(kRoot / "CMakeLists.txt").find(concat("project(ringdown VERSION ", version, " ")),
            std::string::npos);
  EXPECT_NE(man_page().find(concat("\"ringdown ", version, "\"")), std::string::npos);
}

// What bash would offer when the user presses TAB behind these words.
std::string completions(const std::string& words) {
  const std::string script =
      concat("source '", (kRoot / "completion/ringdown.bash").string(), "'; COMP_WORDS=(", words,
             "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _ringdown; echo \"${COMPREPLY[*]}\"");
  ::setenv("RINGDOWN_COMPLETION_TEST", script.c_str(), 1);
  FILE* shell = ::popen("bash -c \"$RINGDOWN_COMPLETION_TEST\"", "r");
  char line[4096] = "";
  EXPECT_NE(std::fgets(line, sizeof line, shell), nullptr);
  EXPECT_EQ(::pclose(shell), 0);
  return std::string(line).substr(0, std::string(line).find('\n'));
}

TEST(Completion, OffersWhatFits) {
  EXPECT_EQ(completions("ringdown -no-re"), "-no-reboot");
  EXPECT_EQ(completions("ringdown --no-a"), "--no-acpi");
  EXPECT_EQ(completions("ringdown doc"), "doctor");
  EXPECT_EQ(completions("ringdown -serial m"), "mon:stdio");
  EXPECT_EQ(completions("ringdown --serial p"), "pty");
  EXPECT_EQ(completions("ringdown -d in_asm,sens"), "in_asm,sensitive");
}

}  // namespace
}  // namespace ringdown

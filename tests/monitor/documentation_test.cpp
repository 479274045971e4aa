// The man page, --help and the shell completion name what the tables of the program have.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "monitor/exit_codes.h"
#include "monitor/help.h"
#include "monitor/option_table.h"

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
  return std::regex_replace(read(kRoot / "docs/ringdown.1"), std::regex("\\\\-"), "-");
}

std::string section(const std::string& page, const std::string& name) {
  const auto start = page.find("\n.SH " + name + "\n");
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

TEST(Documentation, ManPageHasAnEntryForEachOptionAndNoOther) {
  const std::string options = section(man_page(), "OPTIONS");
  const std::regex entry("\\.TP\n\\.BI? (-[A-Za-z-]+)");
  std::multiset<std::string> documented, built;
  for (std::sregex_iterator i(options.begin(), options.end(), entry), end; i != end; ++i)
    documented.insert((*i)[1]);
  for (const auto& row : option_table()) built.insert("-" + std::string(row.name));
  EXPECT_EQ(documented, built);
}

TEST(Documentation, HelpNamesEachOption) {
  for (const auto& row : option_table()) {
    EXPECT_TRUE(names(help_text(), "-" + std::string(row.name))) << row.name;
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
    EXPECT_TRUE(names(completion, "-" + std::string(row.name))) << row.name;
  }
}

TEST(Documentation, LogClassesAreInManPageAndCompletion) {
  const std::string classes = section(man_page(), "LOG CLASSES");
  const std::string completion = read(kRoot / "completion/ringdown.bash");
  for (const auto& row : log_class_table()) {
    EXPECT_NE(classes.find(".TP\n.B " + std::string(row.name) + "\n"), std::string::npos) << row.name;
    EXPECT_TRUE(names(completion, std::string(row.name))) << row.name;
  }
}

TEST(Documentation, ManPageHasTheTableOfExitCodes) {
  const std::string status = section(man_page(), "EXIT STATUS");
  for (const auto& row : exit_code_table()) {
    const std::string entry =
        ".TP\n.B " + std::to_string(exit_status(row.code)) + "\n" + std::string(row.meaning) + "\n";
    EXPECT_NE(status.find(entry), std::string::npos) << entry;
  }
  const std::regex numbered("\\.TP\n\\.B [0-9]+\n");
  const auto rows = std::distance(std::sregex_iterator(status.begin(), status.end(), numbered), {});
  EXPECT_EQ(static_cast<size_t>(rows), exit_code_table().size());
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
  EXPECT_NE(read(kRoot / "CMakeLists.txt").find("project(ringdown VERSION " + version + " "),
            std::string::npos);
  EXPECT_NE(man_page().find("\"ringdown " + version + "\""), std::string::npos);
}

// What bash would offer when the user presses TAB behind these words.
std::string completions(const std::string& words) {
  const std::string script = "source '" + (kRoot / "completion/ringdown.bash").string() + "'; COMP_WORDS=(" +
                             words +
                             "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _ringdown; echo \"${COMPREPLY[*]}\"";
  FILE* shell =
      ::popen(("bash -c \"" + std::regex_replace(script, std::regex("[\"$]"), "\\$&") + "\"").c_str(), "r");
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

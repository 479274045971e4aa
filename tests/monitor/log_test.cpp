#include "host-driver/log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace ringdown {
namespace {

std::string contents(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct LogTest : testing::Test {
  const std::string path = testing::TempDir() + "ringdown-log-test-" + std::to_string(::getpid());
  ~LogTest() override {
    close_log();
    std::filesystem::remove(path);
  }
};

TEST_F(LogTest, NothingIsEnabledAtFirst) {
  for (const auto& row : log_class_table()) EXPECT_FALSE(log_enabled(row.log_class));
}

TEST_F(LogTest, OnlyEnabledClassesAreWritten) {
  ASSERT_EQ(open_log(log_bit(LogClass::kInt), path, {}), std::nullopt);
  EXPECT_TRUE(log_enabled(LogClass::kInt));
  EXPECT_FALSE(log_enabled(LogClass::kInAsm));
  log_write(LogClass::kInt, "page fault\n");
  log_write(LogClass::kInAsm, "hlt\n");
  log_printf(LogClass::kInt, "vector %d\n", 14);
  close_log();
  EXPECT_EQ(contents(path), "page fault\nvector 14\n");
  EXPECT_FALSE(log_enabled(LogClass::kInt));
}

TEST_F(LogTest, PiecesOfThreadsStayWhole) {
  ASSERT_EQ(open_log(log_bit(LogClass::kExec), path, {}), std::nullopt);
  constexpr int kLines = 5000;
  std::vector<std::thread> threads;
  for (const char letter : {'a', 'b', 'c'}) {
    threads.emplace_back([letter] {
      for (int i = 0; i < kLines; ++i) log_write(LogClass::kExec, std::string(20, letter) + "\n");
    });
  }
  for (auto& thread : threads) thread.join();
  close_log();
  std::istringstream lines(contents(path));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_EQ(line, std::string(20, line[0]));
  EXPECT_EQ(count, 3 * kLines);
}

TEST_F(LogTest, FlushedTextIsInTheFile) {
  ASSERT_EQ(open_log(log_bit(LogClass::kInt), path, {}), std::nullopt);
  log_write(LogClass::kInt, "last words\n");
  flush_log();
  EXPECT_EQ(contents(path), "last words\n");
}

TEST_F(LogTest, FullDiskIsToldOnceAndSilencesTheLog) {
  std::vector<std::string> told;
  const auto tell = [&](const std::string& line) { told.push_back(line); };
  ASSERT_EQ(open_log(log_bit(LogClass::kInt), "/dev/full", tell), std::nullopt);
  for (int i = 0; i < 10; ++i) log_write(LogClass::kInt, std::string(100'000, 'x'));
  EXPECT_EQ(told, std::vector<std::string>{"cannot write the log to '/dev/full': No space left on device"});
  EXPECT_FALSE(log_enabled(LogClass::kInt));
}

TEST_F(LogTest, FileThatCannotBeOpenedIsNamed) {
  EXPECT_EQ(open_log(0, "/nonexistent/log", {}),
            "cannot open the log file '/nonexistent/log': No such file or directory");
}

}  // namespace
}  // namespace ringdown

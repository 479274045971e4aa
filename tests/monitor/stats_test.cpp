#include "monitor/stats.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace ringdown {
namespace {

TEST(Stats, JsonHasEveryCounterByItsName) {
  Counters counters;
  uint64_t next = 1;
#define RINGDOWN_COUNTER(name, meaning) counters.name = next++;
#include "host-driver/counters.inc"
#undef RINGDOWN_COUNTER
  const auto json = nlohmann::json::parse(format_stats(counters));
  next = 1;
#define RINGDOWN_COUNTER(name, meaning) EXPECT_EQ(json["counters"][#name], next++) << #name;
#include "host-driver/counters.inc"
#undef RINGDOWN_COUNTER
  EXPECT_EQ(json["counters"].size(), next - 1);
  EXPECT_TRUE(json["version"].is_string());
}

TEST(Stats, JsonHasEverySensitiveInstructionByItsName) {
  SensitiveCounts counts;
  for (size_t n = 0; n < kSensitiveCount; n++) counts[n] = n + 1;
  const auto json = nlohmann::json::parse(format_stats({}, counts));
  EXPECT_EQ(json["sensitive"].size(), kSensitiveCount);
  for (size_t n = 0; n < kSensitiveCount; n++)
    EXPECT_EQ(json["sensitive"][std::string(kSensitiveTable[n].name)], n + 1);
}

TEST(Stats, LargeCountersAreExact) {
  Counters counters;
  counters.host_signals = ~uint64_t{0};
  EXPECT_EQ(nlohmann::json::parse(format_stats(counters))["counters"]["host_signals"], ~uint64_t{0});
}

TEST(Stats, FileHoldsThem) {
  const std::string path = testing::TempDir() + "ringdown-stats-test-" + std::to_string(::getpid());
  StatsFile file;
  ASSERT_EQ(file.open(path), std::nullopt);
  Counters counters;
  counters.guest_halts = 7;
  ASSERT_EQ(file.write(counters), std::nullopt);
  std::ifstream stream(path);
  EXPECT_EQ(nlohmann::json::parse(stream)["counters"]["guest_halts"], 7);
  std::filesystem::remove(path);
}

TEST(Stats, WhatTheHostRefusesIsNamed) {
  StatsFile file;
  EXPECT_EQ(file.open("/nonexistent/s"),
            "cannot open the statistics file '/nonexistent/s': No such file or directory");
  ASSERT_EQ(file.open("/dev/full"), std::nullopt);
  EXPECT_EQ(file.write({}), "cannot write the statistics to '/dev/full': No space left on device");
}

}  // namespace
}  // namespace ringdown

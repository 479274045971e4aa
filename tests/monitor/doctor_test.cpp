#include "monitor/doctor.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ringdown {
namespace {

HostFacts good_host() {
  return {.fsgsbase = true,
          .bmi2 = true,
          .sse2 = true,
          .sse_level = "SSE4.2",
          .kernel = "6.1.0",
          .max_map_count = 65530,
          .shmem_huge_pages = "advise",
          .mmap_min_addr = 65536,
          .address_space = true};
}

HostFinding finding(const HostFacts& host, std::string_view name) {
  for (const auto& f : judge_host(host)) {
    if (f.name == name) return f;
  }
  ADD_FAILURE() << name;
  return {};
}

TEST(Doctor, AGoodHostLacksNothing) {
  for (const auto& f : judge_host(good_host())) {
    EXPECT_EQ(f.state, HostState::kGood) << f.name;
    EXPECT_EQ(f.cure, "") << f.name;
  }
  EXPECT_EQ(describe_missing(judge_host(good_host())), std::nullopt);
}

TEST(Doctor, WhatIsMissingIsNamedInOneLine) {
  HostFacts host = good_host();
  host.fsgsbase = false;
  host.bmi2 = false;
  EXPECT_EQ(
      describe_missing(judge_host(host)),
      "this host lacks what cannot be done without: FSGSBASE (not usable), BMI2 (not there); see ringdown "
      "doctor");
}

TEST(Doctor, WithoutASandboxEverythingRunsTranslated) {
  HostFacts host = good_host();
  host.sandbox_error = "seccomp: Operation not permitted";
  EXPECT_EQ(finding(host, "sandbox").state, HostState::kSlower);
  EXPECT_EQ(describe_missing(judge_host(host)), std::nullopt);
}

TEST(Doctor, WithoutIoUringDisksHaveThreads) {
  HostFacts host = good_host();
  host.io_uring_error = "Operation not permitted";
  EXPECT_EQ(finding(host, "io_uring").state, HostState::kSlower);
  EXPECT_EQ(describe_missing(judge_host(host)), std::nullopt);
}

TEST(Doctor, EachRequirementIsOne) {
  HostFacts no_sse = good_host(), no_memfd = good_host(), no_space = good_host();
  no_sse.sse2 = false;
  no_memfd.memfd_error = "Operation not permitted";
  no_space.address_space = false;
  no_space.address_limit = 1 << 30;
  EXPECT_EQ(finding(no_sse, "SSE").state, HostState::kMissing);
  EXPECT_EQ(finding(no_memfd, "memfd_create").state, HostState::kMissing);
  EXPECT_EQ(finding(no_memfd, "memfd_create").value, "Operation not permitted");
  EXPECT_EQ(finding(no_space, "address space").state, HostState::kMissing);
  EXPECT_EQ(finding(no_space, "address space").value, "1024 MiB");
}

TEST(Doctor, WhatIsOnlySlowerDoesNotStopARun) {
  HostFacts host = good_host();
  host.shmem_huge_pages = "never";
  host.max_map_count = 1000;
  EXPECT_EQ(finding(host, "huge pages for shared memory").state, HostState::kSlower);
  EXPECT_EQ(finding(host, "vm.max_map_count").state, HostState::kSlower);
  EXPECT_EQ(finding(host, "vm.max_map_count").cure, "sudo sysctl -w vm.max_map_count=65530");
  EXPECT_EQ(describe_missing(judge_host(host)), std::nullopt);
}

TEST(Doctor, HiddenFilesOfProcAreNotFatal) {
  HostFacts host = good_host();
  host.max_map_count.reset();
  host.mmap_min_addr.reset();
  host.shmem_huge_pages.clear();
  EXPECT_EQ(describe_missing(judge_host(host)), std::nullopt);
  EXPECT_EQ(finding(host, "vm.max_map_count").value, "unknown");
}

TEST(Doctor, WhatIsNotGoodHasACure) {
  HostFacts host;
  host.memfd_error = "Function not implemented";
  const auto findings = judge_host(host);
  for (const auto& f : findings) EXPECT_EQ(f.state == HostState::kGood, f.cure.empty()) << f.name;
  EXPECT_EQ(std::ranges::count(findings, HostState::kMissing, &HostFinding::state), 5);
}

TEST(Doctor, ALineEach) {
  const auto findings = judge_host(HostFacts{});
  const std::string text = format_findings(findings);
  EXPECT_EQ(static_cast<size_t>(std::ranges::count(text, '\n')), findings.size());
  for (const auto& f : findings) EXPECT_NE(text.find(f.name + ": "), std::string::npos) << f.name;
}

TEST(Doctor, ThisHostIsReadable) {
  const HostFacts facts = read_host_facts();
  EXPECT_FALSE(facts.kernel.empty());
  EXPECT_TRUE(facts.sse2);  // every x86-64 processor
}

}  // namespace
}  // namespace ringdown

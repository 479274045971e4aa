#include "monitor/doctor.h"

#include <cstdio>

namespace ringdown {
namespace {

using enum HostState;

HostFinding judge_fsgsbase(const HostFacts& host) {
  if (host.fsgsbase) return {"FSGSBASE", kGood, "usable", "guest memory is addressed through GS"};
  return {"FSGSBASE", kMissing, "not usable", "guest memory is addressed through GS, set by user code",
          "a processor with FSGSBASE (Intel from 2012, AMD from 2014) and Linux 5.9 or later without "
          "'nofsgsbase' "
          "on its command line"};
}

HostFinding judge_bmi2(const HostFacts& host) {
  if (host.bmi2) return {"BMI2", kGood, "there", "translated code shifts without touching flags"};
  return {
      "BMI2", kMissing, "not there", "translated code shifts without touching flags",
      "a processor with BMI2 (Intel from 2013, AMD from 2015), or the hypervisor's CPU model that shows it"};
}

HostFinding judge_sse(const HostFacts& host) {
  if (!host.sse2) {
    return {"SSE", kMissing, host.sse_level, "an x86-64 processor has SSE2", "the hypervisor's CPU model"};
  }
  return {"SSE", kGood, host.sse_level, "the guest's processor can have up to this"};
}

HostFinding judge_kernel(const HostFacts& host) {
  return {"Linux", kGood, host.kernel, "5.9 or later is needed, for FSGSBASE"};
}

HostFinding judge_max_map_count(const HostFacts& host) {
  constexpr uint64_t kDefault = 65530;
  HostFinding finding{"vm.max_map_count", kGood,
                      host.max_map_count ? std::to_string(*host.max_map_count) : "unknown",
                      "mappings of a process; more of them keep more guest processes' pages mapped"};
  if (host.max_map_count.value_or(kDefault) >= kDefault) return finding;
  finding.state = kSlower;
  finding.cure = "sudo sysctl -w vm.max_map_count=65530";
  return finding;
}

HostFinding judge_huge_pages(const HostFacts& host) {
  const std::string& choice = host.shmem_huge_pages;
  const bool good = choice == "always" || choice == "advise" || choice == "within_size" || choice == "force";
  HostFinding finding{"huge pages for shared memory", good ? kGood : kSlower,
                      choice.empty() ? "not there" : choice,
                      "the first touch of guest memory is cheap with them"};
  if (!good && choice.empty()) finding.cure = "a Linux kernel with CONFIG_TRANSPARENT_HUGEPAGE";
  if (!good && !choice.empty()) {
    finding.cure = "echo advise | sudo tee /sys/kernel/mm/transparent_hugepage/shmem_enabled";
  }
  return finding;
}

HostFinding judge_mmap_min_addr(const HostFacts& host) {
  return {"vm.mmap_min_addr", kGood, host.mmap_min_addr ? std::to_string(*host.mmap_min_addr) : "unknown",
          "guest memory lies in windows far above it; native user code cannot use pages below it"};
}

HostFinding judge_memfd(const HostFacts& host) {
  if (host.memfd_error.empty()) {
    return {"memfd_create", kGood, "works", "guest memory and translated code live in such files"};
  }
  return {"memfd_create", kMissing, host.memfd_error, "guest memory and translated code live in such files",
          "sudo sysctl -w vm.memfd_noexec=0, or a security profile that allows executable mappings"};
}

HostFinding judge_address_space(const HostFacts& host) {
  const std::string value =
      host.address_limit ? std::to_string(*host.address_limit >> 20) + " MiB" : std::string("unlimited");
  if (host.address_space) {
    return {"address space", kGood, value, "64 GiB can be reserved for the guest's windows"};
  }
  return {"address space", kMissing, value, "64 GiB cannot be reserved for the guest's windows",
          "ulimit -v unlimited"};
}

HostFinding judge_sandbox(const HostFacts& host) {
  const char* const meaning = "user code that computes runs natively in such a process, else translated";
  if (host.sandbox_error.empty()) return {"sandbox", kGood, "works", meaning};
  return {"sandbox", kSlower, host.sandbox_error, meaning,
          "Linux with seccomp, and a security profile that allows memfd_create, execveat and "
          "seccomp"};
}

HostFinding judge_io_uring(const HostFacts& host) {
  const char* const meaning = "requests of disks go to the host by it, else by a thread for each disk";
  if (host.io_uring_error.empty()) return {"io_uring", kGood, "works", meaning};
  return {"io_uring", kSlower, host.io_uring_error, meaning,
          "sudo sysctl -w kernel.io_uring_disabled=0, or a security profile that allows io_uring_setup"};
}

const char* word_for(HostState state) {
  switch (state) {
    case kGood:
      return "good";
    case kSlower:
      return "slower";
    case kMissing:
      return "MISSING";
  }
  return "";
}

}  // namespace

std::vector<HostFinding> judge_host(const HostFacts& host) {
  return {judge_fsgsbase(host),      judge_bmi2(host),       judge_sse(host),           judge_kernel(host),
          judge_max_map_count(host), judge_huge_pages(host), judge_mmap_min_addr(host), judge_memfd(host),
          judge_address_space(host), judge_sandbox(host),    judge_io_uring(host)};
}

std::vector<HostFinding> examine_host() { return judge_host(read_host_facts()); }

std::string format_findings(std::span<const HostFinding> findings) {
  std::string text;
  for (const auto& finding : findings) {
    char head[64];
    std::snprintf(head, sizeof head, "%-7s  ", word_for(finding.state));
    text += head + finding.name + ": " + finding.value + "; " + finding.meaning;
    if (!finding.cure.empty()) text += "; to mend: " + finding.cure;
    text += "\n";
  }
  return text;
}

std::optional<std::string> describe_missing(std::span<const HostFinding> findings) {
  std::string names;
  for (const auto& finding : findings) {
    if (finding.state != kMissing) continue;
    names += (names.empty() ? "" : ", ") + finding.name + " (" + finding.value + ")";
  }
  if (names.empty()) return std::nullopt;
  return "this host lacks what cannot be done without: " + names + "; see ringdown doctor";
}

}  // namespace ringdown

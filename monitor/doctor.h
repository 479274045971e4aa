#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ringdown {

// What was found out about the host, before it is judged. Texts are empty where the host does not say.
struct HostFacts {
  bool fsgsbase = false;  // usable in user space: AT_HWCAP2 bit 1, set by Linux 5.9 and later
  bool bmi2 = false;      // CPUID.(7,0):EBX bit 8
  bool sse2 = false;
  std::string sse_level = {};                  // the highest, such as "SSE4.2"
  std::string kernel = {};                     // uname -r
  std::optional<uint64_t> max_map_count = {};  // vm.max_map_count
  std::string shmem_huge_pages = {};           // the choice of .../transparent_hugepage/shmem_enabled
  std::optional<uint64_t> mmap_min_addr = {};  // vm.mmap_min_addr
  std::string memfd_error = {};  // why an executable view of a memfd is refused; empty: it is not
  std::optional<uint64_t> address_limit = {};  // RLIMIT_AS in bytes; none: unlimited
  bool address_space = false;                  // kNeededAddressSpace could be reserved
  std::string sandbox_error = {};   // why a sandbox for native user code is refused; empty: it is not
  std::string io_uring_error = {};  // why_no_io_uring()
};

// Shadow spaces take 4 GiB each, guards and guest memory come on top.
constexpr uint64_t kNeededAddressSpace = uint64_t{64} << 30;

enum class HostState {
  kGood,
  kSlower,   // it works, and would work better
  kMissing,  // cannot be done without
};

// One line of `ringdown doctor`.
struct HostFinding {
  std::string name;
  HostState state = HostState::kGood;
  std::string value;      // what is there
  std::string meaning;    // what that means for ringdown
  std::string cure = {};  // the command or setting that mends it, if it is not good
};

HostFacts read_host_facts();
std::vector<HostFinding> judge_host(const HostFacts& facts);  // pure
std::vector<HostFinding> examine_host();                      // judges the facts of this host

// For `ringdown doctor`: a line each.
std::string format_findings(std::span<const HostFinding> findings);

// One line that names all that is missing, for the start of a VM; nothing if nothing is. The exit code is
// ExitCode::kHostLacksFeature.
std::optional<std::string> describe_missing(std::span<const HostFinding> findings);

}  // namespace ringdown

#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "host-driver/block_io.h"
#include "host-driver/file_descriptor.h"
#include "host-driver/host_setting.h"
#include "monitor/doctor.h"
#include "sandbox/sandbox.h"

namespace ringdown {
namespace {

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "always within_size [advise] never" → "advise".
std::string chosen_word(const std::string& line) {
  const auto open = line.find('['), close = line.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return line.substr(open + 1, close - open - 1);
}

std::string highest_sse() {
  if (__builtin_cpu_supports("sse4.2")) return "SSE4.2";
  if (__builtin_cpu_supports("sse4.1")) return "SSE4.1";
  if (__builtin_cpu_supports("ssse3")) return "SSSE3";
  if (__builtin_cpu_supports("sse3")) return "SSE3";
  return __builtin_cpu_supports("sse2") ? "SSE2" : "none";
}

// The translation cache is a memfd with two views, one to write and one to execute.
std::string try_executable_memfd() {
  constexpr size_t kSize = 4096;
  const FileDescriptor file(::memfd_create("ringdown-doctor", MFD_CLOEXEC));
  if (!file || ::ftruncate(file.get(), kSize) != 0) return std::strerror(errno);
  void* view = ::mmap(nullptr, kSize, PROT_READ | PROT_EXEC, MAP_SHARED, file.get(), 0);
  if (view == MAP_FAILED) return std::strerror(errno);
  ::munmap(view, kSize);
  return {};
}

std::string try_sandbox() {
  constexpr size_t kSize = 1 << 20;
  const FileDescriptor ram(::memfd_create("ringdown-doctor", MFD_CLOEXEC));
  if (!ram || ::ftruncate(ram.get(), kSize) != 0) return std::strerror(errno);
  const auto made = Sandbox::create(ram.get());
  const auto* refusal = std::get_if<std::string>(&made);
  return refusal ? *refusal : "";
}

bool try_to_reserve(uint64_t bytes) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* range = ::mmap(nullptr, bytes, PROT_NONE, kFlags, -1, 0);
  if (range == MAP_FAILED) return false;
  ::munmap(range, bytes);
  return true;
}

std::optional<uint64_t> address_space_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

std::string kernel_release() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "";
}

}  // namespace

HostFacts read_host_facts() {
  constexpr unsigned long kHwcap2Fsgsbase = 1UL << 1;
  return {.fsgsbase = (::getauxval(AT_HWCAP2) & kHwcap2Fsgsbase) != 0,
          .bmi2 = __builtin_cpu_supports("bmi2") != 0,
          .sse2 = __builtin_cpu_supports("sse2") != 0,
          .sse_level = highest_sse(),
          .kernel = kernel_release(),
          .max_map_count = host_setting("/proc/sys/vm/max_map_count"),
          .shmem_huge_pages = chosen_word(first_line("/sys/kernel/mm/transparent_hugepage/shmem_enabled")),
          .mmap_min_addr = host_setting("/proc/sys/vm/mmap_min_addr"),
          .memfd_error = try_executable_memfd(),
          .address_limit = address_space_limit(),
          .address_space = try_to_reserve(kNeededAddressSpace),
          .sandbox_error = try_sandbox(),
          .io_uring_error = why_no_io_uring()};
}

}  // namespace ringdown

#include "native/sandbox_pages.h"

#include <string.h>

#include <algorithm>
#include <array>

#include "host-driver/counters.h"

namespace ringdown {
namespace {

PageRights rights_of(Protection protection, bool executable) {
  if (protection == Protection::kReadWrite)
    return executable ? PageRights::kReadWriteExecute : PageRights::kReadWrite;
  return executable ? PageRights::kReadExecute : PageRights::kRead;
}

constexpr uint8_t kTwoByteEscape = 0x0F, kCpuid = 0xA2, kSysenter = 0x34;

bool has_instruction(const uint8_t* page, uint8_t opcode) {
  const std::array<uint8_t, 2> bytes = {kTwoByteEscape, opcode};
  return memmem(page, kPageSize, bytes.data(), bytes.size());
}

}  // namespace

bool SandboxPages::host_has_sysenter() { return __builtin_cpu_is("intel"); }

// The page that follows in the guest's addresses is not known here: a first byte at the end is taken for a
// CPUID.
bool SandboxPages::may_execute(uint32_t linear, uint64_t frame) const {
  const uint8_t* const page = memory_.ram() + (frame << kPageShift);
  if (has_sysenter_ && has_instruction(page, kSysenter)) return false;
  return hot_.contains(linear) || (page[kPageSize - 1] != kTwoByteEscape && !has_instruction(page, kCpuid));
}

bool SandboxPages::map(uint32_t linear, uint64_t ram_offset, uint64_t length, Protection protection,
                       bool executable) {
  const uint64_t too_low =
      std::min<uint64_t>(length, may_map(linear) ? 0 : sandbox_.lowest_mappable() - linear);
  const auto may_run = [&](uint64_t at) {
    return executable && may_execute(static_cast<uint32_t>(linear + at), (ram_offset + at) >> kPageShift);
  };
  for (uint64_t begin = too_low, end; begin < length; begin = end) {
    const bool runs = may_run(begin);
    end = begin + kPageSize;
    while (end < length && may_run(end) == runs) end += kPageSize;
    pending_.push_back({.linear = static_cast<uint32_t>(linear + begin),
                        .ram_offset = ram_offset + begin,
                        .length = end - begin,
                        .rights = rights_of(protection, runs)});
  }
  return true;
}

bool SandboxPages::protect(uint32_t linear, uint64_t length, Protection) { return unmap(linear, length); }

bool SandboxPages::unmap(uint32_t linear, uint64_t length) {
  if (!flush()) return true;
  counters().native_mappings++;
  sandbox_.unmap(linear, length);
  return true;
}

void SandboxPages::unmap_all() {
  pending_.clear();
  counters().native_mappings++;
  sandbox_.unmap_all();
}

bool SandboxPages::flush() {
  if (pending_.empty()) return true;
  counters().native_mappings += pending_.size();
  const MapResult result = sandbox_.map(pending_);
  pending_.clear();
  if (result == MapResult::kFull) unmap_all();
  return result != MapResult::kFull;
}

}  // namespace ringdown

#include "native/sandbox_pages.h"

#include <algorithm>
#include <array>
#include <optional>

#include "cpu/paging.h"
#include "host-driver/counters.h"
#include "interpreter/fast_call.h"
#include "native/instruction_search.h"

namespace ringdown {
namespace {

PageRights rights_of(Protection protection, bool executable) {
  if (protection == Protection::kReadWrite)
    return executable ? PageRights::kReadWriteExecute : PageRights::kReadWrite;
  return executable ? PageRights::kReadExecute : PageRights::kRead;
}

constexpr TwoBytes kCpuid = {0x0F, 0xA2}, kSysenter = {0x0F, 0x34}, kInt80 = {0xCD, 0x80};
// How long the way to a SYSENTER is that is_before_sysenter() looks at, in bytes: some instructions.
constexpr uint32_t kSoon = 32;

void remember(std::vector<uint32_t>& addresses, uint32_t address) {
  constexpr size_t kMost = 16;
  if (addresses.size() == kMost) addresses.clear();
  if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
}

}  // namespace

bool SandboxPages::may_execute(uint32_t linear, uint64_t frame) {
  bool has_cpuid = false, enters_kernel = false;
  std::optional<uint32_t> behind_sysenter;
  for (const auto& [offset, bytes] : find_what_tells(linear & ~kPageMask, frame)) {
    if (bytes == kCpuid) {
      has_cpuid = true;
    } else if (bytes == kInt80 || !host_.has_sysenter) {
      enters_kernel |= offset != behind_sysenter;
    } else if (!is_behind_move_to_ebp(frame, offset) || !can_sysenter(state_)) {
      return false;
    } else {
      remember(sysenters_, (linear & ~kPageMask) + offset);
      behind_sysenter = offset + static_cast<uint32_t>(bytes.size());
    }
  }
  if (has_cpuid && !host_.traps_cpuid) return false;
  if (!has_cpuid && !enters_kernel) return true;
  if (!hot_.contains(linear)) {
    if (enters_kernel) remember(kernel_entries_, linear & ~kPageMask);
    return false;
  }
  if (has_cpuid) sandbox_.trap_cpuid();
  return true;
}

std::vector<TwoByteInstruction> SandboxPages::find_what_tells(uint32_t page_address, uint64_t frame) const {
  constexpr std::array kWanted = {kCpuid, kSysenter, kInt80};
  const uint8_t* const page = memory_.ram() + (frame << kPageShift);
  std::optional<uint8_t> behind;
  const auto next = peek(PagingRegisters::of(state_), memory_, page_address + kPageSize);
  if (next && memory_.is_ram_page(next->physical >> kPageShift)) behind = memory_.ram()[next->physical];
  return find_two_byte_instructions({page, kPageSize}, behind, kWanted);
}

// The host's kernel reads what EBP points to, and if it cannot EAX is lost. Behind MOV EBP, ESP it can.
bool SandboxPages::is_behind_move_to_ebp(uint64_t frame, uint32_t offset) const {
  constexpr std::array<uint8_t, 2> kMoves[] = {{0x89, 0xE5}, {0x8B, 0xEC}};
  const uint8_t* const sysenter = memory_.ram() + (frame << kPageShift) + offset;
  return offset >= 2 && std::ranges::any_of(kMoves, [&](const auto& move) {
           return std::equal(move.begin(), move.end(), sysenter - move.size());
         });
}

bool SandboxPages::is_kernel_entry(uint32_t eip) const {
  return std::ranges::find(kernel_entries_, eip & ~kPageMask) != kernel_entries_.end() && !hot_.contains(eip);
}

bool SandboxPages::has_sysenter_that_faults() const { return !sysenters_.empty() && !can_sysenter(state_); }

bool SandboxPages::is_before_sysenter(uint32_t eip) const {
  return std::ranges::any_of(sysenters_, [&](uint32_t at) { return at - eip < kSoon; });
}

bool SandboxPages::map(uint32_t linear, uint64_t ram_offset, uint64_t length, Protection protection,
                       bool executable) {
  const uint64_t too_low =
      std::min<uint64_t>(length, may_map(linear) ? 0 : sandbox_.lowest_mappable() - linear);
  const auto may_run = [&](uint64_t at) {
    const auto page = static_cast<uint32_t>(linear + at);
    const bool is_wanted = protection == Protection::kRead || page == fetched_;
    return executable && is_wanted && may_execute(page, (ram_offset + at) >> kPageShift);
  };
  std::vector<Mapping> mappings;
  for (uint64_t begin = too_low, end; begin < length; begin = end) {
    const bool runs = may_run(begin);
    end = begin + kPageSize;
    while (end < length && may_run(end) == runs) end += kPageSize;
    mappings.push_back({.linear = static_cast<uint32_t>(linear + begin),
                        .ram_offset = ram_offset + begin,
                        .length = end - begin,
                        .rights = rights_of(protection, runs)});
  }
  counters().native_mappings += mappings.size();
  return sandbox_.map(mappings) != MapResult::kFull;
}

bool SandboxPages::protect(uint32_t linear, uint64_t length, Protection) { return unmap(linear, length); }

bool SandboxPages::unmap(uint32_t linear, uint64_t length) {
  std::erase_if(kernel_entries_, [&](uint32_t page) { return page - linear < length; });
  counters().native_mappings++;
  sandbox_.unmap(linear, length);
  return true;
}

void SandboxPages::unmap_all() {
  sysenters_.clear();
  kernel_entries_.clear();
  counters().native_mappings++;
  sandbox_.unmap_all();
}

}  // namespace ringdown

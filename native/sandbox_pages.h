#pragma once
#include <cstdint>
#include <vector>

#include "cpu/physical_memory.h"
#include "cpu/state.h"
#include "host-driver/page_mapper.h"
#include "native/hot_pages.h"
#include "native/instruction_search.h"
#include "sandbox/host_processor.h"
#include "sandbox/sandbox.h"

namespace ringdown {

// Guest pages in a sandbox, at their guest addresses. What takes rights away takes the page away: its next
// use traps.
class SandboxPages final : public PageMapper {
 public:
  // None is owned.
  SandboxPages(Sandbox& sandbox, const PhysicalMemory& memory, const CpuState& state, const HotPages& hot,
               const HostProcessor& host = HostProcessor::this_one())
      : sandbox_(sandbox), memory_(memory), state_(state), hot_(hot), host_(host) {}

  // May code of this frame run there? Not with a SYSENTER in it, if the host has that, unless nothing can be
  // lost that it keeps: it does not raise #GP, and what EBP points to can be read. Never with a CPUID that
  // the host cannot make trap, for it would answer for the host; otherwise not at first: programs ask when
  // they start, and a trap takes longer than a fetch. Nor with another way into the guest's kernel, which
  // would trap anyway: to fetch from such a page costs the host less than INT 80h does, or a SYSENTER that it
  // does not have. Once the page is hot the last two are over. What is written later is not looked at.
  bool may_execute(uint32_t linear, uint64_t frame);
  // Below lowest_mappable() the host maps nothing.
  bool may_map(uint32_t linear) const { return linear >= sandbox_.lowest_mappable(); }
  // Whether code at `eip` is in a page that may not run since it enters the guest's kernel.
  bool is_kernel_entry(uint32_t eip) const;
  // Whether code at `eip` soon comes to a SYSENTER that runs there.
  bool is_before_sysenter(uint32_t eip) const;
  // Whether pages may run that must not any more: a SYSENTER in them would raise #GP by now.
  bool has_sysenter_that_faults() const;

  // Code is fetched from this page, whose next map() has to make it executable even if it is writable: data
  // is not looked at otherwise.
  void expect_fetch(uint32_t linear) { fetched_ = linear & ~kPageMask; }

  // PageMapper. What it may not map it leaves out. A dead sandbox takes everything, and tells by run(). map()
  // is false at the sandbox's limit of mappings, and has then mapped nothing.
  [[nodiscard]] bool map(uint32_t linear, uint64_t ram_offset, uint64_t length, Protection protection,
                         bool executable) override;
  [[nodiscard]] bool protect(uint32_t linear, uint64_t length, Protection protection) override;
  [[nodiscard]] bool unmap(uint32_t linear, uint64_t length) override;
  void unmap_all() override;

 private:
  static constexpr uint32_t kNoPage = ~0u;

  std::vector<TwoByteInstruction> find_what_tells(uint32_t page_address, uint64_t frame) const;
  bool is_behind_move_to_ebp(uint64_t frame, uint32_t offset) const;

  Sandbox& sandbox_;
  const PhysicalMemory& memory_;
  const CpuState& state_;
  const HotPages& hot_;
  const HostProcessor& host_;
  std::vector<uint32_t> sysenters_;       // linear addresses, of pages that may run or might
  std::vector<uint32_t> kernel_entries_;  // addresses of pages
  uint32_t fetched_ = kNoPage;
};

}  // namespace ringdown

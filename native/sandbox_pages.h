#pragma once
#include <cstdint>
#include <vector>

#include "cpu/physical_memory.h"
#include "host-driver/page_mapper.h"
#include "native/hot_pages.h"
#include "sandbox/sandbox.h"

namespace ringdown {

// Guest pages in a sandbox, at their guest addresses. What takes rights away takes the page away: its next
// use traps.
class SandboxPages final : public PageMapper {
 public:
  // Whether SYSENTER of 32-bit code enters the host's kernel, where EIP is lost. Elsewhere it is #UD, and
  // exact.
  static bool host_has_sysenter();

  // None is owned.
  SandboxPages(Sandbox& sandbox, const PhysicalMemory& memory, const HotPages& hot,
               bool has_sysenter = host_has_sysenter())
      : sandbox_(sandbox), memory_(memory), hot_(hot), has_sysenter_(has_sysenter) {}

  // May code of this frame run there? Not with the bytes of a SYSENTER in it that would be lost; nor with
  // those of a CPUID, which would answer for the host: programs ask when they start. Once the page is hot
  // that is over. What is written later is not looked at.
  bool may_execute(uint32_t linear, uint64_t frame) const;
  // Below lowest_mappable() the host maps nothing.
  bool may_map(uint32_t linear) const { return linear >= sandbox_.lowest_mappable(); }

  // PageMapper. What it may not map it leaves out. A dead sandbox takes everything, and tells by run(). What
  // is mapped is there after flush().
  [[nodiscard]] bool map(uint32_t linear, uint64_t ram_offset, uint64_t length, Protection protection,
                         bool executable) override;
  [[nodiscard]] bool protect(uint32_t linear, uint64_t length, Protection protection) override;
  [[nodiscard]] bool unmap(uint32_t linear, uint64_t length) override;
  void unmap_all() override;
  // False: the limit of mappings is reached, and nothing is mapped any more.
  [[nodiscard]] bool flush();

 private:
  Sandbox& sandbox_;
  const PhysicalMemory& memory_;
  const HotPages& hot_;
  const bool has_sysenter_;
  std::vector<Mapping> pending_;
};

}  // namespace ringdown

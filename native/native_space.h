#pragma once
#include <cstdint>
#include <memory>

#include "native/conduct.h"
#include "native/sandbox_pages.h"
#include "shadowmmu/shadow_mmu.h"

namespace ringdown {

// The sandbox of one guest address space, and which of its pages are there.
class NativeSpace {
 public:
  // `hot` stays the caller's, and grows.
  NativeSpace(std::unique_ptr<Sandbox> sandbox, PhysicalMemory& memory, const CpuState& state,
              const HotPages& hot)
      : sandbox_(std::move(sandbox)), mapper_(*sandbox_, memory, state, hot), pages_(mapper_, memory) {}

  // Before it is entered, when the guest has flushed its TLB. False: of the pages that were there none is any
  // more. This is another address space under the same CR3.
  bool revalidate(const ShadowMmu& shadow);
  // The same of one page.
  void invalidate_page(const ShadowMmu& shadow, uint32_t linear) {
    shadow.revalidate_page_native(pages_, linear);
  }
  // Before it is entered, when more frames are watched: none of them may be written.
  void protect_watched() { pages_.protect_all_watched(); }
  // kEmulate: not RAM, or nothing that may be mapped or run in a sandbox.
  Miss resolve(ShadowMmu& shadow, uint32_t linear, AccessKind kind, WalkFailure& failure);

  // Before it is entered for the first time: what the user has accessed so far.
  void map_accessed(const ShadowMmu& shadow);
  // Where the host's kernel answers SYSENTER, it reads what EBP points to first: maps that if one comes soon.
  // If the guest has forbidden SYSENTER meanwhile, code that has one is there no longer.
  void prepare_sysenter(const ShadowMmu& shadow, const CpuState& state);
  // Whether code at `eip` does not run there since its page enters the guest's kernel.
  bool is_kernel_entry(uint32_t eip) const { return mapper_.is_kernel_entry(eip); }

  Sandbox& sandbox() { return *sandbox_; }

 private:
  std::unique_ptr<Sandbox> sandbox_;
  SandboxPages mapper_;
  ShadowSpace pages_;
};

}  // namespace ringdown

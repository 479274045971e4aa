#pragma once
#include <cstdint>

#include "host-driver/window.h"
#include "shadowmmu/shadow_space.h"

namespace ringdown {

// A shadow space for translated code, in a window.
class WindowSpace {
 public:
  // `ram_file` stays the caller's.
  WindowSpace(int ram_file, PhysicalMemory& memory) : window_(ram_file), pages_(window_, memory) {}

  uint64_t base() const { return window_.base(); }
  bool contains_or_guards(uint64_t host_address) const { return window_.contains_or_guards(host_address); }
  ShadowSpace& pages() { return pages_; }

  uint32_t cr3 = 0;        // user spaces: what this space belongs to
  uint64_t last_used = 0;  // for eviction

 private:
  Window window_;
  ShadowSpace pages_;
};

}  // namespace ringdown

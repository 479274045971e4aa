#pragma once
#include <cstdio>
#include <cstdlib>
#include <string>

#include "images/expected.h"
#include "images/guest_image.h"

namespace ringdown::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

// What a loader promises for any image. AddressSanitizer sees writes outside of RAM.
inline void check_loaded(const Expected<BootState>& state, uint64_t ram_bytes) {
  if (!state) {
    const std::string& message = state.error().message;
    require(!message.empty() && message.find('\n') == std::string::npos, "an error is one line");
    return;
  }
  bool entry_is_loaded = false;
  for (const LoadedRange& range : state->loaded) {
    require(range.base + range.size <= ram_bytes, "what is loaded lies in RAM");
    entry_is_loaded |= state->eip >= range.base && state->eip - range.base < range.size;
  }
  require(entry_is_loaded, "the entry point lies in what is loaded");
  require(state->esp <= ram_bytes && state->gdt_base + state->gdt_limit < ram_bytes,
          "stack and GDT lie in RAM");
}

}  // namespace ringdown::fuzz

#pragma once
#include <cstdint>

namespace ringdown {

// What guest code may read or write of a page. Kept apart: whether it may be executed.
enum class Protection : uint8_t { kNone, kRead, kReadWrite };

// A place of 4 GiB where guest RAM is mapped at guest-linear addresses. All arguments are multiples of the
// page size and lie within it and within RAM.
class PageMapper {
 public:
  virtual ~PageMapper() = default;

  // False: the host's limit of mappings is reached; nothing changed.
  [[nodiscard]] virtual bool map(uint32_t linear, uint64_t ram_offset, uint64_t length, Protection protection,
                                 bool executable) = 0;
  // Of mapped pages. They may be gone instead, if it takes rights away.
  [[nodiscard]] virtual bool protect(uint32_t linear, uint64_t length, Protection protection) = 0;
  [[nodiscard]] virtual bool unmap(uint32_t linear, uint64_t length) = 0;
  // Works at the limit, too.
  virtual void unmap_all() = 0;
};

}  // namespace ringdown

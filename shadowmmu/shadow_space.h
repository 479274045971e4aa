#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "cpu/paging.h"
#include "host-driver/page_mapper.h"

namespace ringdown {

// Everything that one space has mapped from what one page-directory entry (or, without paging, one aligned
// stretch of memory) covers, and the entries that said so.
struct ShadowRegion {
  struct Page {
    uint64_t entry = 0;  // the PTE when it was mapped, with the A and D bits then set
    Protection protection = Protection::kNone;
  };
  uint64_t directory_entry = 0;  // the PDE when the first page was mapped
  bool large = false;
  bool has_non_global = false;
  Protection large_protection = Protection::kNone;  // `large`: of the whole region
  std::vector<Page> pages;                          // not `large`: by index within the region
  std::vector<uint16_t> mapped;                     // indices into `pages` that may be mapped
  // Where much is mapped and has not changed lately: the whole table, with the entry of each mapped page as
  // in `pages`. As long as the guest's is the same byte for byte, none of them has to be looked at. Else
  // empty.
  std::vector<uint8_t> table;
};

// One shadow space: where guest pages are mapped, and a record of which guest entries each was mapped by.
//
// It is a TLB that never forgets by itself. Nothing tells it when the guest writes a page table; instead,
// when the guest flushes its TLB, revalidate() compares the remembered entries with what the tables hold now
// and takes out what changed. Until then a stale mapping is what the architecture allows (SDM vol.
// 3, 4.10.4). Why this rather than write protection: docs/decisions/001-tlb-by-comparison.md.
class ShadowSpace {
 public:
  // `mapper` stays the caller's, and is this space's alone.
  ShadowSpace(PageMapper& mapper, PhysicalMemory& memory)
      : mapper_(mapper), memory_(memory), regions_(kMaxRegions) {}

  // Maps the page that `t` found for `linear`, and neighbours that the same tables put at neighbouring
  // frames. `writable`: as far as the guest is concerned; pages that hold code are mapped read-only all the
  // same. False: the host's limit of mappings is reached.
  [[nodiscard]] bool map(const PagingRegisters& registers, uint32_t linear, const Translation& t,
                         bool writable);

  // Takes out every page whose entries differ from those remembered: all, if they were remembered in another
  // mode of paging.
  void revalidate(const PagingRegisters& registers, bool global_too);
  void revalidate_page(const PagingRegisters& registers, uint32_t linear);
  // Whether something was mapped, and no directory entry is what it was: revalidate() would leave nothing.
  bool is_stale(const PagingRegisters& registers) const;
  // Forgets everything.
  void clear();

  // Write-protects every mapping of what is watched among these frames.
  void protect_watched(uint64_t first_frame, uint64_t frames);
  void protect_all_watched() { protect_watched(0, ~uint64_t{0}); }

  // Maps what these tables hold of user pages that have been accessed, as they are, with up to so many calls
  // of the mapper.
  void map_accessed(const PagingRegisters& registers, unsigned most_calls);

  // For reading, or for writing, too; or as a part of a large page, whichever.
  bool is_mapped(const PagingRegisters& r, uint32_t linear, bool write = false) const;
  bool is_empty() const;
  size_t mapped_pages() const { return mapped_pages_; }  // but for large ones

 private:
  static constexpr uint64_t kNoStorage = PhysicalMemory::kNoStorage;
  static constexpr unsigned kMaxRegions =
      2048;  // of 2 MiB; half of them where a directory entry covers 4 MiB

  static uint32_t region_bytes(const PagingRegisters& r) { return r.pae ? 2u << 20 : 4u << 20; }
  static unsigned region_index(const PagingRegisters& r, uint32_t linear) {
    return linear >> (r.pae ? 21 : 22);
  }

  ShadowRegion& region_for(const PagingRegisters& r, uint32_t linear, const Translation& t);
  bool map_large(const PagingRegisters& r, ShadowRegion& region, uint32_t linear, const Translation& t,
                 bool writable);
  bool map_small(const PagingRegisters& r, ShadowRegion& region, uint32_t linear, const Translation& t,
                 bool writable);
  // At the host's limit of mappings the next two forget everything: a reference to a region is no longer
  // good.
  void drop_region(unsigned index);
  // Pages of one region, by index; sorts them.
  void unmap_pages(unsigned index, std::vector<uint16_t>& pages);
  void protect_pages(unsigned index, std::vector<uint16_t>& pages);
  void revalidate_table(const PagingRegisters& r, unsigned index, bool global_too);
  void keep_table(ShadowRegion& region, const uint8_t* table) const;
  uint64_t frames_per_region() const { return uint64_t{1} << (region_shift_ - kPageShift); }
  uint64_t first_frame(unsigned index) const;
  uint64_t storage_bytes(uint64_t physical, uint64_t most) const;
  [[nodiscard]] bool protect_page(ShadowRegion& region, uint32_t start, unsigned n);
  [[nodiscard]] bool protect_watched_at(uint32_t linear, uint64_t first_frame, uint64_t frames);

  PageMapper& mapper_;
  PhysicalMemory& memory_;
  std::vector<std::unique_ptr<ShadowRegion>> regions_;
  std::vector<uint16_t> active_;  // indices of regions that exist
  PagingRegisters mode_{};        // as of the last map()
  unsigned region_shift_ = 22;
  size_t mapped_pages_ = 0;
};

}  // namespace ringdown

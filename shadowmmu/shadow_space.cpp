#include "shadowmmu/shadow_space.h"

#include <algorithm>
#include <cstring>

#include "host-driver/counters.h"

namespace ringdown {
namespace {

// From so many mapped pages on a table is compared as a whole: one comparison of 4 KiB takes as long as some
// 40 of entries.
constexpr size_t kManyPages = 64;

// How far to look for neighbours in each direction.
constexpr unsigned kNeighbours = 32;

uint64_t directory_entry_address(const PagingRegisters& r, uint32_t linear) {
  if (!r.pae) return (r.cr3 & 0xFFFFF000) + (linear >> 22) * 4;
  return (r.pdpte[linear >> 30] & 0xFFFFFF000ull) + (linear >> 21 & 0x1FF) * 8;
}

uint64_t read_entry(const PagingRegisters& r, const PhysicalMemory& memory, uint64_t address) {
  return r.pae ? memory.read<uint64_t>(address) : memory.read<uint32_t>(address);
}

uint64_t read_directory_entry(const PagingRegisters& r, const PhysicalMemory& memory, uint32_t linear) {
  if (!r.enabled) return 0;
  if (r.pae && !(r.pdpte[linear >> 30] & pte::kPresent)) return 0;
  return read_entry(r, memory, directory_entry_address(r, linear));
}

unsigned page_index(const PagingRegisters& r, uint32_t linear) {
  return linear >> 12 & (r.pae ? 0x1FF : 0x3FF);
}
uint64_t entry_bytes(const PagingRegisters& r) { return r.pae ? 8 : 4; }
uint64_t table_of(const PagingRegisters& r, uint64_t directory_entry) {
  return directory_entry & (r.pae ? 0xFFFFFF000ull : 0xFFFFF000ull);
}
constexpr uint64_t kFrameMask = 0xFFFFFF000;
uint64_t frame_of(uint64_t entry) { return (entry & kFrameMask) >> kPageShift; }

bool is_global(const PagingRegisters& r, uint64_t leaf) { return r.global && (leaf & pte::kGlobal); }

// The access rights in a leaf entry, for comparing neighbours of one table.
uint64_t rights(uint64_t entry) {
  return entry & (pte::kPresent | pte::kWritable | pte::kUser | pte::kGlobal | pte::kNoExecute);
}

// What remembered entries depend on besides the tables themselves. (CR4.PGE is looked at for each page.)
bool same_mode(const PagingRegisters& a, const PagingRegisters& b) {
  return a.enabled == b.enabled && a.pae == b.pae && a.pse == b.pse && a.write_protect == b.write_protect &&
         a.no_execute == b.no_execute;
}

// Only A and, of a large page, D may have changed without the region's being stale: this very walk may have
// set them.
bool is_still_current(const ShadowRegion& region, bool large, uint64_t directory_entry) {
  if (region.large != large) return false;
  const uint64_t set_by_walk = large ? pte::kAccessed | pte::kDirty : pte::kAccessed;
  return region.directory_entry == directory_entry ||
         (region.directory_entry | set_by_walk) == directory_entry;
}

}  // namespace

bool ShadowSpace::map(const PagingRegisters& r, uint32_t linear, const Translation& t, bool writable) {
  counters().shadow_fills++;
  mode_ = r;
  region_shift_ = r.pae ? 21 : 22;
  ShadowRegion& region = region_for(r, linear, t);
  return region.large ? map_large(r, region, linear, t, writable) : map_small(r, region, linear, t, writable);
}

bool ShadowSpace::is_mapped(const PagingRegisters& r, uint32_t linear, bool write) const {
  const ShadowRegion* region = regions_[region_index(r, linear)].get();
  if (!region || region->large) return region != nullptr;
  const Protection protection = region->pages[page_index(r, linear)].protection;
  return write ? protection == Protection::kReadWrite : protection != Protection::kNone;
}

void ShadowSpace::map_accessed(const PagingRegisters& r, unsigned most_calls) {
  if (!r.enabled) return;
  constexpr uint64_t kWanted = pte::kPresent | pte::kUser | pte::kAccessed;
  const auto is_wanted = [](uint64_t entry) { return (entry & kWanted) == kWanted; };
  unsigned calls = 0;
  const auto map_page = [&](uint32_t linear) {
    if (is_mapped(r, linear)) return true;
    const auto t = peek(r, memory_, linear);
    if (!t || !t->user || memory_.storage_page(t->physical >> kPageShift) == kNoStorage) return true;
    return ++calls <= most_calls && map(r, linear, *t, t->writable);
  };
  const uint64_t step = region_bytes(r);
  for (uint64_t start = 0; start < uint64_t{1} << 32; start += step) {
    const auto first = static_cast<uint32_t>(start);
    const uint64_t directory_entry = read_directory_entry(r, memory_, first);
    if (!is_wanted(directory_entry)) continue;
    if (directory_entry & pte::kLarge) {
      if (!map_page(first)) return;
      continue;
    }
    for (uint64_t n = 0; n < step >> kPageShift; n++) {
      const uint64_t entry = read_entry(r, memory_, table_of(r, directory_entry) + n * entry_bytes(r));
      if (is_wanted(entry) && !map_page(static_cast<uint32_t>(first + (n << kPageShift)))) return;
    }
  }
}

ShadowRegion& ShadowSpace::region_for(const PagingRegisters& r, uint32_t linear, const Translation& t) {
  const unsigned index = region_index(r, linear);
  const bool large = t.levels < 2;
  const uint64_t directory_entry = t.levels == 0 ? 0 : t.entry_value[0];
  ShadowRegion* region = regions_[index].get();
  if (region && !is_still_current(*region, large, directory_entry)) {
    drop_region(index);
    region = nullptr;
  }
  if (region) {
    region->directory_entry = directory_entry;
    return *region;
  }
  regions_[index] = std::make_unique<ShadowRegion>();
  active_.push_back(static_cast<uint16_t>(index));
  region = regions_[index].get();
  region->directory_entry = directory_entry;
  region->large = large;
  if (!large) region->pages.resize(r.pae ? 512 : 1024);
  return *region;
}

bool ShadowSpace::map_large(const PagingRegisters& r, ShadowRegion& region, uint32_t linear,
                            const Translation& t, bool writable) {
  const uint64_t bytes = region_bytes(r);
  const uint32_t start = linear & ~static_cast<uint32_t>(bytes - 1);
  const uint64_t physical = t.physical & ~(bytes - 1);
  const bool want_write = writable && t.dirty;
  if (region.large_protection == Protection::kReadWrite) {
    // The whole is mapped already: this page alone was taken out of write access, or altogether.
    const uint64_t frame = t.physical >> kPageShift;
    const Protection now = memory_.is_watched(frame) ? Protection::kRead : Protection::kReadWrite;
    return mapper_.map(linear & ~kPageMask, memory_.storage_page(frame) << kPageShift, kPageSize, now,
                       t.executable);
  }
  const Protection protection = want_write ? Protection::kReadWrite : Protection::kRead;
  uint64_t offset = 0;
  while (offset < bytes) {
    const uint64_t end = offset + storage_bytes(physical + offset, bytes - offset);
    const uint64_t storage = memory_.storage_page((physical + offset) >> kPageShift) << kPageShift;
    if (end > offset &&
        !mapper_.map(static_cast<uint32_t>(start + offset), storage, end - offset, protection, t.executable))
      return false;
    offset = std::max(end, offset + kPageSize);
  }
  counters().shadow_pages_mapped++;
  region.large_protection = protection;
  region.has_non_global |= !t.global;
  if (!want_write || protect_watched_at(start, physical >> kPageShift, bytes >> kPageShift)) return true;
  clear();
  return false;
}

// How many bytes from `physical` on, up to `most`, are neighbours in storage, too.
uint64_t ShadowSpace::storage_bytes(uint64_t physical, uint64_t most) const {
  const uint64_t frame = physical >> kPageShift, first = memory_.storage_page(frame);
  if (first == kNoStorage) return 0;
  uint64_t pages = 1;
  while (pages << kPageShift < most && memory_.storage_page(frame + pages) == first + pages) pages++;
  return pages << kPageShift;
}

// False: the host's limit of mappings is reached, and some of them may still be writable.
bool ShadowSpace::protect_watched_at(uint32_t linear, uint64_t first_frame, uint64_t frames) {
  for (uint64_t n = 0; n < frames; n++) {
    uint64_t end = n;
    while (end < frames && memory_.is_watched(first_frame + end)) end++;
    if (end == n) continue;
    if (!mapper_.protect(static_cast<uint32_t>(linear + (n << kPageShift)), (end - n) << kPageShift,
                         Protection::kRead))
      return false;
    n = end;
  }
  return true;
}

bool ShadowSpace::map_small(const PagingRegisters& r, ShadowRegion& region, uint32_t linear,
                            const Translation& t, bool writable) {
  const unsigned index = page_index(r, linear);
  const uint64_t frame = t.physical >> kPageShift, storage = memory_.storage_page(frame);
  const uint64_t entry = t.entry_value[1];
  const auto protection_of = [&](uint64_t leaf, uint64_t leaf_frame) {
    const bool write = writable && (leaf & pte::kDirty) && !memory_.is_watched(leaf_frame);
    return write ? Protection::kReadWrite : Protection::kRead;
  };
  const Protection protection = protection_of(entry, frame);
  const uint64_t table = t.entry_address[1] - index * entry_bytes(r);
  const auto joins = [&](unsigned neighbour) {
    const uint64_t leaf = read_entry(r, memory_, table + neighbour * entry_bytes(r));
    const uint64_t leaf_frame = frame + neighbour - index;
    return rights(leaf) == rights(entry) && (leaf & pte::kAccessed) && frame_of(leaf) == leaf_frame &&
           memory_.storage_page(leaf_frame) == storage + neighbour - index &&
           region.pages[neighbour].protection == Protection::kNone &&
           protection_of(leaf, leaf_frame) == protection;
  };
  unsigned first = index, end = index + 1;
  if (region.pages[index].protection == Protection::kNone) {
    while (first > 0 && index - first < kNeighbours && joins(first - 1)) first--;
    while (end < region.pages.size() && end - index < kNeighbours && joins(end)) end++;
  }
  const uint32_t start = (linear & ~kPageMask) - ((index - first) << kPageShift);
  if (!mapper_.map(start, (storage - (index - first)) << kPageShift, uint64_t{end - first} << kPageShift,
                   protection, t.executable))
    return false;
  for (unsigned n = first; n < end; n++) {
    ShadowRegion::Page& page = region.pages[n];
    if (page.protection == Protection::kNone) {
      region.mapped.push_back(static_cast<uint16_t>(n));
      mapped_pages_++;
      counters().shadow_pages_mapped++;
    }
    page = {.entry = n == index ? entry : read_entry(r, memory_, table + n * entry_bytes(r)),
            .protection = protection};
    if (!region.table.empty()) std::memcpy(&region.table[n * entry_bytes(r)], &page.entry, entry_bytes(r));
  }
  region.has_non_global |= !t.global;
  return true;
}

void ShadowSpace::drop_region(unsigned index) {
  const ShadowRegion& region = *regions_[index];
  if (!mapper_.unmap(index << region_shift_, uint64_t{1} << region_shift_)) return clear();
  mapped_pages_ -= region.mapped.size();
  counters().shadow_pages_unmapped += region.large ? 1 : region.mapped.size();
  regions_[index].reset();
  active_.erase(std::find(active_.begin(), active_.end(), index));
}

void ShadowSpace::revalidate(const PagingRegisters& r, bool global_too) {
  if (!same_mode(r, mode_)) return clear();
  // Dropping takes regions out of `active_`: one, or all at the host's limit.
  for (size_t left = active_.size(); left > 0; left = std::min(left - 1, active_.size())) {
    const unsigned index = active_[left - 1];
    ShadowRegion& region = *regions_[index];
    if (!global_too && !region.has_non_global) continue;
    if (read_directory_entry(r, memory_, index << region_shift_) != region.directory_entry)
      drop_region(index);
    else if (region.large)
      region.has_non_global = !is_global(r, region.directory_entry);
    else
      revalidate_table(r, index, global_too);
  }
}

bool ShadowSpace::is_stale(const PagingRegisters& r) const {
  if (active_.empty()) return false;
  return !same_mode(r, mode_) || std::ranges::none_of(active_, [&](uint16_t index) {
    const uint64_t now = read_directory_entry(r, memory_, uint32_t{index} << region_shift_);
    return now == regions_[index]->directory_entry;
  });
}

void ShadowSpace::revalidate_table(const PagingRegisters& r, unsigned index, bool global_too) {
  ShadowRegion& region = *regions_[index];
  const uint64_t table = table_of(r, region.directory_entry);
  const uint8_t* const bytes = memory_.is_ram_page(table >> kPageShift) ? memory_.ram() + table : nullptr;
  if (bytes && !region.table.empty() && std::memcmp(bytes, region.table.data(), kPageSize) == 0) return;
  std::vector<uint16_t> stale, read_only;
  bool as_it_was = true;
  region.has_non_global = false;
  std::erase_if(region.mapped, [&](uint16_t n) {
    ShadowRegion::Page& page = region.pages[n];
    if (is_global(r, page.entry) && !global_too) {
      as_it_was = false;
      return false;
    }
    const uint64_t now = read_entry(r, memory_, table + n * entry_bytes(r));
    as_it_was &= now == page.entry;
    if ((now ^ page.entry) & ~(pte::kWritable | pte::kDirty)) {
      stale.push_back(n);
      page = {};
      return true;
    }
    page.entry = now;
    region.has_non_global |= !is_global(r, now);
    // What a fork makes read-only, or what was cleaned and must be seen to become dirty again.
    if (page.protection == Protection::kReadWrite && !((now & pte::kWritable) && (now & pte::kDirty))) {
      page.protection = Protection::kRead;
      read_only.push_back(n);
    }
    return false;
  });
  keep_table(region, as_it_was ? bytes : nullptr);
  if (!stale.empty()) unmap_pages(index, stale);
  // At the host's limit that has taken out everything.
  if (!read_only.empty() && regions_[index]) protect_pages(index, read_only);
}

namespace {

// Calls `act` with each run of neighbours: the first and how many. Sorts.
template <class F>
bool for_runs(std::vector<uint16_t>& pages, F act) {
  std::sort(pages.begin(), pages.end());
  for (size_t i = 0; i < pages.size();) {
    size_t end = i + 1;
    while (end < pages.size() && pages[end] == pages[end - 1] + 1) end++;
    if (!act(pages[i], end - i)) return false;
    i = end;
  }
  return true;
}

}  // namespace

void ShadowSpace::unmap_pages(unsigned index, std::vector<uint16_t>& pages) {
  mapped_pages_ -= pages.size();
  counters().shadow_pages_unmapped += pages.size();
  const uint32_t start = index << region_shift_;
  const bool done = for_runs(pages, [&](uint32_t first, uint64_t count) {
    return mapper_.unmap(start + (first << kPageShift), count << kPageShift);
  });
  if (!done) clear();
}

void ShadowSpace::protect_pages(unsigned index, std::vector<uint16_t>& pages) {
  const uint32_t start = index << region_shift_;
  const bool done = for_runs(pages, [&](uint32_t first, uint64_t count) {
    return mapper_.protect(start + (first << kPageShift), count << kPageShift, Protection::kRead);
  });
  if (!done) clear();
}

void ShadowSpace::keep_table(ShadowRegion& region, const uint8_t* table) const {
  if (table && region.mapped.size() >= kManyPages)
    region.table.assign(table, table + kPageSize);
  else
    region.table.clear();
}

void ShadowSpace::revalidate_page(const PagingRegisters& r, uint32_t linear) {
  const unsigned index = linear >> region_shift_;
  if (index >= regions_.size() || !regions_[index]) return;
  ShadowRegion& region = *regions_[index];
  if (read_directory_entry(r, memory_, linear) != region.directory_entry) return drop_region(index);
  if (region.large) return;
  const unsigned n = page_index(r, linear);
  ShadowRegion::Page& page = region.pages[n];
  if (page.protection == Protection::kNone) return;
  const uint64_t now = read_entry(r, memory_, table_of(r, region.directory_entry) + n * entry_bytes(r));
  if (now == page.entry) return;
  page = {};
  std::erase(region.mapped, n);
  mapped_pages_--;
  counters().shadow_pages_unmapped++;
  if (!mapper_.unmap(linear & ~kPageMask, kPageSize)) clear();
}

void ShadowSpace::clear() {
  if (active_.empty()) return;
  mapper_.unmap_all();
  for (const uint16_t index : active_) regions_[index].reset();
  active_.clear();
  mapped_pages_ = 0;
}

bool ShadowSpace::is_empty() const {
  return mapped_pages_ == 0 &&
         std::none_of(active_.begin(), active_.end(), [&](uint16_t index) { return regions_[index]->large; });
}

// Of a large page: in the guest's memory.
uint64_t ShadowSpace::first_frame(unsigned index) const {
  const uint64_t entry = regions_[index]->directory_entry;
  const uint64_t first = entry == 0 ? uint64_t{index} << (region_shift_ - kPageShift) : frame_of(entry);
  return first & ~(frames_per_region() - 1);
}

void ShadowSpace::protect_watched(uint64_t first, uint64_t frames) {
  for (const uint16_t index : active_) {
    ShadowRegion& region = *regions_[index];
    const uint32_t start = uint32_t{index} << region_shift_;
    if (region.large) {
      if (region.large_protection != Protection::kReadWrite) continue;
      const uint64_t region_first = first_frame(index);
      const uint64_t from = std::max(first, region_first);
      const uint64_t end = std::min(first + std::min(frames, ~first), region_first + frames_per_region());
      if (from < end &&
          !protect_watched_at(static_cast<uint32_t>(start + ((from - region_first) << kPageShift)), from,
                              end - from))
        return clear();
      continue;
    }
    for (const uint16_t n : region.mapped) {
      const uint64_t frame = frame_of(region.pages[n].entry);
      if (frame - first < frames && memory_.is_watched(frame) && !protect_page(region, start, n))
        return clear();
    }
  }
}

// False: the host's limit of mappings is reached.
bool ShadowSpace::protect_page(ShadowRegion& region, uint32_t start, unsigned n) {
  ShadowRegion::Page& page = region.pages[n];
  if (page.protection != Protection::kReadWrite) return true;
  page.protection = Protection::kRead;
  return protect_watched_at(start + (n << kPageShift), frame_of(page.entry), 1);
}

}  // namespace ringdown

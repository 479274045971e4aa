#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

namespace ringdown {

// Pages that a program goes to and fro between are better in its window than in its software TLB, if that
// does not hold them all. What a page costs there is known only when it has come back often: a mapping takes
// the host as long as many misses. So a page is mapped when its returns have cost as much, and an access is
// checked no more when its pages are there already (docs/decisions/026-crowded-software-tlb.md).
class CrowdedPages {
 public:
  // Returns of a page that take as long as a mapping.
  static constexpr unsigned kWorthMapping = 32;
  // Of an access to pages that are mapped, to outweigh that its translation is thrown away; and how many of
  // them one to a page that is not mapped outweighs.
  static constexpr unsigned kWorthChange = 1024, kUnmapped = 16;
  // Of all accesses to whatever pages, since one was last checked no more: there are more pages than could be
  // mapped one by one.
  static constexpr unsigned kTooMany = 1 << 15;

  enum class Advice : uint8_t {
    kGoOn,
    kMap,           // this page
    kStopChecking,  // the access that needs this page
  };

  // `page`, by its linear number, enters the user's software TLB to be read or to be written. `displaces`: in
  // place of another one. `is_mapped()`: whether it is in the window, for that access.
  template <class IsMapped>
  Advice enter(uint32_t page, bool write, bool displaces, IsMapped is_mapped) {
    Entry& entry = entry_of(page, write);
    const Entry now{.flushes = flushes_, .page = page, .write = write, .is_known = true, .returns = 0};
    if (!entry.is_same(now)) {
      entry = now;
      return Advice::kGoOn;
    }
    if (!displaces) return Advice::kGoOn;
    if (++returns_ == kTooMany) return stop_checking();
    if (is_mapped()) return ++mapped_returns_ < kWorthChange ? Advice::kGoOn : stop_checking();
    mapped_returns_ -= std::min(mapped_returns_, kUnmapped);
    if (++entry.returns < kWorthMapping) return Advice::kGoOn;
    entry.returns = 0;
    return Advice::kMap;
  }
  // The software TLB has been flushed: nothing that enters it then is a return.
  void flush() { flushes_++; }
  void invalidate(uint32_t page) {
    for (const bool write : {false, true}) entry_of(page, write) = {};
  }

 private:
  struct Entry {
    uint32_t flushes;
    uint32_t page : 20, write : 1, is_known : 1, returns : 10;

    bool is_same(const Entry& other) const {
      return is_known && flushes == other.flushes && page == other.page && write == other.write;
    }
  };
  Advice stop_checking() {
    returns_ = mapped_returns_ = 0;
    return Advice::kStopChecking;
  }
  Entry& entry_of(uint32_t page, bool write) { return entries_[(page << 1 | write) % entries_.size()]; }

  std::array<Entry, 8192> entries_{};
  uint32_t flushes_ = 0;
  unsigned returns_ = 0, mapped_returns_ = 0;
};

}  // namespace ringdown

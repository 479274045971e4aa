#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "cpu/paging.h"
#include "host-driver/zeroed_memory.h"
#include "translator/code_mode.h"
#include "translator/context.h"

namespace ringdown {

// What one shadow space knows of code: which pages it executes from, and a jump table for each mode to blocks
// translated from them. It is to instruction fetches what the space itself is to data: entries stay until the
// guest flushes its TLB and its page tables turn out to have changed.
class CodeView {
 public:
  // The code that entries of a jump table lead to which lead to no block.
  struct Nowhere {
    uint64_t jump, ret;
  };
  // What code uses of a table lies all over it, in as many pages: a huge one is worth its memory for what
  // always runs.
  CodeView(const Nowhere& nowhere, PageSize tables);

  // Makes the table of this mode current; the mode longest unused gives up its table if there are too many.
  // True: mode_tables() is another now.
  bool use_mode(CodeMode mode);
  bool is_current(CodeMode mode) const { return current_->mode == mode.bits; }
  CodeMode mode() const { return {static_cast<uint16_t>(current_->mode)}; }
  // Forgets everything that belongs to another CR3.
  void use_cr3(uint32_t cr3);
  void forget();

  // In the current mode's table: a block's entry, by its place. nullptr: not there.
  const uint8_t* find(uint64_t place) const;
  void enter(uint64_t place, const uint8_t* entry);
  // The same for what has not been asked for: whatever is there already stays.
  void enter_ahead(uint64_t place, const uint8_t* entry);
  uint64_t table() const { return current_->base(); }

  // In every mode's.
  void remove(uint64_t place);
  void clear_table();

  // A jump table, empty at first.
  class Table {
   public:
    Table(const Nowhere& nowhere, PageSize pages);
    JumpTable& operator*() const { return *table_; }
    JumpTable* operator->() const { return table_; }
    uint64_t base() const { return reinterpret_cast<uint64_t>(table_); }
    // For which each entry of `code` was made last.
    uint64_t& place(uint32_t index) const { return places_[index]; }

   private:
    ZeroedMemory memory_, places_memory_;
    JumpTable* table_;
    uint64_t* places_;
  };

  // For TranslatorContext::mode_tables.
  using ModeTables = std::array<TranslatorContext::ModeTable, TranslatorContext::kModeTables>;
  ModeTables mode_tables() const;

  struct Page {
    uint64_t frame;
    Translation translation;
  };
  std::unordered_map<uint32_t, Page>& pages() { return pages_; }  // by linear page number
  bool has_non_global = false;                                    // one of them may be

 private:
  static constexpr uint64_t kNoMode = ~uint64_t{0};
  // Beyond so many the whole table is cleared.
  static constexpr size_t kFewEntries = JumpTable::kEntries / 8;
  struct Slot {
    uint64_t mode = kNoMode;
    uint64_t last_used = 0;
    std::unique_ptr<Table> table;
    // At least the indices of all entries that lead to a block, while few.
    std::vector<uint16_t> used, used_evicted;
    uint64_t base() const { return table ? table->base() : 0; }
    JumpTable& entries() const { return **table; }
  };

  void evict(uint64_t place, uint64_t entry);
  void clear(Slot& slot);

  const Nowhere nowhere_;
  const PageSize table_pages_;
  std::array<Slot, TranslatorContext::kModeTables> slots_;
  Slot* current_;
  uint64_t time_ = 0;
  std::unordered_map<uint32_t, Page> pages_;
  uint32_t cr3_ = 0;
};

}  // namespace ringdown

#include "translator/code_view.h"

#include <algorithm>

namespace ringdown {

CodeView::CodeView(uint64_t nowhere) : nowhere_(nowhere), current_(&slots_[0]) { use_mode(CodeMode{}); }

// Short-lived programs use little of a table.
void CodeView::clear(Slot& slot) {
  if (slot.used.size() < kFewEntries) {
    for (const uint16_t index : slot.used) slot.table[index] = nowhere_;
  } else {
    std::fill_n(slot.table.get(), kJumpTableEntries, nowhere_);
  }
  slot.used.clear();
}

void CodeView::use_mode(CodeMode mode) {
  if (current_->mode == mode.bits) return;
  auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.mode == mode.bits; });
  if (slot == slots_.end()) {
    slot = std::min_element(slots_.begin(), slots_.end(),
                            [](const Slot& a, const Slot& b) { return a.last_used < b.last_used; });
    slot->mode = mode.bits;
    if (!slot->table) {
      slot->table = std::make_unique_for_overwrite<uint64_t[]>(kJumpTableEntries);
      slot->eips = std::make_unique<uint32_t[]>(kJumpTableEntries);
      std::fill_n(slot->table.get(), kJumpTableEntries, nowhere_);
    }
    clear(*slot);
  }
  slot->last_used = ++time_;
  current_ = &*slot;
}

void CodeView::use_cr3(uint32_t cr3) {
  if (cr3 == cr3_) return;
  cr3_ = cr3;
  forget();
}

void CodeView::forget() {
  pages_.clear();
  has_non_global = false;
  clear_table();
}

const uint8_t* CodeView::find(uint32_t eip) const {
  const uint32_t index = jump_table_index(eip);
  if (current_->eips[index] != eip || current_->table[index] == nowhere_) return nullptr;
  return reinterpret_cast<const uint8_t*>(current_->table[index]);
}

void CodeView::enter(uint32_t eip, const uint8_t* entry) {
  const uint32_t index = jump_table_index(eip);
  if (current_->table[index] == nowhere_ && current_->used.size() < kFewEntries)
    current_->used.push_back(static_cast<uint16_t>(index));
  current_->eips[index] = eip;
  current_->table[index] = reinterpret_cast<uint64_t>(entry);
}

void CodeView::enter_ahead(uint32_t eip, const uint8_t* entry) {
  if (current_->table[jump_table_index(eip)] == nowhere_) enter(eip, entry);
}

void CodeView::remove(uint32_t eip) {
  const uint32_t index = jump_table_index(eip);
  for (Slot& slot : slots_) {
    if (slot.table && slot.eips[index] == eip) slot.table[index] = nowhere_;
  }
}

void CodeView::clear_table() {
  for (Slot& slot : slots_) {
    if (slot.table) clear(slot);
  }
}

CodeView::ModeTables CodeView::mode_tables() const {
  ModeTables tables;
  for (size_t n = 0; n < slots_.size(); n++) tables[n] = {.mode = slots_[n].mode, .table = slots_[n].base()};
  return tables;
}

}  // namespace ringdown

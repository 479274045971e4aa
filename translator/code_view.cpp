#include "translator/code_view.h"

#include <algorithm>
#include <new>

namespace ringdown {

CodeView::CodeView(const Nowhere& nowhere) : nowhere_(nowhere), current_(&slots_[0]) { use_mode(CodeMode{}); }

// Most of a table's pages are never touched: the kernel gives them zeroed, when they are.
CodeView::Table CodeView::make_table(const Nowhere& nowhere) {
  Table table(static_cast<JumpTable*>(std::calloc(1, sizeof(JumpTable))));
  if (!table) throw std::bad_alloc();
  table->return_mask = JumpTable::kReturnMask;
  table->returns.fill(nowhere.ret);
  table->code.fill(nowhere.jump);
  return table;
}

// Short-lived programs use little of a table.
void CodeView::clear(Slot& slot) {
  slot.table->returns.fill(nowhere_.ret);
  if (slot.used.size() < kFewEntries) {
    for (const uint16_t index : slot.used) slot.table->code[index] = nowhere_.jump;
  } else {
    slot.table->code.fill(nowhere_.jump);
  }
  slot.used.clear();
  if (slot.used_evicted.size() < kFewEntries) {
    for (const uint16_t index : slot.used_evicted) slot.table->evicted[index] = {};
  } else {
    slot.table->evicted.fill({});
  }
  slot.used_evicted.clear();
}

void CodeView::use_mode(CodeMode mode) {
  if (current_->mode == mode.bits) return;
  auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.mode == mode.bits; });
  if (slot == slots_.end()) {
    slot = std::min_element(slots_.begin(), slots_.end(),
                            [](const Slot& a, const Slot& b) { return a.last_used < b.last_used; });
    slot->mode = mode.bits;
    if (!slot->table) {
      slot->table = make_table(nowhere_);
      slot->eips = std::make_unique<uint32_t[]>(JumpTable::kEntries);
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
  const uint32_t index = JumpTable::index(eip);
  if (current_->eips[index] == eip && current_->table->code[index] != nowhere_.jump)
    return reinterpret_cast<const uint8_t*>(current_->table->code[index]);
  const auto& evicted = current_->table->evicted[JumpTable::evicted_index(eip)];
  return evicted.tag == JumpTable::Evicted::tag_of(eip) ? reinterpret_cast<const uint8_t*>(evicted.code)
                                                        : nullptr;
}

void CodeView::enter(uint32_t eip, const uint8_t* entry) {
  const uint32_t index = JumpTable::index(eip);
  uint64_t& code = current_->table->code[index];
  if (code != nowhere_.jump) {
    if (current_->eips[index] != eip) evict(current_->eips[index], code);
  } else if (current_->used.size() < kFewEntries) {
    current_->used.push_back(static_cast<uint16_t>(index));
  }
  current_->eips[index] = eip;
  code = reinterpret_cast<uint64_t>(entry);
}

void CodeView::evict(uint32_t eip, uint64_t entry) {
  const uint32_t index = JumpTable::evicted_index(eip);
  auto& evicted = current_->table->evicted[index];
  if (evicted.tag == 0 && current_->used_evicted.size() < kFewEntries)
    current_->used_evicted.push_back(static_cast<uint16_t>(index));
  evicted = {.tag = JumpTable::Evicted::tag_of(eip), .code = entry};
}

void CodeView::enter_ahead(uint32_t eip, const uint8_t* entry) {
  if (current_->table->code[JumpTable::index(eip)] == nowhere_.jump)
    enter(eip, entry);
  else if (!find(eip))
    evict(eip, reinterpret_cast<uint64_t>(entry));
}

void CodeView::remove(uint32_t eip) {
  const uint32_t index = JumpTable::index(eip);
  for (Slot& slot : slots_) {
    if (!slot.table) continue;
    if (slot.eips[index] == eip) slot.table->code[index] = nowhere_.jump;
    auto& evicted = slot.table->evicted[JumpTable::evicted_index(eip)];
    if (evicted.tag == JumpTable::Evicted::tag_of(eip)) evicted = {};
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

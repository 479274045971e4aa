#include "translator/code_view.h"

#include <algorithm>
#include <new>

namespace ringdown {

CodeView::CodeView(const Nowhere& nowhere, PageSize tables)
    : nowhere_(nowhere), table_pages_(tables), current_(&slots_[0]) {
  use_mode(CodeMode{});
}

CodeView::Table::Table(const Nowhere& nowhere, PageSize pages)
    : memory_(pages, "memory for a jump table"),
      places_memory_(PageSize::kSmall, "memory for a jump table"),
      table_(static_cast<JumpTable*>(memory_.start())),
      places_(static_cast<uint64_t*>(places_memory_.start())) {
  static_assert(sizeof(JumpTable) <= ZeroedMemory::kBytes);
  static_assert(JumpTable::kEntries * sizeof(uint64_t) <= ZeroedMemory::kBytes);
  table_->return_mask = JumpTable::kReturnMask;
  table_->returns.fill(nowhere.ret);
  table_->code.fill(nowhere.jump);
}

// Short-lived programs use little of a table.
void CodeView::clear(Slot& slot) {
  JumpTable& table = slot.entries();
  table.returns.fill(nowhere_.ret);
  if (slot.used.size() < kFewEntries) {
    for (const uint16_t index : slot.used) table.code[index] = nowhere_.jump;
  } else {
    table.code.fill(nowhere_.jump);
  }
  slot.used.clear();
  if (slot.used_evicted.size() < kFewEntries) {
    for (const uint16_t index : slot.used_evicted) table.evicted[index] = {};
  } else {
    table.evicted.fill({});
  }
  slot.used_evicted.clear();
}

bool CodeView::use_mode(CodeMode mode) {
  if (current_->mode == mode.bits) return false;
  auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.mode == mode.bits; });
  const bool is_new = slot == slots_.end();
  if (is_new) {
    slot = std::min_element(slots_.begin(), slots_.end(),
                            [](const Slot& a, const Slot& b) { return a.last_used < b.last_used; });
    slot->mode = mode.bits;
    if (!slot->table) slot->table = std::make_unique<Table>(nowhere_, table_pages_);
    clear(*slot);
    slot->entries().return_mask =
        mode.has(CodeMode::kStack16) ? JumpTable::kReturnMask16 : JumpTable::kReturnMask;
  }
  slot->last_used = ++time_;
  current_ = &*slot;
  return is_new;
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

const uint8_t* CodeView::find(uint64_t place) const {
  const JumpTable& table = current_->entries();
  const uint32_t index = JumpTable::index(place);
  if (current_->table->place(index) == place && table.code[index] != nowhere_.jump)
    return reinterpret_cast<const uint8_t*>(table.code[index]);
  const auto& evicted = table.evicted[JumpTable::evicted_index(place)];
  return evicted.tag == JumpTable::Evicted::tag_of(place) ? reinterpret_cast<const uint8_t*>(evicted.code)
                                                          : nullptr;
}

void CodeView::enter(uint64_t place, const uint8_t* entry) {
  JumpTable& table = current_->entries();
  const uint32_t index = JumpTable::index(place);
  uint64_t& made_for = current_->table->place(index);
  if (table.code[index] != nowhere_.jump) {
    if (made_for != place) evict(made_for, table.code[index]);
  } else if (current_->used.size() < kFewEntries) {
    current_->used.push_back(static_cast<uint16_t>(index));
  }
  made_for = place;
  table.code[index] = reinterpret_cast<uint64_t>(entry);
}

void CodeView::evict(uint64_t place, uint64_t entry) {
  const uint32_t index = JumpTable::evicted_index(place);
  auto& evicted = current_->entries().evicted[index];
  if (evicted.tag == 0 && current_->used_evicted.size() < kFewEntries)
    current_->used_evicted.push_back(static_cast<uint16_t>(index));
  evicted = {.tag = JumpTable::Evicted::tag_of(place), .code = entry};
}

void CodeView::enter_ahead(uint64_t place, const uint8_t* entry) {
  if (current_->entries().code[JumpTable::index(place)] == nowhere_.jump)
    enter(place, entry);
  else if (!find(place))
    evict(place, reinterpret_cast<uint64_t>(entry));
}

void CodeView::remove(uint64_t place) {
  const uint32_t index = JumpTable::index(place);
  for (Slot& slot : slots_) {
    if (!slot.table) continue;
    JumpTable& table = slot.entries();
    if (slot.table->place(index) == place) table.code[index] = nowhere_.jump;
    auto& evicted = table.evicted[JumpTable::evicted_index(place)];
    if (evicted.tag == JumpTable::Evicted::tag_of(place)) evicted = {};
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

#include "translator/code_view.h"

#include <algorithm>

namespace ringdown {
namespace {

uint32_t index_of(uint32_t eip) { return eip & SpaceJumpTable::kMask; }

// Matches no EIP that could ask for this entry.
uint32_t no_tag(uint32_t index) { return 0u - (index ^ 1); }

void clear(SpaceJumpTable& table) {
  for (uint32_t index = 0; index < SpaceJumpTable::kEntries; index++) table.negated_eip[index] = no_tag(index);
}

}  // namespace

CodeView::CodeView() : current_(&slots_[0]) { use_mode(CodeMode{}); }

void CodeView::use_mode(CodeMode mode) {
  if (current_->mode == mode.bits) return;
  auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.mode == mode.bits; });
  if (slot == slots_.end()) {
    slot = std::min_element(slots_.begin(), slots_.end(),
                            [](const Slot& a, const Slot& b) { return a.last_used < b.last_used; });
    slot->mode = mode.bits;
    if (!slot->table) slot->table = std::make_unique<SpaceJumpTable>();
    clear(*slot->table);
  }
  slot->last_used = ++time_;
  current_ = &*slot;
}

void CodeView::use_cr3(uint32_t cr3) {
  if (cr3 == cr3_) return;
  cr3_ = cr3;
  pages_.clear();
  clear_table();
}

const uint8_t* CodeView::find(uint32_t eip) const {
  const uint32_t index = index_of(eip);
  if (current_->table->negated_eip[index] != 0u - eip) return nullptr;
  return reinterpret_cast<const uint8_t*>(current_->table->code[index]);
}

void CodeView::enter(uint32_t eip, const uint8_t* code) {
  const uint32_t index = index_of(eip);
  current_->table->negated_eip[index] = 0u - eip;
  current_->table->code[index] = reinterpret_cast<uint64_t>(code);
}

void CodeView::remove(uint32_t eip, const uint8_t* code) {
  const uint32_t index = index_of(eip);
  for (const Slot& slot : slots_) {
    if (slot.table && slot.table->code[index] == reinterpret_cast<uint64_t>(code))
      slot.table->negated_eip[index] = no_tag(index);
  }
}

void CodeView::clear_table() {
  for (const Slot& slot : slots_) {
    if (slot.table) clear(*slot.table);
  }
}

CodeView::ModeTables CodeView::mode_tables() const {
  ModeTables tables;
  for (size_t n = 0; n < slots_.size(); n++)
    tables[n] = {.mode = slots_[n].mode, .table = reinterpret_cast<uint64_t>(slots_[n].table.get())};
  return tables;
}

}  // namespace ringdown

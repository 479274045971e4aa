#include "translator/code_view.h"

#include <algorithm>

namespace ringdown {
namespace {

// Matches no EIP that could ask for this entry.
uint32_t no_tag(uint32_t index) { return 0u - (index ^ 1); }

}  // namespace

CodeView::CodeView(bool user) : shape_(jump_table_shape(user)), current_(&slots_[0]) { use_mode(CodeMode{}); }

void CodeView::clear(uint64_t table) {
  for (uint32_t index = 0; index < shape_.entries; index++) jump_table_tag(table, index) = no_tag(index);
}

void CodeView::use_mode(CodeMode mode) {
  if (current_->mode == mode.bits) return;
  auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.mode == mode.bits; });
  if (slot == slots_.end()) {
    slot = std::min_element(slots_.begin(), slots_.end(),
                            [](const Slot& a, const Slot& b) { return a.last_used < b.last_used; });
    slot->mode = mode.bits;
    if (!slot->table) slot->table = std::make_unique_for_overwrite<uint64_t[]>(shape_.bytes() / 8);
    clear(slot->base());
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
  const uint32_t index = shape_.index(eip);
  if (jump_table_tag(table(), index) != 0u - eip) return nullptr;
  return reinterpret_cast<const uint8_t*>(jump_table_code(table(), shape_, index));
}

void CodeView::enter(uint32_t eip, const uint8_t* code) {
  const uint32_t index = shape_.index(eip);
  jump_table_tag(table(), index) = 0u - eip;
  jump_table_code(table(), shape_, index) = reinterpret_cast<uint64_t>(code);
}

void CodeView::remove(uint32_t eip) {
  const uint32_t index = shape_.index(eip);
  for (const Slot& slot : slots_) {
    if (slot.table && jump_table_tag(slot.base(), index) == 0u - eip)
      jump_table_tag(slot.base(), index) = no_tag(index);
  }
}

void CodeView::clear_table() {
  for (const Slot& slot : slots_) {
    if (slot.table) clear(slot.base());
  }
}

CodeView::ModeTables CodeView::mode_tables() const {
  ModeTables tables;
  for (size_t n = 0; n < slots_.size(); n++) tables[n] = {.mode = slots_[n].mode, .table = slots_[n].base()};
  return tables;
}

}  // namespace ringdown

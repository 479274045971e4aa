#include "translator/code_view.h"

namespace ringdown {
namespace {

uint32_t index_of(uint32_t eip) { return eip & SpaceJumpTable::kMask; }

// Matches no EIP that could ask for this entry.
uint32_t no_tag(uint32_t index) { return 0u - (index ^ 1); }

}  // namespace

const uint8_t* CodeView::find(uint32_t eip) const {
  const uint32_t index = index_of(eip);
  if (table_->negated_eip[index] != 0u - eip) return nullptr;
  return reinterpret_cast<const uint8_t*>(table_->code[index]);
}

void CodeView::enter(uint32_t eip, const uint8_t* code) {
  const uint32_t index = index_of(eip);
  table_->negated_eip[index] = 0u - eip;
  table_->code[index] = reinterpret_cast<uint64_t>(code);
}

void CodeView::remove(uint32_t eip, const uint8_t* code) {
  const uint32_t index = index_of(eip);
  if (table_->code[index] == reinterpret_cast<uint64_t>(code)) table_->negated_eip[index] = no_tag(index);
}

void CodeView::clear_table() {
  for (uint32_t index = 0; index < SpaceJumpTable::kEntries; index++) table_->negated_eip[index] = no_tag(index);
}

void CodeView::use_mode(CodeMode mode) {
  if (mode == mode_) return;
  mode_ = mode;
  clear_table();
}

void CodeView::use_cr3(uint32_t cr3) {
  if (cr3 == cr3_) return;
  cr3_ = cr3;
  pages_.clear();
  clear_table();
}

}  // namespace ringdown

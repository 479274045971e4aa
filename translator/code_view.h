#pragma once
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "cpu/paging.h"
#include "translator/code_mode.h"
#include "translator/context.h"

namespace ringdown {

// What one shadow space knows of code: which pages it executes from, and a jump table to blocks translated from
// them. It is to instruction fetches what the space itself is to data: entries stay until the guest flushes its TLB
// and its page tables turn out to have changed.
class CodeView {
 public:
  CodeView() : table_(std::make_unique<SpaceJumpTable>()) { clear_table(); }

  uint64_t table() const { return reinterpret_cast<uint64_t>(table_.get()); }

  // nullptr: not in the table.
  const uint8_t* find(uint32_t eip) const;
  void enter(uint32_t eip, const uint8_t* code);
  void remove(uint32_t eip, const uint8_t* code);
  void clear_table();

  // The table holds code of one mode and one CR3 at a time: forgets what belongs to others.
  void use_mode(CodeMode mode);
  void use_cr3(uint32_t cr3);

  struct Page {
    uint64_t frame;
    Translation translation;
  };
  std::unordered_map<uint32_t, Page>& pages() { return pages_; }  // by linear page number

 private:
  std::unique_ptr<SpaceJumpTable> table_;
  std::unordered_map<uint32_t, Page> pages_;
  CodeMode mode_;
  uint32_t cr3_ = 0;
};

}  // namespace ringdown

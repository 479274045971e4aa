#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "translator/block.h"

namespace ringdown {

// Entry points by key. Every instruction that is translated behind a call or a conditional jump asks for its
// own, mostly in vain: hence open addressing, where that is one line of memory. Where it is does not depend
// on EIP, and the key is read from the point: a block whose EIP changes stays where it is. (The same memory
// at several EIPs is rare.)
class EntryTable {
 public:
  EntryTable() { clear(); }

  EntryPoint* find(const BlockKey& key) const;
  // In the place of another with the same key, if there is one.
  void set(EntryPoint& point);
  // Of this key, if there is one.
  void erase(const BlockKey& key);
  void clear();

  static BlockKey key_of(const EntryPoint& point);

 private:
  struct Slot {
    uint64_t hash;
    EntryPoint* point;  // nullptr: none
  };

  static uint64_t hash_of(const BlockKey& key);
  size_t next(size_t slot) const { return (slot + 1) & (slots_.size() - 1); }
  size_t home(uint64_t hash) const { return hash & (slots_.size() - 1); }
  // Where the key is, or the empty slot where it would be.
  size_t slot_of(const BlockKey& key, uint64_t hash) const;
  void grow();

  std::vector<Slot> slots_;  // a power of two of them, half of which at least are empty
  size_t used_ = 0;
};

}  // namespace ringdown

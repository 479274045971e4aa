#include "translator/entry_table.h"

#include <algorithm>
#include <utility>

namespace ringdown {
namespace {

constexpr size_t kFewestSlots = 1 << 10;

}  // namespace

BlockKey EntryTable::key_of(const EntryPoint& point) {
  BlockKey key = point.block->key;
  key.physical += point.eip - key.eip;
  key.eip = point.eip;
  return key;
}

uint64_t EntryTable::hash_of(const BlockKey& key) {
  const uint64_t product =
      (key.physical ^ uint64_t{key.mode.bits} << 56 ^ key.code_segment * 5) * 0x9E3779B97F4A7C15ull;
  return product ^ product >> 32;
}

size_t EntryTable::slot_of(const BlockKey& key, uint64_t hash) const {
  size_t at = home(hash);
  while (slots_[at].point && (slots_[at].hash != hash || key_of(*slots_[at].point) != key)) at = next(at);
  return at;
}

EntryPoint* EntryTable::find(const BlockKey& key) const { return slots_[slot_of(key, hash_of(key))].point; }

void EntryTable::set(EntryPoint& point) {
  if (used_ * 2 >= slots_.size()) grow();
  const BlockKey key = key_of(point);
  const uint64_t hash = hash_of(key);
  Slot& slot = slots_[slot_of(key, hash)];
  used_ += slot.point == nullptr;
  slot = {.hash = hash, .point = &point};
}

// What follows moves up, unless that is in front of its home.
void EntryTable::erase(const BlockKey& key) {
  size_t hole = slot_of(key, hash_of(key));
  if (!slots_[hole].point) return;
  used_--;
  const size_t mask = slots_.size() - 1;
  for (size_t at = next(hole); slots_[at].point; at = next(at)) {
    const size_t from_home = (at - home(slots_[at].hash)) & mask, from_hole = (at - hole) & mask;
    if (from_home < from_hole) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole].point = nullptr;
}

void EntryTable::clear() {
  slots_.assign(std::max(slots_.size(), kFewestSlots), {});  // it will be as full again
  used_ = 0;
}

void EntryTable::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  std::swap(old, slots_);
  for (const Slot& slot : old) {
    if (slot.point) slots_[slot_of(key_of(*slot.point), slot.hash)] = slot;
  }
}

}  // namespace ringdown

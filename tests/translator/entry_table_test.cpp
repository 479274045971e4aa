// Against a map of the standard library: what was set is found until it is erased, whatever else comes and
// goes.
#include "translator/entry_table.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

namespace ringdown {
namespace {

constexpr size_t kPoints = 4096;

// Two spaces of addresses, few modes and few pages: keys that differ in one part only, and clusters.
struct Points {
  std::array<Block, kPoints> blocks;
  std::array<EntryPoint, kPoints> points;

  Points() {
    for (size_t n = 0; n < kPoints; n++) {
      const auto offset = static_cast<uint32_t>(n >> 3 << 2);
      const uint32_t linear = n & 1 ? 0xC0000000 : 0;
      blocks[n].key = {.physical = offset & ~15u, .eip = linear + (offset & ~15u), .mode = {}};
      blocks[n].key.mode.bits = n >> 1 & 3;
      points[n] = {.block = &blocks[n],
                   .eip = linear + offset};  // behind the block's start, as behind a call
    }
  }
};

TEST(EntryTable, FindsWhatAMapFinds) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::minstd_rand random(seed);
  Points all;
  EntryTable table;
  std::map<size_t, bool> there;
  for (unsigned step = 0; step < 100'000; step++) {
    const size_t n = random() % kPoints;
    const BlockKey key = EntryTable::key_of(all.points[n]);
    // It fills up, and then empties.
    if (random() % 100'000 > step) {
      table.set(all.points[n]);
      there[n] = true;
    } else {
      table.erase(key);
      there[n] = false;
    }
    const size_t other = random() % kPoints;
    EntryPoint* const expected = there[other] ? &all.points[other] : nullptr;
    ASSERT_EQ(table.find(EntryTable::key_of(all.points[other])), expected) << "step " << step;
  }
}

// It is asked for by its new EIP then, without having been set again.
TEST(EntryTable, ABlockThatMovesIsFoundWhereItIsNow) {
  Points all;
  EntryTable table;
  for (EntryPoint& point : all.points) table.set(point);
  for (size_t n = 0; n < kPoints; n++) {
    const BlockKey before = EntryTable::key_of(all.points[n]);
    all.blocks[n].key.eip += 0x5000'0000;
    all.points[n].eip += 0x5000'0000;
    EXPECT_EQ(table.find(EntryTable::key_of(all.points[n])), &all.points[n]);
    EXPECT_EQ(table.find(before), nullptr);
  }
}

TEST(EntryTable, TheLaterOfTwoWithOneKeyCounts) {
  Points all;
  EntryPoint later = all.points[5];
  EntryTable table;
  table.set(all.points[5]);
  table.set(later);
  EXPECT_EQ(table.find(EntryTable::key_of(later)), &later);
  table.erase(EntryTable::key_of(later));
  EXPECT_EQ(table.find(EntryTable::key_of(later)), nullptr);
}

TEST(EntryTable, ClearedItIsEmpty) {
  Points all;
  EntryTable table;
  for (EntryPoint& point : all.points) table.set(point);
  table.clear();
  for (const EntryPoint& point : all.points) EXPECT_EQ(table.find(EntryTable::key_of(point)), nullptr);
}

}  // namespace
}  // namespace ringdown

// A block that is relocated, or moved, is byte for byte what would have been translated there.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "tests/translator/golden_cases.h"
#include "translator/block_translator.h"

namespace ringdown {
namespace {

constexpr uint32_t kEip = 0x00401F00, kPagesMoved[] = {1, 0x0FFFF, 0xB7D01, 0xFFC00};

class Relocation : public ::testing::TestWithParam<BlockTranslator::Comparison> {
 protected:
  static CodeMode user_mode() {
    CpuState state{};
    state.cpl = 3;
    state.cr0 = cr0::kPe | cr0::kPg;
    state.cr4 = cr4::kOsfxsr;
    state.segment.fill({.base = 0, .limit = 0xFFFFFFFF, .selector = 0, .attributes = 0xC0F3});
    return CodeMode::of(state);
  }

  std::unique_ptr<Block> translate(const std::vector<uint8_t>& guest, uint32_t eip, EnteredBy by) {
    const BlockKey key{.physical = 0x5000 + (eip & kPageMask), .eip = eip, .mode = user_mode()};
    const unsigned in_page = kPageSize - (eip & kPageMask);
    return translator_.translate(key, {.bytes = guest, .in_first_page = in_page, .next_frame = 7}, by);
  }

  // In the cache, and linked to itself, as it is when another process comes.
  Block& place(std::unique_ptr<Block> block) {
    Block& placed = *block;
    cache_.add(std::move(block), translator_.emitted(), translator_.emitted_stubs());
    for (Edge& edge : placed.edges) cache_.link(edge, placed.start());
    return placed;
  }

  // Without what depends on where the code will be.
  std::vector<uint8_t> emitted_of(const Block& block) const {
    std::vector<uint8_t> code(translator_.emitted().begin(), translator_.emitted().end());
    for (const Edge& edge : block.edges) std::memset(&code[reinterpret_cast<uint64_t>(edge.site)], 0, 4);
    return code;
  }
  static std::vector<uint8_t> placed_of(const Block& block) {
    std::vector<uint8_t> code(block.code, block.code + block.code_bytes);
    for (const Edge& edge : block.edges)
      std::memset(&code[static_cast<size_t>(edge.site - block.code)], 0, 4);
    return code;
  }

  void expect_same(const std::vector<uint8_t>& guest, uint32_t pages, EnteredBy by) {
    const uint32_t eip = kEip + (pages << kPageShift);
    const auto fresh = translate(guest, eip, by);
    const std::vector<uint8_t> expected = emitted_of(*fresh);
    const size_t expected_stubs = translator_.emitted_stubs().size();
    Block& block = place(translate(guest, kEip, by));
    const auto relocated = translator_.relocate(block, eip);
    EXPECT_EQ(emitted_of(*relocated), expected);
    EXPECT_EQ(translator_.emitted_stubs().size(), expected_stubs);
    expect_same_block(*relocated, *fresh);

    const BlockKey before = block.key;
    cache_.move(block, pages << kPageShift);
    EXPECT_EQ(placed_of(block), expected);
    EXPECT_EQ(block.key, fresh->key);
    for (size_t n = 0; n < block.entry_points.size(); n++)
      EXPECT_EQ(block.entry_points[n].eip, fresh->entry_points[n].eip);
    for (size_t n = 0; n < block.edges.size(); n++) EXPECT_EQ(block.edges[n].target, fresh->edges[n].target);
    EXPECT_EQ(cache_.find(before), nullptr);
    EXPECT_EQ(cache_.find(block.key), &block.start());
    cache_.flush([](uint64_t) {});
  }

  static void expect_same_block(const Block& moved, const Block& fresh) {
    EXPECT_EQ(moved.key, fresh.key);
    EXPECT_EQ(moved.guest_bytes, fresh.guest_bytes);
    EXPECT_EQ(moved.second_frame, fresh.second_frame);
    EXPECT_EQ(moved.calls_out, fresh.calls_out);
    EXPECT_EQ(moved.return_points, fresh.return_points);
    EXPECT_TRUE(moved.incoming.empty());
    ASSERT_EQ(moved.edges.size(), fresh.edges.size());
    for (size_t n = 0; n < moved.edges.size(); n++) {
      EXPECT_EQ(moved.edges[n].from, &moved);
      EXPECT_EQ(moved.edges[n].to, nullptr);
      EXPECT_EQ(moved.edges[n].target, fresh.edges[n].target);
      EXPECT_EQ(moved.edges[n].site, fresh.edges[n].site);
      EXPECT_EQ(moved.edges[n].stub, fresh.edges[n].stub);
    }
    ASSERT_EQ(moved.entry_points.size(), fresh.entry_points.size());
    for (size_t n = 0; n < moved.entry_points.size(); n++) {
      EXPECT_EQ(moved.entry_points[n].block, &moved);
      EXPECT_EQ(moved.entry_points[n].eip, fresh.entry_points[n].eip);
      EXPECT_EQ(moved.entry_points[n].body, fresh.entry_points[n].body);
    }
  }

  CpuModel model_ = CpuModel::default_model();
  BlockCache cache_{1 << 20};
  BlockTranslator translator_{model_, cache_, GetParam()};
};

TEST_P(Relocation, IsWhatWouldHaveBeenTranslated) {
  unsigned blocks = 0;
  for (const GoldenFile& file : golden_files())
    for (const auto& instruction : file.instructions)
      for (const uint32_t pages : kPagesMoved)
        for (const EnteredBy by : {EnteredBy::kTable, EnteredBy::kEdge}) {
          SCOPED_TRACE(std::string(file.name) + ", " + std::to_string(pages) + " pages on");
          expect_same(instruction, pages, by);
          blocks++;
        }
  EXPECT_GT(blocks, 500u);
}

// Many instructions in one block, over the end of the page and to other pages.
TEST_P(Relocation, IsSoOfRandomCode) {
  std::vector<std::vector<uint8_t>> all;
  for (const GoldenFile& file : golden_files())
    all.insert(all.end(), file.instructions.begin(), file.instructions.end());
  std::mt19937 random(20261128);
  for (int n = 0; n < 2000; n++) {
    std::vector<uint8_t> guest;
    while (guest.size() < 300) {
      const auto& next = all[random() % all.size()];
      guest.insert(guest.end(), next.begin(), next.end());
    }
    SCOPED_TRACE(n);
    expect_same(guest, kPagesMoved[random() % std::size(kPagesMoved)],
                random() % 2 ? EnteredBy::kTable : EnteredBy::kEdge);
    if (HasFailure()) break;
  }
}

TEST_P(Relocation, IsNotDoneWhereDifferencesAreEncodedShorter) {
  Block block;
  block.key = {.physical = 0, .eip = kEip, .mode = {}};
  EXPECT_TRUE(translator_.can_relocate(block, kEip + kPageSize));
  EXPECT_FALSE(translator_.can_relocate(block, 0xF00));
  EXPECT_FALSE(translator_.can_relocate(block, 0xFFFFFF00));
  block.key.eip = 0xF00;
  EXPECT_FALSE(translator_.can_relocate(block, kEip));
}

TEST_P(Relocation, IsNotDoneOfABlockFromBeforeAnInstructionWasChecked) {
  const std::vector<uint8_t> guest{0x90, 0x8B, 0x03, 0xC3};  // nop; mov eax, [ebx]; ret
  const auto before = translate(guest, kEip, EnteredBy::kTable);
  EXPECT_TRUE(translator_.can_relocate(*before, kEip + kPageSize));
  translator_.checked().insert(before->key.physical + 1);
  EXPECT_FALSE(translator_.can_relocate(*before, kEip + kPageSize));
  const auto after = translate(guest, kEip, EnteredBy::kTable);
  EXPECT_TRUE(translator_.can_relocate(*after, kEip + kPageSize));
}

INSTANTIATE_TEST_SUITE_P(Comparisons, Relocation,
                         ::testing::Values(BlockTranslator::Comparison::kLoop,
                                           BlockTranslator::Comparison::kJumpIfZero));

}  // namespace
}  // namespace ringdown

// How a block's jumps leave it, or stay.
#include "translator/block_translator.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace ringdown {
namespace {

constexpr uint32_t kEip = 0x1000;

class BlockJumps : public ::testing::Test {
 protected:
  std::unique_ptr<Block> translate(const std::vector<uint8_t>& guest) {
    return translator_.translate(
        {.physical = kEip, .eip = kEip, .mode = CodeMode{}},
        {.bytes = guest, .in_first_page = static_cast<unsigned>(guest.size()), .next_frame = Block::kNoFrame},
        EnteredBy::kEdge);
  }
  // Where the near conditional jump of the block's n-th instruction leads, from the start of the code.
  uint32_t target_of(const Block& block, size_t n) const {
    constexpr size_t kOpcodeBytes = 2, kBytes = 6;
    const size_t at = block.starts[n].host_offset;
    int32_t relative;
    std::memcpy(&relative, translator_.emitted().data() + at + kOpcodeBytes, sizeof relative);
    return static_cast<uint32_t>(at + kBytes) + static_cast<uint32_t>(relative);
  }

 private:
  CpuModel model_ = CpuModel::default_model();
  BlockCache nothing_translated_{4096};
  BlockTranslator translator_{model_, nothing_translated_};
};

TEST_F(BlockJumps, AheadWithinTheBlockStays) {
  const auto block = translate({0x74, 0x01, 0x40, 0x90, 0xC3});  // jz past inc eax; nop; ret
  EXPECT_TRUE(block->edges.empty());
  EXPECT_EQ(target_of(*block, 0), block->starts[2].host_offset);
}

TEST_F(BlockJumps, IntoAnInstructionIsAnEdge) {
  const auto block = translate({0x74, 0x01, 0xB0, 0x90, 0xC3});  // jz into mov al, 0x90; ret
  ASSERT_EQ(block->edges.size(), 1u);
  EXPECT_EQ(block->edges[0].target, kEip + 3);
}

TEST_F(BlockJumps, BeyondTheBlockIsAnEdge) {
  const auto block = translate({0x74, 0x01, 0xC3, 0x90});  // jz past ret
  ASSERT_EQ(block->edges.size(), 1u);
  EXPECT_EQ(block->edges[0].target, kEip + 3);
}

// A kick unlinks the edges of the block that it finds running: a loop must go by one.
TEST_F(BlockJumps, BackIsAnEdge) {
  const auto block = translate({0x90, 0x40, 0x75, 0xFD, 0xC3});  // nop; inc eax; jnz to inc eax; ret
  ASSERT_EQ(block->edges.size(), 1u);
  EXPECT_EQ(block->edges[0].target, kEip + 1);
}

// RSP is ESP where a jump comes in, for it is where the jump goes out.
TEST_F(BlockJumps, AheadBehindPushesFindsEspSettled) {
  const auto block =
      translate({0x74, 0x02, 0x50, 0x50, 0x51, 0xC3});  // jz past two; push eax twice; push ecx; ret
  EXPECT_EQ(block->starts[2].esp_offset, -4);
  EXPECT_EQ(block->starts[3].esp_offset, 0);
  EXPECT_EQ(target_of(*block, 0), block->starts[3].host_offset);
}

// push eax; push ebx; mov ebp, esp; mov eax, [esp+4]; sub esp, 8; pop ecx; pop ecx; inc esp; ret
TEST_F(BlockJumps, PushesAndPopsMoveRspWhereEspIsNamed) {
  const auto block =
      translate({0x50, 0x53, 0x89, 0xE5, 0x8B, 0x44, 0x24, 0x04, 0x83, 0xEC, 0x08, 0x59, 0x59, 0x44, 0xC3});
  std::vector<int> offsets;
  for (const InstructionStart& start : block->starts) offsets.push_back(start.esp_offset);
  EXPECT_EQ(offsets, (std::vector<int>{0, -4, -8, -8, 0, 0, 4, 0, 0}));
}

TEST_F(BlockJumps, WhatIsBehindACallIsAnEntryPoint) {
  const auto block = translate({0xE8, 0, 1, 0, 0, 0x90, 0xFF, 0xD0, 0xC3});  // call; nop; call eax; ret
  ASSERT_EQ(block->entry_points.size(), 3u);
  EXPECT_EQ(block->start().eip, kEip);
  EXPECT_EQ(block->entry_points[1].eip, kEip + 5);
  EXPECT_EQ(block->entry_points[2].eip, kEip + 8);
  EXPECT_EQ(reinterpret_cast<uint64_t>(block->entry_points[2].body), block->starts[3].host_offset);
}

// Nothing of the block is behind it: the return point goes on by an edge.
TEST_F(BlockJumps, ACallThatEndsThePageHasNoEntryPointBehindIt) {
  const auto block = translate({0xE8, 0, 1, 0, 0});
  EXPECT_EQ(block->entry_points.size(), 1u);
  EXPECT_EQ(block->return_points.size(), 1u);
  ASSERT_EQ(block->edges.size(), 2u);
  EXPECT_EQ(block->edges[1].target, kEip + 5);
}

// They cut EIP and the stack: the interpreter's.
TEST_F(BlockJumps, CallsOf16BitsHaveNoReturnPoint) {
  EXPECT_TRUE(translate({0x66, 0xE8, 0, 1, 0x90})->return_points.empty());
  EXPECT_TRUE(translate({0x66, 0xFF, 0xD0, 0x90})->return_points.empty());
}

TEST_F(BlockJumps, ToItselfIsAnEdge) {
  const auto block = translate({0x75, 0xFE, 0xC3});  // jnz to itself; ret
  ASSERT_EQ(block->edges.size(), 1u);
  EXPECT_EQ(block->edges[0].target, kEip);
}

}  // namespace
}  // namespace ringdown

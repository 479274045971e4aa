#include "translator/code_pieces.h"

#include <gtest/gtest.h>

namespace ringdown {
namespace {

Block block_at(uint64_t physical, uint16_t bytes, uint64_t second_frame = Block::kNoFrame) {
  Block block;
  block.key = {.physical = physical, .eip = 0, .mode = CodeMode{}};
  block.guest_bytes = bytes;
  block.second_frame = second_frame;
  return block;
}

TEST(CodePieces, AreThoseThatABlockTouches) {
  CodePieces pieces;
  pieces.add(block_at(0x7C3F, 2));
  EXPECT_FALSE(pieces.holds(0x7BFE, 2));
  EXPECT_TRUE(pieces.holds(0x7BFE, 3));
  EXPECT_TRUE(pieces.holds(0x7C7F, 1));
  EXPECT_FALSE(pieces.holds(0x7C80, 0x1000));
}

TEST(CodePieces, OfABlockInTwoFramesAreInBoth) {
  CodePieces pieces;
  pieces.add(block_at(0x3FFF, 2, 8));
  EXPECT_TRUE(pieces.holds(0x3FC0, 1));
  EXPECT_TRUE(pieces.holds(0x8000, 1));
  EXPECT_FALSE(pieces.holds(0x8040, 1));
  EXPECT_FALSE(pieces.holds(0x4000, 1));
}

TEST(CodePieces, AreForgottenByFrame) {
  CodePieces pieces;
  pieces.add(block_at(0x1000, 10));
  pieces.add(block_at(0x2000, 10));
  pieces.forget(1);
  EXPECT_FALSE(pieces.holds(0x1000, 1));
  EXPECT_TRUE(pieces.holds(0x2000, 1));
}

TEST(CodePieces, FewWritesBesideAreNoHabit) {
  CodePieces pieces;
  for (unsigned n = 0; n < CodePieces::kFewWrites; n++) EXPECT_FALSE(pieces.note_write_beside(7));
  EXPECT_TRUE(pieces.note_write_beside(7));
  EXPECT_FALSE(pieces.note_write_beside(8));
}

}  // namespace
}  // namespace ringdown

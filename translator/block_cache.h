#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "host-driver/code_memory.h"
#include "translator/entry_table.h"

namespace ringdown {

// All translated blocks and the memory that their code is in: what runs often grows from its start, what runs
// once, the stubs, from its end. Blocks are found by key, by host address and by the guest's page frame that
// they were made from. Memory is given back only all at once, by flush().
class BlockCache {
 public:
  explicit BlockCache(size_t code_bytes);

  // Room for code that stays for good (thunks). Only before the first block.
  const uint8_t* add_permanent(std::span<const uint8_t> code);
  // How many blocks were added since the last flush, and their bytes without stubs.
  size_t blocks() const { return by_address_.size(); }
  size_t used() const { return used_ - permanent_; }
  // Whether so many bytes more can be added.
  bool has_room(size_t bytes) const { return used_ + kCodeAlignment + bytes <= stubs_; }

  EntryPoint* find(const BlockKey& key) const { return by_key_.find(key); }
  // A block of user code from the same memory in the same mode, for whatever EIP; nullptr if there is none.
  const Block* find_elsewhere(const BlockKey& key) const;
  // The block whose code holds this host address, discarded or not; nullptr if it is not a block's.
  Block* at(const uint8_t* host) const;
  bool contains(uint64_t host) const { return memory_.contains(host); }
  // Changes with every flush().
  uint64_t generation() const { return generation_; }

  // Copies both in and adds the block, whose edges' sites and stubs and whose entry points' bodies were
  // offsets until now. What is in front of its start's body is the entry. Only if has_room() for both.
  void add(std::unique_ptr<Block> block, std::span<const uint8_t> code, std::span<const uint8_t> stubs);
  // Code that belongs to no block's key, such as a trampoline. Only if has_room().
  const uint8_t* add_stubs(std::span<const uint8_t> code);

  // To the body of an entry point that has no entry of its own, by BlockTranslator::translate_entry(). Only
  // if has_room().
  void add_entry(EntryPoint& to, std::span<const uint8_t> code);

  void link(Edge& edge, EntryPoint& to);
  // The same with code that is not a block.
  void redirect(Edge& edge, const uint8_t* to);
  void unlink(Edge& edge);

  // Makes a block one for an EIP that is `distance` higher, a number of pages, where there must be none of
  // its memory and mode. No table may lead to it. All blocks of its page have to move, before any of them
  // runs.
  void move(Block& block, uint32_t distance);

  bool frame_has_blocks(uint64_t frame) const { return by_frame_.contains(frame); }
  std::span<Block* const> blocks_of_frame(uint64_t frame) const;
  // Takes a block, or all of a frame's, out: nothing leads there any more. Their memory stays until flush().
  void discard(Block& block);
  void discard_frame(uint64_t frame);
  // Empties the cache. No block may be running. Calls `frame_emptied` for each frame that had code.
  template <class F>
  void flush(F frame_emptied) {
    for (const auto& [frame, blocks] : by_frame_) frame_emptied(frame);
    forget_all();
  }

 private:
  static constexpr size_t kCodeAlignment = 16;

  const uint8_t* add_code(std::span<const uint8_t> code);
  const uint8_t* copy(size_t offset, std::span<const uint8_t> code);
  void place_edges(Block& block, std::span<const uint8_t> stubs);
  void place_entry_points(Block& block);
  void close_return_point(const uint8_t* start);
  void point(const uint8_t* rel32, const uint8_t* target);
  void remove_from_frame(uint64_t frame, Block& block);
  void forget_all();

  CodeMemory memory_;
  size_t permanent_ = 0, used_ = 0;  // from the start
  size_t stubs_;                     // offset of the lowest
  uint64_t generation_ = 0;
  EntryTable by_key_;
  std::unordered_map<uint64_t, std::vector<Block*>> by_frame_;
  std::unordered_map<uint64_t, Block*> user_blocks_;  // by physical address, the latest
  std::vector<std::unique_ptr<Block>> by_address_;    // in the order of their code
};

}  // namespace ringdown

#include "translator/block_cache.h"

#include <algorithm>
#include <cstring>

#include "cpu/physical_memory.h"
#include "host-driver/counters.h"

namespace ringdown {
namespace {

constexpr size_t kCodeAlignment = 16;

size_t align(size_t bytes) { return (bytes + kCodeAlignment - 1) & ~(kCodeAlignment - 1); }

}  // namespace

const InstructionStart& Block::start_at(const uint8_t* host) const {
  const auto offset = static_cast<uint16_t>(host - code);
  const auto after =
      std::upper_bound(starts.begin(), starts.end(), offset,
                       [](uint16_t at, const InstructionStart& s) { return at < s.host_offset; });
  return *std::prev(after);
}

BlockCache::BlockCache(size_t code_bytes) : memory_(code_bytes) {}

const uint8_t* BlockCache::add_permanent(std::span<const uint8_t> code) {
  const uint8_t* place = add_code(code);
  permanent_ = used_;
  return place;
}

const uint8_t* BlockCache::add_code(std::span<const uint8_t> code) {
  if (used_ + code.size() > memory_.size()) return nullptr;
  const uint8_t* place = memory_.executable() + used_;
  std::memcpy(memory_.writable(place), code.data(), code.size());
  used_ = align(used_ + code.size());
  counters().host_code_bytes += code.size();
  return place;
}

Block* BlockCache::find(const BlockKey& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

Block* BlockCache::at(const uint8_t* host) const {
  const auto after = std::upper_bound(by_address_.begin(), by_address_.end(), host,
                                      [](const uint8_t* a, const auto& block) { return a < block->code; });
  if (after == by_address_.begin()) return nullptr;
  Block* block = std::prev(after)->get();
  return host < block->code + block->code_bytes ? block : nullptr;
}

bool BlockCache::add(std::unique_ptr<Block> block, std::span<const uint8_t> code) {
  block->code = add_code(code);
  if (!block->code) return false;
  block->code_bytes = static_cast<uint32_t>(code.size());
  by_key_[block->key] = block.get();
  by_frame_[block->key.physical >> kPageShift].push_back(block.get());
  if (block->crosses_page()) by_frame_[block->second_frame].push_back(block.get());
  by_address_.push_back(std::move(block));
  return true;
}

void BlockCache::point(const Edge& edge, const uint8_t* target) {
  const auto relative = static_cast<int32_t>(target - (edge.site + 4));
  std::memcpy(memory_.writable(edge.site), &relative, 4);
}

void BlockCache::link(Edge& edge, Block& to) {
  counters().block_links++;
  edge.to = &to;
  to.incoming.push_back(&edge);
  point(edge, to.code);
}

void BlockCache::redirect(Edge& edge, const uint8_t* to) { point(edge, to); }

void BlockCache::unlink(Edge& edge) {
  if (edge.to) std::erase(edge.to->incoming, &edge);
  edge.to = nullptr;
  point(edge, edge.stub);
}

std::span<Block* const> BlockCache::blocks_of_frame(uint64_t frame) const {
  const auto found = by_frame_.find(frame);
  if (found == by_frame_.end()) return {};
  return found->second;
}

void BlockCache::discard_frame(uint64_t frame) {
  while (true) {
    const auto found = by_frame_.find(frame);
    if (found == by_frame_.end()) return;
    discard(*found->second.back());
  }
}

void BlockCache::discard(Block& block) {
  counters().blocks_discarded++;
  while (!block.incoming.empty()) unlink(*block.incoming.back());
  for (unsigned n = 0; n < block.edge_count; n++) unlink(block.edges[n]);
  by_key_.erase(block.key);
  remove_from_frame(block.key.physical >> kPageShift, block);
  if (block.crosses_page()) remove_from_frame(block.second_frame, block);
}

void BlockCache::remove_from_frame(uint64_t frame, Block& block) {
  const auto found = by_frame_.find(frame);
  std::erase(found->second, &block);
  if (found->second.empty()) by_frame_.erase(found);
}

void BlockCache::forget_all() {
  counters().code_cache_flushes++;
  by_key_.clear();
  by_frame_.clear();
  by_address_.clear();
  used_ = permanent_;
}

}  // namespace ringdown

#include "translator/block_cache.h"

#include <algorithm>
#include <cstring>

#include "cpu/physical_memory.h"
#include "host-driver/counters.h"
#include "translator/context.h"

namespace ringdown {
namespace {

// Adds to 32 bits; returns the sum.
uint32_t add(uint8_t* to, uint32_t difference) {
  uint32_t value;
  std::memcpy(&value, to, 4);
  value += difference;
  std::memcpy(to, &value, 4);
  return value;
}

size_t align(size_t bytes, size_t alignment) { return (bytes + alignment - 1) & ~(alignment - 1); }

}  // namespace

void EipField::move(uint8_t* code, uint32_t distance) const {
  uint8_t* const field = code + host_offset;
  switch (kind) {
    case Kind::kAdded:
      add(field, distance);
      break;
    case Kind::kSubtracted:
      add(field, 0 - distance);
      break;
    case Kind::kTableJump: {
      const uint32_t eip = add(field, distance);
      const auto moved = static_cast<int32_t>(JumpTable::index(eip)) -
                         static_cast<int32_t>(JumpTable::index(eip - distance));
      add(field + kTableJumpDistance, static_cast<uint32_t>(moved * static_cast<int32_t>(sizeof(uint64_t))));
      break;
    }
  }
}

const InstructionStart& Block::start_at(const uint8_t* host) const {
  const auto offset = static_cast<uint16_t>(host - code);
  const auto after =
      std::upper_bound(starts.begin(), starts.end(), offset,
                       [](uint16_t at, const InstructionStart& s) { return at < s.host_offset; });
  return *std::prev(after);
}

const InstructionStart* Block::start_of(uint32_t eip) const {
  const uint32_t offset = eip - key.eip;
  const auto start =
      std::lower_bound(starts.begin(), starts.end(), offset,
                       [](const InstructionStart& s, uint32_t sought) { return s.guest_offset < sought; });
  return start != starts.end() && start->guest_offset == offset ? &*start : nullptr;
}

BlockCache::BlockCache(size_t code_bytes) : memory_(code_bytes), stubs_(memory_.size()) {}

const uint8_t* BlockCache::add_permanent(std::span<const uint8_t> code) {
  const uint8_t* place = add_code(code);
  permanent_ = used_;
  return place;
}

const uint8_t* BlockCache::copy(size_t offset, std::span<const uint8_t> code) {
  std::copy(code.begin(), code.end(), memory_.prepare(offset, code.size()));
  counters().host_code_bytes += code.size();
  return memory_.executable() + offset;
}

const uint8_t* BlockCache::add_code(std::span<const uint8_t> code) {
  const uint8_t* place = copy(used_, code);
  used_ = align(used_ + code.size(), kCodeAlignment);
  return place;
}

const uint8_t* BlockCache::add_stubs(std::span<const uint8_t> code) {
  return copy(stubs_ -= code.size(), code);
}

Block* BlockCache::at(const uint8_t* host) const {
  const auto after = std::upper_bound(by_address_.begin(), by_address_.end(), host,
                                      [](const uint8_t* a, const auto& block) { return a < block->code; });
  if (after == by_address_.begin()) return nullptr;
  Block* block = std::prev(after)->get();
  return block->holds(host) ? block : nullptr;
}

void BlockCache::add(std::unique_ptr<Block> block, std::span<const uint8_t> code,
                     std::span<const uint8_t> stubs) {
  block->code = add_code(code);
  block->code_bytes = static_cast<uint32_t>(code.size());
  place_edges(*block, stubs);
  place_entry_points(*block);
  by_frame_[block->key.physical >> kPageShift].push_back(block.get());
  if (block->has_second_frame()) by_frame_[block->second_frame].push_back(block.get());
  if (block->key.mode.user()) user_blocks_[block->key.physical] = block.get();
  by_address_.push_back(std::move(block));
}

const Block* BlockCache::find_elsewhere(const BlockKey& key) const {
  const auto found = user_blocks_.find(key.physical);
  return found != user_blocks_.end() && found->second->key.mode == key.mode ? found->second : nullptr;
}

// Edges within the page stay linked: where they lead moves with them.
void BlockCache::move(Block& block, uint32_t distance) {
  counters().blocks_moved++;
  block.key.eip += distance;
  for (EntryPoint& point : block.entry_points) {
    point.eip += distance;
    if (point.entry && !block.holds(point.entry)) point.entry = nullptr;
  }
  for (Edge& edge : block.edges) {
    edge.target += distance;
    if (!edge.to) unlink(edge);
  }
  uint8_t* const code = memory_.writable(block.code);
  for (const EipField& field : block.eip_fields) field.move(code, distance);
}

void BlockCache::place_entry_points(Block& block) {
  for (EntryPoint& point : block.entry_points) {
    point.body = block.code + reinterpret_cast<uint64_t>(point.body);
    by_key_.set(point);
  }
  if (block.start().body != block.code) block.start().entry = block.code + kMissBytes;
}

void BlockCache::add_entry(EntryPoint& to, std::span<const uint8_t> code) {
  const uint8_t* const place = add_stubs(code);
  to.entry = place + kMissBytes;
  point(place + code.size() - 4, to.body);
}

void BlockCache::place_edges(Block& block, std::span<const uint8_t> stubs) {
  const uint8_t* place = add_stubs(stubs);
  for (Edge& edge : block.edges) {
    edge.site = block.code + reinterpret_cast<uint64_t>(edge.site);
    edge.stub = place + reinterpret_cast<uint64_t>(edge.stub);
    point(edge.site, edge.stub);
  }
}

void BlockCache::point(const uint8_t* rel32, const uint8_t* target) {
  const auto relative = static_cast<int32_t>(target - (rel32 + 4));
  std::memcpy(memory_.writable(rel32), &relative, 4);
}

void BlockCache::link(Edge& edge, EntryPoint& to) {
  counters().block_links++;
  edge.to = to.block;
  to.block->incoming.push_back(&edge);
  point(edge.site, to.body);
}

void BlockCache::redirect(Edge& edge, const uint8_t* to) { point(edge.site, to); }

void BlockCache::unlink(Edge& edge) {
  if (edge.to) std::erase(edge.to->incoming, &edge);
  edge.to = nullptr;
  point(edge.site, edge.stub);
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
  for (Edge& edge : block.edges) unlink(edge);
  for (const uint32_t offset : block.return_points) close_return_point(block.code + offset);
  for (const EntryPoint& point : block.entry_points) by_key_.erase(EntryTable::key_of(point));
  const auto latest = user_blocks_.find(block.key.physical);
  if (latest != user_blocks_.end() && latest->second == &block) user_blocks_.erase(latest);
  remove_from_frame(block.key.physical >> kPageShift, block);
  if (block.has_second_frame()) remove_from_frame(block.second_frame, block);
}

// A short jump to the jump in front of it in place of the comparison: no return is its own.
void BlockCache::close_return_point(const uint8_t* start) {
  constexpr uint8_t kJmpRel8 = 0xEB, kBytes = 2;
  uint8_t* const place = memory_.writable(start);
  place[0] = kJmpRel8;
  place[1] = static_cast<uint8_t>(-(kMissJumpBytes + kBytes));
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
  user_blocks_.clear();
  by_address_.clear();
  used_ = permanent_;
  stubs_ = memory_.size();
  generation_++;
}

}  // namespace ringdown

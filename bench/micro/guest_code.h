#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "translator/block_translator.h"

namespace ringdown {

// The text of some compiled programs (CMakeLists.txt), one behind the other.
std::span<const uint8_t> guest_code();

constexpr uint32_t kCodeAddress = 0x00400000;
CodeMode kernel_mode();

// What translate() needs for the block at this offset within guest_code().
struct BlockSource {
  BlockKey key;
  GuestCode code;
};
BlockSource block_source(uint32_t offset);

// All of guest_code() in a cache.
class TranslatedCode {
 public:
  TranslatedCode();
  BlockCache& cache() { return cache_; }
  std::span<Block* const> blocks() const { return blocks_; }

 private:
  CpuModel model_ = CpuModel::default_model();
  BlockCache cache_{16 << 20};
  BlockTranslator translator_{model_, cache_};
  std::vector<Block*> blocks_;
};

}  // namespace ringdown

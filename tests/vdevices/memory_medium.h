#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vdevices/block_medium.h"

namespace ringdown::testing {

// A disk in memory: sector n is filled with n + 1. Can be told to be bad, or to take its time.
struct MemoryMedium : BlockMedium {
  explicit MemoryMedium(size_t sectors) : data(sectors * kSectorBytes) {
    for (size_t i = 0; i < sectors; ++i)
      std::fill_n(data.data() + i * kSectorBytes, kSectorBytes, uint8_t(i + 1));
  }

  std::vector<uint8_t> data;
  std::string log;  // R, W and F, as requests end
  std::optional<uint64_t> bad_sector;
  bool locked = false;  // against writing
  bool waits = false;   // requests end when finish() is called
  bool fails_to_flush = false;
  std::function<void()> under_way;

  // Ends the request under way; false if there is none.
  bool finish() {
    if (!under_way) return false;
    std::exchange(under_way, nullptr)();
    return true;
  }
  uint8_t first_byte(uint64_t sector) const { return data[sector * kSectorBytes]; }

  uint64_t sectors() const override { return data.size() / kSectorBytes; }
  bool read_only() const override { return locked; }
  void read(uint64_t sector, std::span<uint8_t> to, BlockDone done) override {
    run([=, this, done = std::move(done)] {
      const BlockResult result = outcome(sector, to.size());
      std::copy_n(data.begin() + at(sector), result.sectors * kSectorBytes, to.begin());
      log += 'R';
      done(result);
    });
  }
  void write(uint64_t sector, std::span<const uint8_t> from, BlockDone done) override {
    run([=, this, done = std::move(done)] {
      const BlockResult result = outcome(sector, from.size());
      std::copy_n(from.begin(), result.sectors * kSectorBytes, data.begin() + at(sector));
      log += 'W';
      done(result);
    });
  }
  void flush(BlockDone done) override {
    run([this, done = std::move(done)] {
      log += 'F';
      done({.error = fails_to_flush ? BlockError::kUnreadable : BlockError::kNone});
    });
  }

 private:
  static std::ptrdiff_t at(uint64_t sector) { return static_cast<std::ptrdiff_t>(sector * kSectorBytes); }
  BlockResult outcome(uint64_t sector, size_t bytes) const {
    const size_t count = bytes / kSectorBytes;
    if (bytes % kSectorBytes != 0 || sector > sectors() || count > sectors() - sector || under_way)
      std::abort();
    if (!bad_sector || *bad_sector < sector || *bad_sector >= sector + count) return {.sectors = count};
    return {.error = BlockError::kUnreadable, .sectors = static_cast<size_t>(*bad_sector - sector)};
  }
  void run(std::function<void()> request) {
    if (!waits) return request();
    if (under_way) std::abort();  // a drive has one request at a time
    under_way = std::move(request);
  }
};

}  // namespace ringdown::testing

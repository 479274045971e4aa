#pragma once
#include <cerrno>
#include <cstdint>
#include <span>
#include <utility>

#include "host-driver/block_queue.h"
#include "vdevices/block_medium.h"

namespace ringdown {

// An image of the host as a drive's medium. Whoever runs the machine calls the queue's deliver(), and its
// drain() before drives go.
class ImageMedium : public BlockMedium {
 public:
  // Not owned.
  explicit ImageMedium(BlockQueue& queue) : queue_(queue) {}

  uint64_t sectors() const override { return queue_.sectors(); }
  bool read_only() const override { return queue_.read_only(); }
  void read(uint64_t sector, std::span<uint8_t> to, BlockDone done) override {
    queue_.read(sector, to, translated(std::move(done)));
  }
  void write(uint64_t sector, std::span<const uint8_t> from, BlockDone done) override {
    queue_.write(sector, from, translated(std::move(done)));
  }
  void flush(BlockDone done) override { queue_.flush(translated(std::move(done))); }

 private:
  static BlockError error_of(int error) {
    if (error == 0) return BlockError::kNone;
    return error == EROFS ? BlockError::kReadOnly : BlockError::kUnreadable;
  }
  static BlockQueue::Done translated(BlockDone done) {
    return [done = std::move(done)](BlockOutcome outcome) {
      done({.error = error_of(outcome.error), .sectors = outcome.sectors});
    };
  }

  BlockQueue& queue_;
};

}  // namespace ringdown

#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "host-driver/block_io.h"

namespace ringdown {

// An image whose requests do not keep their caller waiting. All but the I/O thread's part (BlockIo) belongs
// to one thread, the owner's (the one that runs the vCPU), and every request ends by its callback there:
// within the call, if the host has what is to be read in memory, or else in deliver(). Until then its span
// belongs to the queue.
//
// Requests are carried out one after another, in their order, so that a flush covers all writes before it.
class BlockQueue {
 public:
  using Done = std::function<void(BlockOutcome)>;

  // `on_ended` is called on the I/O thread when a request has ended, and must see to it that the owner calls
  // deliver() soon. It must not call the queue. Where io_uring is wanted and cannot be had, it is a thread.
  BlockQueue(std::unique_ptr<BlockImage> image, std::function<void()> on_ended, Aio aio = Aio::kAny);
  // Carries out what was asked for; callbacks that were not delivered are dropped.
  ~BlockQueue() = default;
  BlockQueue(const BlockQueue&) = delete;
  BlockQueue& operator=(const BlockQueue&) = delete;

  uint64_t sectors() const { return image_->sectors(); }
  bool read_only() const { return image_->read_only(); }

  // As those of BlockImage.
  void read(uint64_t sector, std::span<uint8_t> to, Done done);
  void write(uint64_t sector, std::span<const uint8_t> from, Done done);
  void flush(Done done);

  // Whether deliver() has anything to do. Any thread may ask.
  bool ended() const noexcept { return ended_count_.load(std::memory_order_acquire) != 0; }
  // Runs the callbacks of what has ended. They may ask for more.
  void deliver();
  // Waits for all requests, those that callbacks make included, and delivers them: before whoever made them
  // goes.
  void drain();

 private:
  struct Ended {
    BlockOutcome outcome;
    Done done;
  };

  void submit(const BlockRequest& request, Done done);
  void end_first(BlockOutcome outcome);

  const std::unique_ptr<BlockImage> image_;
  const std::function<void()> on_ended_;
  size_t under_way_ = 0;  // of the owner's thread: asked for and not yet delivered

  std::mutex mutex_;  // guards what follows
  std::condition_variable work_ended_;
  std::deque<Done> waiting_;  // for the requests that io_ has, in their order
  std::vector<Ended> ended_;
  std::atomic<size_t> ended_count_{0};  // a copy, for who does not want to lock

  std::unique_ptr<BlockIo> io_;  // last: its thread uses all of the above
};

}  // namespace ringdown

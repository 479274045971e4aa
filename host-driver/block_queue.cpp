#include "host-driver/block_queue.h"

#include <utility>

namespace ringdown {

BlockQueue::BlockQueue(std::unique_ptr<BlockImage> image, std::function<void()> on_ended, Aio aio)
    : image_(std::move(image)), on_ended_(std::move(on_ended)) {
  const auto ended = [this](BlockOutcome outcome) { end_first(outcome); };
  if (aio != Aio::kThreads) io_ = make_ring_io(*image_, ended);
  if (!io_) io_ = make_thread_io(*image_, ended);
}

// ---- The owner's side.

// With nothing under way the I/O thread does not touch the image.
void BlockQueue::read(uint64_t sector, std::span<uint8_t> to, Done done) {
  if (under_way_ == 0) {
    if (const auto outcome = image_->read_cached(sector, to)) return done(*outcome);
  }
  submit(image_->begin_read(sector, to), std::move(done));
}

void BlockQueue::write(uint64_t sector, std::span<const uint8_t> from, Done done) {
  submit(image_->begin_write(sector, from), std::move(done));
}

void BlockQueue::flush(Done done) { submit(image_->begin_flush(), std::move(done)); }

void BlockQueue::submit(const BlockRequest& request, Done done) {
  ++under_way_;
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(done));
  }
  io_->submit(request);
}

void BlockQueue::deliver() {
  std::vector<Ended> ended;
  {
    std::lock_guard lock(mutex_);
    ended.swap(ended_);
    ended_count_.store(0, std::memory_order_release);
  }
  under_way_ -= ended.size();
  for (const Ended& request : ended) request.done(request.outcome);
}

void BlockQueue::drain() {
  while (under_way_ != 0) {
    {
      std::unique_lock lock(mutex_);
      work_ended_.wait(lock, [this] { return !ended_.empty(); });
    }
    deliver();
  }
}

// ---- The I/O thread's side.

void BlockQueue::end_first(BlockOutcome outcome) {
  {
    std::lock_guard lock(mutex_);
    ended_.push_back({outcome, std::move(waiting_.front())});
    waiting_.pop_front();
    ended_count_.store(ended_.size(), std::memory_order_release);
  }
  work_ended_.notify_one();
  if (on_ended_) on_ended_();
}

}  // namespace ringdown

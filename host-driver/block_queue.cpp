#include "host-driver/block_queue.h"

#include <utility>

#include "host-driver/io_thread.h"

namespace ringdown {

BlockQueue::BlockQueue(std::unique_ptr<BlockImage> image, std::function<void()> on_ended)
    : image_(std::move(image)), on_ended_(std::move(on_ended)), thread_([this] { run(); }) {}

BlockQueue::~BlockQueue() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_came_.notify_one();
  thread_.join();
}

// ---- The owner's side.

// With nothing under way the I/O thread does not touch the image.
void BlockQueue::read(uint64_t sector, std::span<uint8_t> to, Done done) {
  if (under_way_ == 0) {
    if (const auto outcome = image_->read_cached(sector, to)) return done(*outcome);
  }
  submit([this, sector, to] { return image_->read(sector, to); }, std::move(done));
}

void BlockQueue::write(uint64_t sector, std::span<const uint8_t> from, Done done) {
  submit([this, sector, from] { return image_->write(sector, from); }, std::move(done));
}

void BlockQueue::flush(Done done) {
  submit([this] { return image_->flush(); }, std::move(done));
}

void BlockQueue::submit(Work work, Done done) {
  ++under_way_;
  {
    std::lock_guard lock(mutex_);
    requests_.push_back({std::move(work), std::move(done)});
  }
  work_came_.notify_one();
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

void BlockQueue::run() {
  block_signals_of_io_thread();
  std::unique_lock lock(mutex_);
  while (true) {
    work_came_.wait(lock, [this] { return stopping_ || !requests_.empty(); });
    if (requests_.empty()) return;
    Request request = std::move(requests_.front());
    requests_.pop_front();
    lock.unlock();
    const BlockOutcome outcome = request.work();
    lock.lock();
    ended_.push_back({outcome, std::move(request.done)});
    ended_count_.store(ended_.size(), std::memory_order_release);
    work_ended_.notify_one();
    if (on_ended_) on_ended_();
  }
}

}  // namespace ringdown

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "host-driver/block_io.h"
#include "host-driver/io_thread.h"

namespace ringdown {
namespace {

class ThreadIo final : public BlockIo {
 public:
  ThreadIo(BlockImage& image, Ended ended)
      : image_(image), ended_(std::move(ended)), thread_([this] { run(); }) {}
  ~ThreadIo() override;
  void submit(const BlockRequest& request) override;

 private:
  void run();

  BlockImage& image_;
  const Ended ended_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable work_came_;
  std::deque<BlockRequest> requests_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

ThreadIo::~ThreadIo() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_came_.notify_one();
  thread_.join();
}

void ThreadIo::submit(const BlockRequest& request) {
  {
    std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  work_came_.notify_one();
}

void ThreadIo::run() {
  block_signals_of_io_thread();
  std::unique_lock lock(mutex_);
  while (true) {
    work_came_.wait(lock, [this] { return stopping_ || !requests_.empty(); });
    if (requests_.empty()) return;
    const BlockRequest request = requests_.front();
    requests_.pop_front();
    lock.unlock();
    ended_(image_.perform(request));
    lock.lock();
  }
}

}  // namespace

std::unique_ptr<BlockIo> make_thread_io(BlockImage& image, BlockIo::Ended ended) {
  return std::make_unique<ThreadIo>(image, std::move(ended));
}

}  // namespace ringdown

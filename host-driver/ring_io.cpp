#include <liburing.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "host-driver/block_io.h"
#include "host-driver/io_thread.h"

namespace ringdown {
namespace {

constexpr unsigned kEntries = 2;
constexpr int kOperations[] = {IORING_OP_NOP, IORING_OP_READ};

// Owns a ring, if there is one.
class Ring {
 public:
  Ring() : error_(-::io_uring_queue_init(kEntries, &ring_, 0)) {}
  ~Ring() {
    if (error_ == 0) ::io_uring_queue_exit(&ring_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  io_uring* get() { return &ring_; }
  // Why it cannot be used; empty: it can.
  std::string refusal() {
    if (error_ != 0) return std::strerror(error_);
    if (!has_operations()) return "this kernel's has not all that is needed";
    return answers() ? "" : "requests to it are refused";
  }

 private:
  bool has_operations() {
    const std::unique_ptr<io_uring_probe, decltype(&::io_uring_free_probe)> probe(
        ::io_uring_get_probe_ring(&ring_), ::io_uring_free_probe);
    if (!probe) return false;
    for (const int operation : kOperations) {
      if (!::io_uring_opcode_supported(probe.get(), operation)) return false;
    }
    return true;
  }
  // Whether a no-op comes back: a security profile can allow a ring and forbid its use.
  bool answers() {
    ::io_uring_prep_nop(::io_uring_get_sqe(&ring_));
    io_uring_cqe* answer = nullptr;
    if (::io_uring_submit_and_wait(&ring_, 1) != 1 || ::io_uring_peek_cqe(&ring_, &answer) != 0) return false;
    ::io_uring_cqe_seen(&ring_, answer);
    return true;
  }

  io_uring ring_{};
  const int error_;
};

// Reads are the kernel's, which goes on with them when the disk has answered. Writes and flushes it would
// hand to a thread of its own, on the file systems that most images lie on, and that takes longer than to do
// them on this one.
class RingIo final : public BlockIo {
 public:
  RingIo(std::unique_ptr<Ring> ring, BlockImage& image, Ended ended)
      : image_(image), ended_(std::move(ended)), ring_(std::move(ring)), thread_([this] { run(); }) {}
  ~RingIo() override;
  void submit(const BlockRequest& request) override;

 private:
  void run();
  int32_t wait_for_answer();
  void ask(const HostTransfer* read);
  bool ask_for_read();
  void do_what_waits(std::unique_lock<std::mutex>& lock);

  BlockImage& image_;
  const Ended ended_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<Ring> ring_;
  std::deque<BlockRequest> requests_;  // to be done, and in front what is being read
  bool asked_ = false;                 // an answer is to come: the thread waits for it, or has it
  bool reading_ = false;               // and it is of the first request's read
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

RingIo::~RingIo() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (!asked_) ask(nullptr);
  }
  thread_.join();
}

void RingIo::submit(const BlockRequest& request) {
  std::lock_guard lock(mutex_);
  requests_.push_back(request);
  if (!asked_ && !ask_for_read()) ask(nullptr);
}

// ---- With the lock.

// For nothing: the thread wakes. At most one entry is with the kernel, of a ring that has two.
void RingIo::ask(const HostTransfer* read) {
  io_uring_sqe* const entry = ::io_uring_get_sqe(ring_->get());
  if (read)
    ::io_uring_prep_read(entry, read->file, read->data, static_cast<unsigned>(read->bytes), read->offset);
  else
    ::io_uring_prep_nop(entry);
  asked_ = true;
  reading_ = read != nullptr;
  while (try_again(-::io_uring_submit(ring_->get()))) {
  }
}

// If that is what comes next.
bool RingIo::ask_for_read() {
  const auto wanted = image_.next(requests_.front());
  if (!wanted || wanted->kind != BlockRequest::Kind::kRead) return false;
  ask(&*wanted);
  return true;
}

// ---- The thread.

int32_t RingIo::wait_for_answer() {
  io_uring_cqe* answer = nullptr;
  while (::io_uring_wait_cqe(ring_->get(), &answer) != 0) {
  }
  const int32_t result = answer->res;
  ::io_uring_cqe_seen(ring_->get(), answer);
  return result;
}

// Until there is something to read, or nothing.
void RingIo::do_what_waits(std::unique_lock<std::mutex>& lock) {
  asked_ = true;  // nobody else is to
  while (!requests_.empty() && !ask_for_read()) {
    const BlockRequest request = requests_.front();
    requests_.pop_front();
    lock.unlock();
    ended_(image_.perform(request));
    lock.lock();
  }
  if (requests_.empty()) asked_ = false;
}

void RingIo::run() {
  block_signals_of_io_thread();
  while (true) {
    const int32_t result = wait_for_answer();
    std::unique_lock lock(mutex_);
    if (std::exchange(reading_, false) && !try_again(-result)) image_.note(requests_.front(), result);
    do_what_waits(lock);
    if (stopping_ && requests_.empty()) return;
  }
}

}  // namespace

std::unique_ptr<BlockIo> make_ring_io(BlockImage& image, BlockIo::Ended ended) {
  auto ring = std::make_unique<Ring>();
  if (!ring->refusal().empty()) return nullptr;
  return std::make_unique<RingIo>(std::move(ring), image, std::move(ended));
}

std::string why_no_io_uring() { return Ring().refusal(); }

}  // namespace ringdown

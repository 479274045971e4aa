#include "tests/differential/native_executor.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace ringdown::differential {
namespace {

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::abort();
}

[[noreturn]] void become_helper(int exchange_file, int socket) {
  // Both may be in each other's way: first out of it, then to their places, without close-on-exec.
  const int exchange_copy = fcntl(exchange_file, F_DUPFD, 10), socket_copy = fcntl(socket, F_DUPFD, 10);
  dup2(exchange_copy, kExchangeDescriptor);
  dup2(socket_copy, kSocketDescriptor);
  close(exchange_copy);
  close(socket_copy);
  execl(RINGDOWN_NATIVE_HELPER, RINGDOWN_NATIVE_HELPER, nullptr);
  _exit(127);
}

}  // namespace

NativeExecutor::NativeExecutor() {
  exchange_file_ = memfd_create("exchange", MFD_CLOEXEC);
  if (exchange_file_ < 0 || ftruncate(exchange_file_, sizeof(NativeExchange)) < 0) die("memfd_create");
  void* const memory =
      mmap(nullptr, sizeof(NativeExchange), PROT_READ | PROT_WRITE, MAP_SHARED, exchange_file_, 0);
  if (memory == MAP_FAILED) die("mmap");
  exchange_ = static_cast<NativeExchange*>(memory);
  start_helper();
}

NativeExecutor::~NativeExecutor() {
  stop_helper();
  munmap(exchange_, sizeof(NativeExchange));
  close(exchange_file_);
}

void NativeExecutor::start_helper() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) die("socketpair");
  helper_ = fork();
  if (helper_ < 0) die("fork");
  if (helper_ == 0) become_helper(exchange_file_, ends[1]);
  close(ends[1]);
  socket_ = ends[0];
  ++helpers_started_;
}

void NativeExecutor::stop_helper() {
  close(socket_);  // on which it ends
  waitpid(helper_, nullptr, 0);
}

// False: the helper died.
bool NativeExecutor::hand_over() {
  char byte = 0;
  return send(socket_, &byte, 1, MSG_NOSIGNAL) == 1 && recv(socket_, &byte, 1, 0) == 1;
}

void NativeExecutor::run_batch(std::span<const TestCase> cases, std::span<Outcome> outcomes) {
  for (size_t done = 0; done < cases.size();) {
    const size_t count = std::min<size_t>(cases.size() - done, NativeExchange::kCapacity);
    std::copy_n(cases.begin() + done, count, exchange_->cases);
    exchange_->next = 0;
    exchange_->count = static_cast<uint32_t>(count);
    while (!hand_over()) {
      stop_helper();
      const uint32_t killer = exchange_->next;
      if (helpers_started_ > 1000 || killer >= count) die("the native helper does not start");
      exchange_->outcomes[killer].status = Status::kCrashed;
      exchange_->next = killer + 1;
      start_helper();
    }
    std::copy_n(exchange_->outcomes, count, outcomes.begin() + done);
    done += count;
  }
}

}  // namespace ringdown::differential

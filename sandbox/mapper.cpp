#include "sandbox/mapper.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace ringdown {

static_assert(sizeof(Mapper::Call) == ORDERS_CALL_BYTES);
static_assert(ORDERS_CALLS + Mapper::kMostCalls * ORDERS_CALL_BYTES <= STUB_ORDERS_BYTES);

std::unique_ptr<Mapper> Mapper::create() {
  FileDescriptor file(memfd_create("ringdown-orders", MFD_CLOEXEC));
  if (!file || ftruncate(file.get(), STUB_ORDERS_BYTES) < 0) return nullptr;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return nullptr;
  FileDescriptor ours(ends[0]), childs(ends[1]);
  void* const orders = mmap(nullptr, STUB_ORDERS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (orders == MAP_FAILED) return nullptr;
  return std::unique_ptr<Mapper>(
      new Mapper(std::move(file), static_cast<uint8_t*>(orders), std::move(ours), std::move(childs)));
}

Mapper::~Mapper() { munmap(orders_, STUB_ORDERS_BYTES); }

bool Mapper::order(std::span<const Call> calls, bool gives_turn) {
  if (reports_later_ && !await_report()) return false;
  follow_to_this_cpu();
  const auto count = static_cast<uint32_t>(calls.size());
  std::memcpy(orders_ + ORDERS_COUNT, &count, sizeof(count));
  const uint32_t gives = gives_turn;
  std::memcpy(orders_ + ORDERS_GIVES_TURN, &gives, sizeof(gives));
  std::memcpy(orders_ + ORDERS_CALLS, calls.data(), calls.size_bytes());
  std::atomic_ref(*reinterpret_cast<uint32_t*>(orders_ + ORDERS_SEQUENCE)).fetch_add(1);
  syscall(SYS_futex, orders_ + ORDERS_SEQUENCE, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  reports_later_ = true;
  return true;
}

bool Mapper::has_failed() {
  pollfd report{.fd = reports_.get(), .events = POLLIN, .revents = 0};
  return reports_later_ && poll(&report, 1, 0) > 0 && !await_report();
}

// The end of the file is the child's.
bool Mapper::await_report() {
  reports_later_ = false;
  uint8_t report;
  ssize_t bytes;
  do bytes = read(reports_.get(), &report, sizeof(report));
  while (bytes < 0 && errno == EINTR);
  return bytes == 1 && report == REPORT_DONE;
}

// This thread sleeps until the mapper has done it, so its CPU is free for that, and waking an idle one costs
// some 25 to 50 us. If it cannot be moved it works all the same.
void Mapper::follow_to_this_cpu() {
  const int cpu = sched_getcpu();
  if (cpu == cpu_) return;
  cpu_ = cpu;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<size_t>(cpu), &only);
  sched_setaffinity(thread_, sizeof(only), &only);
}

}  // namespace ringdown

#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "host-driver/file_descriptor.h"
#include "sandbox/stub_layout.h"

namespace ringdown {

// The thread of the child that makes its mappings, as the monitor gives it orders. They are in memory that
// the child can only read, and the end of the pipe that it reports through is no file of the guest's thread.
// So guest code can neither change an order nor say that it has been carried out.
class Mapper {
 public:
  static constexpr size_t kMostCalls = ORDERS_MOST_CALLS;
  // Number and arguments.
  using Call = std::array<uint64_t, 7>;

  // Empty if the host refuses; errno says why.
  static std::unique_ptr<Mapper> create();
  ~Mapper();
  Mapper(const Mapper&) = delete;
  Mapper& operator=(const Mapper&) = delete;

  int orders_file() const { return orders_file_.get(); }
  // The child's end of the pipe, until started().
  int reports_file() const { return childs_end_.get(); }
  // The child is there: only if no other process has its end of the pipe does the child's death end it.
  void started() { childs_end_.reset(); }
  // Waits for its first report. False: the child is dead.
  bool is_ready() { return await_report(); }
  // Where its thread is woken: see mapper.cpp.
  void set_thread(pid_t thread) { thread_ = thread; }

  // Up to kMostCalls, in order; returns when they are done. False: the child is dead, or one failed, of these
  // or of those before, and those behind it were not made.
  bool make(std::span<const Call> calls) { return order(calls, false) && await_report(); }
  // The same, but returns at once: when they are done the mapper, whose turn it has to be, gives that to the
  // guest's thread.
  bool make_and_give_turn(std::span<const Call> calls) { return order(calls, true); }
  // Whether that is known to have failed: then the turn is not given.
  bool has_failed();

 private:
  Mapper(FileDescriptor orders_file, uint8_t* orders, FileDescriptor ours, FileDescriptor childs_end)
      : orders_file_(std::move(orders_file)),
        orders_(orders),
        reports_(std::move(ours)),
        childs_end_(std::move(childs_end)) {}
  bool order(std::span<const Call> calls, bool gives_turn);
  bool await_report();
  void follow_to_this_cpu();

  const FileDescriptor orders_file_;
  uint8_t* const orders_;
  const FileDescriptor reports_;
  FileDescriptor childs_end_;
  pid_t thread_ = 0;
  int cpu_ = -1;
  bool reports_later_ = false;  // there is an order whose report has not been read
};

}  // namespace ringdown

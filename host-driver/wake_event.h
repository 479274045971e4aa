#pragma once
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "host-driver/file_descriptor.h"

namespace ringdown {

// Wakes a thread that waits in poll() or select() until this can be read.
class WakeEvent {
 public:
  WakeEvent() : file_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  int fd() const { return file_.get(); }
  // Any thread, and signal handlers.
  void wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(fd(), &one, sizeof one);
  }
  // The thread that was woken, before it looks at what for.
  void clear() const {
    uint64_t wakes;
    [[maybe_unused]] const ssize_t count = ::read(fd(), &wakes, sizeof wakes);
  }

 private:
  const FileDescriptor file_;
};

}  // namespace ringdown

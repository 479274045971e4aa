#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "host-driver/block_image.h"

namespace ringdown {

// How requests go to the host, by QEMU's names for -drive aio=.
enum class Aio : uint8_t {
  kAny,  // io_uring where it works
  kIoUring,
  kThreads,
};

// Carries out the requests of an image one after another, in their order, on a thread of its own or of the
// host's kernel. submit() is the owner's thread's; each outcome comes on the I/O thread, in the same order.
class BlockIo {
 public:
  using Ended = std::function<void(BlockOutcome)>;

  virtual ~BlockIo() = default;  // once all has ended that was submitted
  virtual void submit(const BlockRequest& request) = 0;

 protected:
  BlockIo() = default;
  BlockIo(const BlockIo&) = delete;
  BlockIo& operator=(const BlockIo&) = delete;
};

// By preadv, pwritev and fdatasync of a thread (thread_io.cpp). The image is not owned.
std::unique_ptr<BlockIo> make_thread_io(BlockImage& image, BlockIo::Ended ended);

// By io_uring (ring_io.cpp; io_uring(7)). The image is not owned. nullptr: it cannot be had now.
std::unique_ptr<BlockIo> make_ring_io(BlockImage& image, BlockIo::Ended ended);
// Why a process of this host has no io_uring with what is needed of it; empty: it has. Containers' security
// profiles forbid it often, and kernel.io_uring_disabled does.
std::string why_no_io_uring();

}  // namespace ringdown

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>

#include "host-driver/block_queue.h"
#include "tests/block/temporary_image.h"

namespace ringdown {
namespace {

using testing::TemporaryImage;

// As the security profiles of containers do, for the rest of this process.
void forbid(unsigned system_call) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, system_call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = std::size(program), .filter = program};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    std::exit(2);
}

// In a process of its own, which ends with 0 if the thread does the work.
[[noreturn]] void write_without(unsigned system_call, const TemporaryImage& file) {
  forbid(system_call);
  if (why_no_io_uring().empty()) std::exit(3);
  BlockQueue queue(std::move(std::get<0>(open_block_image(file.path(), ImageAccess::kReadWrite))), nullptr);
  const std::vector<uint8_t> bytes(512, 99);
  int error = -1;
  queue.write(0, bytes, [&](BlockOutcome outcome) { error = outcome.error; });
  queue.drain();
  std::exit(error == 0 ? 0 : 4);
}

TEST(ForbiddenRing, AThreadDoesTheWork) {
  for (const unsigned system_call : {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register}) {
    const TemporaryImage file(512);
    EXPECT_EXIT(write_without(system_call, file), ::testing::ExitedWithCode(0), "") << system_call;
    EXPECT_EQ(file.content(), std::vector<uint8_t>(512, 99));
  }
}

}  // namespace
}  // namespace ringdown

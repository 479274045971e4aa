// The mapper by itself: also what no sandbox orders.
#include "sandbox/mapper.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <csignal>
#include <variant>
#include <vector>

#include "sandbox/child_process.h"
#include "sandbox/shared_page.h"
#include "sandbox/system_call_filter.h"
#include "tests/sandbox/sandbox_fixture.h"

namespace ringdown {
namespace {

class MapperThread : public testing::Test {
 protected:
  void SetUp() override { make(); }
  void make() {
    child_.reset();
    shared_ = SharedPage::create();
    mapper_ = Mapper::create();
    ASSERT_TRUE(shared_ && mapper_);
    auto started = ChildProcess::start({.ram = ram_.file(),
                                        .reports = mapper_->reports_file(),
                                        .shared = shared_->file(),
                                        .orders = mapper_->orders_file()});
    ASSERT_EQ(started.index(), 0u) << std::get<1>(started);
    child_ = std::move(std::get<0>(started));
    mapper_->started();
    ASSERT_TRUE(mapper_->is_ready());
    while (shared_->wait_for_turn(10) != SharedPage::Turn::kOurs) ASSERT_FALSE(child_->is_dead());
    mapper_->set_thread(shared_->mapper());
  }
  bool do_calls(std::vector<Mapper::Call> calls) { return mapper_->make(calls); }
  static Mapper::Call map_call(uint64_t offset) {
    return {SYS_mmap, kLinear, kPage, PROT_READ, MAP_SHARED | MAP_FIXED, kChildRam, offset};
  }

  static constexpr uint64_t kLinear = 0x40000, kPage = 4096;
  GuestRam ram_{1 << 20};
  std::unique_ptr<SharedPage> shared_;
  std::unique_ptr<Mapper> mapper_;
  std::unique_ptr<ChildProcess> child_;
};

TEST_F(MapperThread, FailedCallIsTold) {
  EXPECT_TRUE(do_calls({map_call(0)}));
  EXPECT_FALSE(do_calls({map_call(0), map_call(1), map_call(0)})) << "no whole pages";
  EXPECT_FALSE(child_->is_dead());
  EXPECT_TRUE(do_calls({map_call(0)}));
}

TEST_F(MapperThread, WhatFailsGivesNoTurn) {
  EXPECT_TRUE(shared_->give_turn_to_mapper());
  EXPECT_TRUE(mapper_->make_and_give_turn(std::vector{map_call(1)}));
  EXPECT_EQ(shared_->wait_for_turn(10), SharedPage::Turn::kTheirs);
  while (!mapper_->has_failed()) sched_yield();
  EXPECT_FALSE(mapper_->has_failed()) << "it is told once";
  EXPECT_TRUE(do_calls({map_call(0)}));
}

TEST_F(MapperThread, AnyOtherCallIsTheEnd) {
  constexpr uint64_t kElsewhere = 0x300000000, kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  const Mapper::Call calls[] = {
      {SYS_getppid},
      {SYS_mprotect, STUB_ORDERS, kPage, PROT_READ | PROT_WRITE},
      {SYS_pwrite64, kChildRam, STUB_BASE, 1, 0},
      {SYS_write, kChildReports, STUB_BASE, 1},
      {SYS_dup, kChildRam},
      {SYS_tgkill, static_cast<uint64_t>(child_->pid()), static_cast<uint64_t>(child_->pid()), 0},
      {SYS_munmap, kElsewhere, kPage},
      {SYS_mmap, kElsewhere, kPage, PROT_READ, MAP_SHARED | MAP_FIXED, kChildRam, 0},
      {SYS_mmap, kLinear, kPage, PROT_READ, kAnonymous, ~0ull, 0},
      {SYS_futex, STUB_SHARED + STUB_TURN, 1, 0},
      {SYS_prctl, PR_SET_TSC, PR_TSC_ENABLE},
  };
  for (const Mapper::Call& call : calls) {
    EXPECT_FALSE(do_calls({call})) << "number " << call[0];
    child_->kill(SIGKILL);  // too late for what has been killed
    EXPECT_EQ(signal_that_killed(child_->pid()), SIGSYS) << "number " << call[0];
    make();
  }
}

TEST_F(MapperThread, DeathOfTheChildEndsTheWaiting) {
  child_->kill(SIGKILL);
  EXPECT_FALSE(do_calls({map_call(0)}));
}

}  // namespace
}  // namespace ringdown

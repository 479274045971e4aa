#pragma once
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include "host-driver/guest_ram.h"
#include "sandbox/sandbox.h"

// 32-bit code under the name `name`, as data.
#define GUEST_CODE(name, text)                                                                            \
  __asm__(".pushsection .rodata\n.code32\n" #name ":\n" text "\n" #name "_end:\n.code64\n.popsection\n"); \
  extern "C" const uint8_t name[], name##_end[]
#define GUEST(name) \
  std::span<const uint8_t> { name, name##_end }

namespace ringdown {

// SIGSYS: it made a system call that it may not make.
inline int signal_that_killed(pid_t child) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0 ? info.si_status : 0;
}

// This thread, and what it starts, stay on the CPU that it is on for as long as this lives.
class OnOneCpu {
 public:
  OnOneCpu() {
    EXPECT_EQ(sched_getaffinity(0, sizeof(before_), &before_), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    EXPECT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  }
  ~OnOneCpu() { sched_setaffinity(0, sizeof(before_), &before_); }
  OnOneCpu(const OnOneCpu&) = delete;
  OnOneCpu& operator=(const OnOneCpu&) = delete;

 private:
  cpu_set_t before_;
};

// A sandbox with a page of code, a page of data and a page of stack.
class SandboxFixture : public testing::Test {
 protected:
  static constexpr uint32_t kPage = 4096;
  static constexpr uint32_t kCode = 0x10000, kData = 0x20000, kStack = 0x30000, kStackTop = kStack + kPage;
  static constexpr uint32_t kUnmapped = 0x40000;
  // Where they are in RAM; the guest's process may not see what is behind.
  static constexpr uint32_t kCodeInRam = 0x3000, kDataInRam = 0x4000, kStackInRam = 0x5000, kSecret = 0x8000;
  static constexpr uint32_t kRamBytes = 1 << 20;

  void SetUp() override {
    std::ranges::fill(ram_.bytes().subspan(kSecret), kSecretByte);
    make();
  }

  void make() {
    sandbox_.reset();
    auto made = Sandbox::create(ram_.file());
    if (const auto* line = std::get_if<std::string>(&made)) FAIL() << *line;
    sandbox_ = std::move(std::get<0>(made));
    ASSERT_EQ(sandbox_->map(kCode, kCodeInRam, kPage, PageRights::kReadExecute), MapResult::kMapped);
    ASSERT_EQ(sandbox_->map(kData, kDataInRam, kPage, PageRights::kReadWrite), MapResult::kMapped);
    ASSERT_EQ(sandbox_->map(kStack, kStackInRam, kPage, PageRights::kReadWrite), MapResult::kMapped);
    ASSERT_TRUE(sandbox_->finish_maps());
  }

  // At the start of the code page.
  void load(std::span<const uint8_t> code) {
    ASSERT_LE(code.size(), kPage);
    std::ranges::copy(code, ram_.bytes().begin() + kCodeInRam);
  }

  // What the general registers and flags hold that a test does not care about, to be found again.
  static UserState state_at(uint32_t eip) {
    UserState state;
    state.gpr = {0x11111111, 0x22222222, 0x33333333, 0x44444444,
                 kStackTop,  0x66666666, 0x77777777, 0x88888888};
    state.eip = eip;
    state.fx.control_word = 0x37F;
    state.fx.mxcsr = 0x1F80;
    return state;
  }

  Trap run(std::span<const uint8_t> code) {
    load(code);
    return sandbox_->run(state_);
  }

  void expect_exception(const Trap& trap, uint8_t vector, uint32_t error_code, uint32_t eip) {
    EXPECT_EQ(trap.kind, Trap::Kind::kException);
    EXPECT_EQ(trap.vector, vector);
    EXPECT_EQ(trap.error_code, error_code);
    EXPECT_EQ(state_.eip, eip);
  }

  void expect_page_fault(const Trap& trap, uint32_t address, uint32_t error_code, uint32_t eip) {
    EXPECT_EQ(trap.kind, Trap::Kind::kPageFault);
    EXPECT_EQ(trap.address, address);
    EXPECT_EQ(trap.error_code, error_code);
    EXPECT_EQ(state_.eip, eip);
  }

  void expect_secret_kept() {
    const auto secret = ram_.bytes().subspan(kSecret);
    EXPECT_TRUE(std::ranges::all_of(secret, [](uint8_t byte) { return byte == kSecretByte; }));
  }

  static constexpr uint8_t kSecretByte = 0xA5;
  GuestRam ram_{kRamBytes};
  std::unique_ptr<Sandbox> sandbox_;
  UserState state_ = state_at(kCode);
};

}  // namespace ringdown

// Preemption, death, and what the child's process is made of.
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/sandbox/sandbox_fixture.h"

GUEST_CODE(guest_loop, "1: incl 0x20000; jmp 1b");
GUEST_CODE(guest_call, "int $0x80");
GUEST_CODE(guest_reads, "movl 0x40000, %eax; int $0x80");

namespace ringdown {
namespace {

class Control : public SandboxFixture {
 protected:
  // Until the guest's loop has begun.
  void wait_for_loop() {
    const std::atomic_ref<uint32_t> count(*reinterpret_cast<uint32_t*>(&ram_.bytes()[kDataInRam]));
    while (count.load() == 0) sched_yield();
  }
  void is_killed_while_it_waits();
  void is_killed_while_it_runs();
  void is_killed_at_any_moment();
  std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
  std::string directory_of_child() { return "/proc/" + std::to_string(sandbox_->pid()); }
  std::vector<std::string> threads() { return names_in(directory_of_child() + "/task"); }
  std::string line_of_status(const std::string& thread, const std::string& name) {
    std::ifstream status(directory_of_child() + "/task/" + thread + "/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
    return "none";
  }
};

class OneCpu : public Control {
  const OnOneCpu on_one_cpu_;
};

TEST_F(Control, EndlessLoopIsPreempted) {
  load(GUEST(guest_loop));
  for (int n = 0; n < 10; ++n) {
    std::memset(&ram_.bytes()[kDataInRam], 0, 4);
    std::thread other([this] {
      wait_for_loop();
      sandbox_->preempt();
    });
    EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kPreempted);
    other.join();
    EXPECT_TRUE(state_.eip == kCode || state_.eip == kCode + 6) << std::hex << state_.eip;
    EXPECT_EQ(state_.gpr[kEax], 0x11111111u);
  }
}

TEST_F(Control, PreemptionIsNotLostBetweenRuns) {
  load(GUEST(guest_loop));
  sandbox_->preempt();
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kPreempted);
  EXPECT_EQ(state_.eip, kCode);
}

TEST_F(OneCpu, HandsOverBySleeping) {
  load(GUEST(guest_call));
  for (int n = 0; n < 200; ++n) ASSERT_EQ(sandbox_->run(state_).kind, Trap::Kind::kSystemCall);
  for (int n = 0; n < 200; ++n) {
    ASSERT_EQ(sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kRead), MapResult::kMapped);
    ASSERT_TRUE(sandbox_->finish_maps());
  }
}

// Each time it reads from another page, by orders of one call or of many.
TEST_F(OneCpu, MapperHandsOverToTheChild) {
  load(GUEST(guest_reads));
  for (uint32_t n = 0; n < 400; ++n) {
    const uint32_t frame = kSecret + n % 64 * kPage;
    std::memcpy(&ram_.bytes()[frame], &n, sizeof(n));
    const std::vector<Mapping> mappings(n % 7 == 0 ? 150 : 1, {kUnmapped, frame, kPage, PageRights::kRead});
    ASSERT_EQ(sandbox_->map(mappings), MapResult::kMapped);
    state_ = state_at(kCode);
    ASSERT_EQ(sandbox_->run(state_).kind, Trap::Kind::kSystemCall);
    ASSERT_EQ(state_.gpr[kEax], n);
  }
}

TEST_F(OneCpu, KilledWhileTheMapperHasTheTurn) {
  load(GUEST(guest_reads));
  ::kill(sandbox_->pid(), SIGKILL);
  ASSERT_EQ(sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kRead), MapResult::kMapped);
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kDied);
}

TEST_F(OneCpu, EndlessLoopIsPreempted) {
  load(GUEST(guest_loop));
  std::thread other([this] {
    wait_for_loop();
    sandbox_->preempt();
  });
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kPreempted);
  other.join();
}

void Control::is_killed_while_it_waits() {
  ::kill(sandbox_->pid(), SIGKILL);
  load(GUEST(guest_loop));
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kDied);
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kDied);
  EXPECT_EQ(sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kRead), MapResult::kDied);
  EXPECT_FALSE(sandbox_->unmap(kUnmapped, kPage));
  sandbox_->preempt();
  make();
  EXPECT_EQ(run(GUEST(guest_call)).kind, Trap::Kind::kSystemCall);
}
TEST_F(Control, KilledWhileItWaits) { is_killed_while_it_waits(); }
TEST_F(OneCpu, KilledWhileItWaits) { is_killed_while_it_waits(); }

void Control::is_killed_while_it_runs() {
  load(GUEST(guest_loop));
  std::thread other([this] {
    wait_for_loop();
    ::kill(sandbox_->pid(), SIGKILL);
  });
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kDied);
  other.join();
}
TEST_F(Control, KilledWhileItRuns) { is_killed_while_it_runs(); }
TEST_F(OneCpu, KilledWhileItRuns) { is_killed_while_it_runs(); }

// At whichever moment of a hand-off: each round another one.
void Control::is_killed_at_any_moment() {
  load(GUEST(guest_call));
  for (int round = 0; round < 30; ++round) {
    std::atomic<int> runs = 0;
    std::thread other([&] {
      while (runs < 10 + round) sched_yield();
      ::kill(sandbox_->pid(), SIGKILL);
    });
    Trap::Kind kind = Trap::Kind::kSystemCall;
    MapResult mapped = MapResult::kMapped;
    while (kind == Trap::Kind::kSystemCall && mapped == MapResult::kMapped) {
      kind = sandbox_->run(state_).kind;
      mapped = sandbox_->map(kUnmapped, kDataInRam, kPage, PageRights::kRead);
      ++runs;
    }
    other.join();
    EXPECT_TRUE(kind == Trap::Kind::kDied || mapped == MapResult::kDied);
    make();
  }
}
TEST_F(Control, KilledAtAnyMoment) { is_killed_at_any_moment(); }
TEST_F(OneCpu, KilledAtAnyMoment) { is_killed_at_any_moment(); }

TEST_F(Control, StoppedAndContinued) {
  load(GUEST(guest_call));
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kSystemCall);
  ::kill(sandbox_->pid(), SIGSTOP);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, sandbox_->pid(), &info, WSTOPPED), 0);
  ::kill(sandbox_->pid(), SIGCONT);
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kSystemCall);
}

// Of the other signals that a terminal or a user may send it, none gets through.
TEST_F(Control, OtherSignalsAreNothing) {
  load(GUEST(guest_call));
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGUSR2})
    ::kill(sandbox_->pid(), signal);
  EXPECT_EQ(sandbox_->run(state_).kind, Trap::Kind::kSystemCall);
}

// The child outlives none of the ways in which its parent ends: here the grandchild's death is waited for.
TEST_F(Control, DiesWithItsParent) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    auto made = Sandbox::create(ram_.file());
    const pid_t pid = std::get<0>(made)->pid();
    if (write(pipes[1], &pid, sizeof(pid)) != sizeof(pid)) _exit(1);
    raise(SIGKILL);
  }
  pid_t child = 0;
  ASSERT_EQ(read(pipes[0], &child, sizeof(child)), static_cast<ssize_t>(sizeof(child)));
  int status;
  ASSERT_EQ(waitpid(parent, &status, 0), parent);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  close(pipes[0]);
  close(pipes[1]);
}

TEST_F(Control, HasNoPrivileges) {
  EXPECT_EQ(threads().size(), 2u);
  for (const std::string& thread : threads()) {
    EXPECT_EQ(line_of_status(thread, "CapEff"), "0000000000000000");
    EXPECT_EQ(line_of_status(thread, "CapPrm"), "0000000000000000");
    EXPECT_EQ(line_of_status(thread, "NoNewPrivs"), "1");
    EXPECT_EQ(line_of_status(thread, "Seccomp"), "2");
    EXPECT_EQ(line_of_status(thread, "Seccomp_filters"), "1");
  }
}

TEST_F(Control, MapperBlocksAllSignals) {
  EXPECT_EQ(line_of_status(threads().back(), "SigBlk"), "fffffffffffbfeff");
}

TEST_F(Control, FilesAreTheMappersAlone) {
  const std::string task = directory_of_child() + "/task/";
  EXPECT_EQ(names_in(task + std::to_string(sandbox_->pid()) + "/fd"), std::vector<std::string>{});
  EXPECT_EQ(names_in(task + threads().back() + "/fd"), (std::vector<std::string>{"0", "1"}));
}

// The stub, the shared pages, what the fixture has mapped, and the kernel's page of vsyscalls, which is the
// same in every process.
TEST_F(Control, HoldsNoMemoryButTheGuests) {
  std::ifstream maps("/proc/" + std::to_string(sandbox_->pid()) + "/maps");
  std::string found;
  for (std::string line; std::getline(maps, line);)
    if (!line.ends_with("[vsyscall]")) found += line.substr(0, line.find(' ', line.find(' ') + 1)) + "\n";
  EXPECT_EQ(found,
            "00010000-00011000 r-xs\n"
            "00020000-00021000 rw-s\n"
            "00030000-00031000 rw-s\n"
            "200000000-200001000 r-xp\n"
            "200010000-200011000 r--s\n"
            "200100000-200111000 rw-s\n");
}

TEST(Refusal, IsOneLine) {
  const auto made = Sandbox::create(-1);
  ASSERT_TRUE(std::holds_alternative<std::string>(made));
  EXPECT_EQ(std::get<std::string>(made).find('\n'), std::string::npos);
}

}  // namespace
}  // namespace ringdown

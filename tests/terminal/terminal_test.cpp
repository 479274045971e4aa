#include "host-driver/terminal.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "tests/terminal/pty.h"

namespace ringdown {
namespace {

// Runs `in_child` in a process whose terminal is raw, and waits for its end and for that of its guardian,
// which becomes a child of this process when its parent dies.
template <typename F>
int end_of_process_with_raw_terminal(const Pty& pty, F in_child) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t child = ::fork();
  if (child == 0) {
    if (!make_terminal_raw(pty.line.get(), TerminalSignals::kToGuest) || pty.is_cooked()) ::_exit(99);
    in_child();
    ::_exit(98);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  EXPECT_EQ(errno, ECHILD);
  return status;
}

TEST(Terminal, IsRawUntilRestored) {
  const Pty pty;
  ASSERT_TRUE(pty.is_cooked());
  ASSERT_TRUE(make_terminal_raw(pty.line.get(), TerminalSignals::kToGuest));
  const termios raw = pty.settings();
  EXPECT_EQ(raw.c_lflag & (ICANON | ECHO | ISIG | IEXTEN), 0u);
  EXPECT_EQ(raw.c_iflag & (ICRNL | IXON), 0u);
  EXPECT_NE(raw.c_oflag & OPOST, 0u);
  restore_terminal();
  EXPECT_TRUE(pty.is_cooked());
}

TEST(Terminal, KeepsSignalKeysWhenAsked) {
  const Pty pty;
  ASSERT_TRUE(make_terminal_raw(pty.line.get(), TerminalSignals::kKeep));
  EXPECT_NE(pty.settings().c_lflag & ISIG, 0u);
  restore_terminal();
}

TEST(Terminal, LeavesOtherFilesAlone) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const FileDescriptor reader(ends[0]), writer(ends[1]);
  EXPECT_FALSE(make_terminal_raw(reader.get(), TerminalSignals::kKeep));
  restore_terminal();
}

TEST(Terminal, DoesNotUndoTheSettingsOfAnotherProgram) {
  const Pty pty;
  ASSERT_TRUE(make_terminal_raw(pty.line.get(), TerminalSignals::kToGuest));
  termios theirs = pty.settings();
  theirs.c_lflag |= ISIG;
  ASSERT_EQ(::tcsetattr(pty.line.get(), TCSANOW, &theirs), 0);
  restore_terminal();
  EXPECT_EQ(pty.settings().c_lflag & (ICANON | ISIG), static_cast<tcflag_t>(ISIG));
}

TEST(Terminal, RestoringReapsTheGuardian) {
  const Pty pty;
  ASSERT_TRUE(make_terminal_raw(pty.line.get(), TerminalSignals::kToGuest));
  restore_terminal();
  EXPECT_EQ(::waitpid(-1, nullptr, 0), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Terminal, IsRestoredByExit) {
  const Pty pty;
  const int status = end_of_process_with_raw_terminal(pty, [] { std::exit(6); });
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 6);
  EXPECT_TRUE(pty.is_cooked());
}

class TerminalAfterSignal : public testing::TestWithParam<int> {};

TEST_P(TerminalAfterSignal, IsRestoredAndTheSignalIsSeenByTheParent) {
  const Pty pty;
  const int status = end_of_process_with_raw_terminal(pty, [] { ::raise(GetParam()); });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), GetParam());
  EXPECT_TRUE(pty.is_cooked());
}

INSTANTIATE_TEST_SUITE_P(Signals, TerminalAfterSignal,
                         testing::Values(SIGINT, SIGTERM, SIGHUP, SIGABRT, SIGKILL));

TEST(Terminal, GuardianHoldsNoOtherFile) {
  const Pty pty;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  FileDescriptor reader(ends[0]), writer(ends[1]);
  ASSERT_TRUE(make_terminal_raw(pty.line.get(), TerminalSignals::kToGuest));
  writer.reset();
  // Ends only when no process has the write end any more, the guardian included.
  char byte;
  EXPECT_EQ(::read(reader.get(), &byte, 1), 0);
  restore_terminal();
}

TEST(Terminal, MissingStandardFilesAreOpened) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDIN_FILENO);
    ::close(STDOUT_FILENO);
    open_missing_standard_files();
    char byte;
    const bool empty_input = ::read(STDIN_FILENO, &byte, 1) == 0;
    const bool output_vanishes = ::write(STDOUT_FILENO, "x", 1) == 1;
    ::_exit(empty_input && output_vanishes ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace ringdown

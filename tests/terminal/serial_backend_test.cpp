#include "host-driver/serial_backend.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <semaphore>
#include <string>

#include "host-driver/counters.h"

namespace ringdown {
namespace {

struct Pipe {
  FileDescriptor reader, writer;
  Pipe() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader = FileDescriptor(ends[0]);
    writer = FileDescriptor(ends[1]);
  }
  void put(std::string_view text) {
    ASSERT_EQ(::write(writer.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  // Reads until `count` bytes came or the other end is closed.
  std::string get(size_t count) {
    std::string text(count, '\0');
    size_t have = 0;
    while (have < count) {
      const ssize_t got = ::read(reader.get(), text.data() + have, count - have);
      if (got <= 0) break;
      have += static_cast<size_t>(got);
    }
    text.resize(have);
    return text;
  }
};

// A backend between two pipes, and a count of what it reported.
struct Fixture {
  Pipe typed, shown;
  std::counting_semaphore<> inputs{0}, commands{0}, failures{0};
  TerminalCommand last_command = TerminalCommand::kNone;
  std::string failure;

  SerialEvents events() {
    return {.on_input = [this] { inputs.release(); },
            .on_command =
                [this](TerminalCommand c) {
                  last_command = c;
                  commands.release();
                },
            .on_failure =
                [this](const std::string& line) {
                  failure = line;
                  failures.release();
                }};
  }
  SerialFiles files() {
    return {.input = std::move(typed.reader), .output = std::move(shown.writer), .name = "the pipe"};
  }
  // Waits for `count` bytes of input.
  std::string take(SerialBackend& backend, size_t count) {
    std::string text;
    while (text.size() < count) {
      while (!backend.input_waiting()) inputs.acquire();
      uint8_t bytes[100];
      const size_t got = backend.take(bytes);
      text.append(reinterpret_cast<char*>(bytes), got);
    }
    return text;
  }
};

void print(SerialBackend& backend, std::string_view text) {
  for (const char c : text) backend.write(static_cast<uint8_t>(c));
}

TEST(SerialBackend, OutputArrivesWithoutFlush) {
  Fixture f;
  SerialBackend backend(f.files(), false, f.events());
  print(backend, "login: ");
  EXPECT_EQ(f.shown.get(7), "login: ");
}

TEST(SerialBackend, OutputBeforeTheEndIsNotLost) {
  Fixture f;
  const std::string text(20'000, 'x');  // a pipe holds it, whatever the size of each write
  { print(*std::make_unique<SerialBackend>(f.files(), false, f.events()), text); }
  EXPECT_EQ(f.shown.get(text.size() + 1), text);
}

TEST(SerialBackend, MoreOutputThanRoomArrivesInOrder) {
  Fixture f;
  SerialBackend backend(f.files(), false, f.events());
  constexpr size_t kLines = 40'000;
  std::string expected;
  for (size_t i = 0; i < kLines; ++i) expected += std::to_string(i) + "\n";
  ASSERT_GT(expected.size(), 3 * SerialBackend::kOutputRoom);
  std::thread guest([&] { print(backend, expected); });
  EXPECT_EQ(f.shown.get(expected.size()), expected);
  guest.join();
}

TEST(SerialBackend, ABurstWakesTheHostRarely) {
  Fixture f;
  SerialBackend backend(f.files(), false, f.events());
  print(backend, "x");
  EXPECT_EQ(f.shown.get(1), "x");
  const uint64_t before = counters().host_syscalls_serial;
  const std::string text(SerialBackend::kOutputRoom / 2, 'y');
  print(backend, text);
  backend.flush();
  EXPECT_EQ(f.shown.get(text.size()), text);
  // The scheduler decides how many bursts this becomes; a call per byte would be 32768.
  EXPECT_LT(counters().host_syscalls_serial - before, text.size() / 100);
}

TEST(SerialBackend, InputIsHandedOver) {
  Fixture f;
  SerialBackend backend(f.files(), false, f.events());
  EXPECT_FALSE(backend.input_waiting());
  f.typed.put("uname -a\r");
  EXPECT_EQ(f.take(backend, 9), "uname -a\r");
  EXPECT_FALSE(backend.input_waiting());
}

TEST(SerialBackend, APasteLargerThanTheQueueArrivesWhole) {
  Fixture f;
  SerialBackend backend(f.files(), false, f.events());
  std::string paste;
  for (int i = 0; i < 5'000; ++i) paste += std::to_string(i) + ",";
  ASSERT_GT(paste.size(), 4 * SerialBackend::kInputRoom);
  std::thread user([&] { f.typed.put(paste); });
  EXPECT_EQ(f.take(backend, paste.size()), paste);
  user.join();
}

TEST(SerialBackend, ClosedInputIsNoInputAndOutputGoesOn) {
  Fixture f;
  f.typed.put("last");
  f.typed.writer.reset();
  SerialBackend backend(f.files(), false, f.events());
  EXPECT_EQ(f.take(backend, 4), "last");
  print(backend, "still here");
  EXPECT_EQ(f.shown.get(10), "still here");
}

TEST(SerialBackend, EscapeKeysAreActedOn) {
  Fixture f;
  SerialBackend backend(f.files(), true, f.events());
  f.typed.put(
      "a\x01"
      "b");
  f.commands.acquire();
  EXPECT_EQ(f.last_command, TerminalCommand::kBreak);
  EXPECT_EQ(f.take(backend, 1), "a");
  f.typed.put("\x01h");
  const std::string help(answer_to(TerminalCommand::kHelp));
  EXPECT_EQ(f.shown.get(help.size()), help);
  f.typed.put("\x01x");
  f.commands.acquire();
  EXPECT_EQ(f.last_command, TerminalCommand::kQuit);
}

TEST(SerialBackend, WithoutEscapeKeysControlAIsAByte) {
  Fixture f;
  SerialBackend backend(f.files(), false, f.events());
  f.typed.put("\x01x");
  EXPECT_EQ(f.take(backend, 2), "\x01x");
}

TEST(SerialBackend, QuittingDoesNotWaitForAReaderThatStopped) {
  Fixture f;
  {
    SerialBackend backend(f.files(), true, f.events());
    std::thread guest([&] { print(backend, std::string(4 * SerialBackend::kOutputRoom, 'x')); });
    f.typed.put("\x01x");
    f.commands.acquire();
    guest.join();
  }
  f.typed.writer.reset();
  EXPECT_FALSE(f.shown.get(100).empty());
}

TEST(SerialBackend, BrokenPipeIsReportedOnce) {
  Fixture f;
  f.shown.reader.reset();
  SerialBackend backend(f.files(), false, f.events());
  print(backend, "hello");
  f.failures.acquire();
  EXPECT_EQ(f.failure, "cannot write the serial port's output to the pipe: Broken pipe");
  print(backend, std::string(2 * SerialBackend::kOutputRoom, 'x'));
  backend.flush();
  EXPECT_FALSE(f.failures.try_acquire());
}

TEST(SerialBackend, FullDiskIsReported) {
  Fixture f;
  auto opened = open_serial_backend({.kind = SerialKind::kFile, .path = "/dev/full"}, f.events());
  ASSERT_EQ(opened.index(), 0u);
  auto& backend = *std::get<0>(opened);
  print(backend, "hello\n");
  f.failures.acquire();
  EXPECT_EQ(f.failure, "cannot write the serial port's output to '/dev/full': No space left on device");
}

TEST(SerialBackend, FileThatCannotBeOpenedIsNamed) {
  const auto opened = open_serial_backend({.kind = SerialKind::kFile, .path = "/nonexistent/log"}, {});
  ASSERT_EQ(opened.index(), 1u);
  EXPECT_EQ(std::get<1>(opened),
            "cannot open the serial port's file '/nonexistent/log': No such file or directory");
}

TEST(SerialBackend, NullSwallows) {
  auto opened = open_serial_backend({.kind = SerialKind::kNull}, {});
  ASSERT_EQ(opened.index(), 0u);
  auto& backend = *std::get<0>(opened);
  print(backend, std::string(2 * SerialBackend::kOutputRoom, 'x'));
  EXPECT_TRUE(backend.output_has_room());
  EXPECT_FALSE(backend.input_waiting());
}

TEST(SerialBackend, PtyCarriesBothWaysAndSurvivesItsUser) {
  Fixture f;
  auto opened = open_serial_backend({.kind = SerialKind::kPty}, f.events());
  ASSERT_EQ(opened.index(), 0u);
  auto& backend = *std::get<0>(opened);
  for (int visit = 0; visit < 2; ++visit) {
    FileDescriptor user(::open(backend.pty_path().c_str(), O_RDWR | O_NOCTTY));
    ASSERT_TRUE(user);
    print(backend, "$ ");
    char prompt[2];
    ASSERT_EQ(::read(user.get(), prompt, 2), 2);
    EXPECT_EQ(std::string(prompt, 2), "$ ");
    ASSERT_EQ(::write(user.get(), "id\r", 3), 3);
    EXPECT_EQ(f.take(backend, 3), "id\r");
  }
}

TEST(SerialBackend, PtyThatNobodyReadsDoesNotStopTheGuest) {
  auto opened = open_serial_backend({.kind = SerialKind::kPty}, {});
  ASSERT_EQ(opened.index(), 0u);
  print(*std::get<0>(opened), std::string(4 * SerialBackend::kOutputRoom, 'x'));
}

}  // namespace
}  // namespace ringdown

#include "host-driver/serial_target.h"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ringdown {
namespace {

using Opened = std::variant<SerialFiles, std::string>;

FileDescriptor duplicate(int fd) { return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 3)); }

// O_NONBLOCK belongs to what was opened, which others may share: not to be set on a duplicate.
FileDescriptor open_again_nonblocking(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return FileDescriptor(::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
}

// A terminal that has room for a byte blocks whoever writes two. A pipe takes PIPE_BUF whole.
Opened open_stdio() {
  SerialFiles files{.input = duplicate(STDIN_FILENO), .name = "standard output"};
  const bool terminal = ::isatty(STDOUT_FILENO);
  if (terminal) files.output = open_again_nonblocking(STDOUT_FILENO);
  if (!files.output) {
    files.output = duplicate(STDOUT_FILENO);
    if (terminal) files.write_at_once = 1;
  }
  return files;
}

Opened open_file(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file) return "cannot open the serial port's file '" + path + "': " + std::strerror(errno);
  return SerialFiles{.output = std::move(file), .name = "'" + path + "'"};
}

Opened open_pty() {
  FileDescriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  char path[128];
  if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
      ::ptsname_r(master.get(), path, sizeof path) != 0) {
    return std::string("cannot open a pseudo-terminal for the serial port: ") + std::strerror(errno);
  }
  FileDescriptor slave(::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave) return std::string("cannot open '") + path + "': " + std::strerror(errno);
  termios settings;
  if (::tcgetattr(slave.get(), &settings) == 0) {
    // The line discipline must not echo the guest's output back to it.
    ::cfmakeraw(&settings);
    ::tcsetattr(slave.get(), TCSANOW, &settings);
  }
  FileDescriptor input = duplicate(master.get());
  return SerialFiles{.input = std::move(input),
                     .output = std::move(master),
                     .keep_open = std::move(slave),
                     .name = std::string("'") + path + "'",
                     .pty_path = path,
                     .output_can_wait = false};
}

}  // namespace

Opened open_serial_target(const SerialTarget& target) {
  switch (target.kind) {
    case SerialKind::kStdio:
      return open_stdio();
    case SerialKind::kFile:
      return open_file(target.path);
    case SerialKind::kPty:
      return open_pty();
    case SerialKind::kNull:
      break;
  }
  return SerialFiles{.name = "null"};
}

}  // namespace ringdown

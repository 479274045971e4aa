#include "host-driver/socket_console.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "host-driver/io_thread.h"

namespace ringdown {
SocketConsole::SocketConsole(FileDescriptor listener, std::string path, std::string greeting,
                             std::function<void()> on_input)
    : listener_(std::move(listener)),
      path_(std::move(path)),
      greeting_(std::move(greeting)),
      on_input_(std::move(on_input)),
      thread_([this] { run(); }) {}

SocketConsole::~SocketConsole() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_event_.wake();
  thread_.join();
  ::unlink(path_.c_str());
}

// ---- The owner's side.

void SocketConsole::serve(const std::function<void(std::string_view typed)>& act) {
  std::string typed;
  {
    std::lock_guard lock(mutex_);
    input_waiting_.store(false, std::memory_order_release);
    typed.swap(input_);
    serving_ = true;
  }
  act(typed);
  {
    std::lock_guard lock(mutex_);
    serving_ = false;
  }
  wake_event_.wake();
}

void SocketConsole::write(std::string_view text) {
  {
    std::lock_guard lock(mutex_);
    if (!has_client_) return;
    client_is_slow_ = output_.size() + text.size() > kMostOutput;
    if (!client_is_slow_) output_ += text;
  }
  wake_event_.wake();
}

// ---- The I/O thread's side.

// The next client comes when all is done that the last one has asked for.
SocketConsole::Plan SocketConsole::make_plan() {
  std::lock_guard lock(mutex_);
  const bool all_served = input_.empty() && !serving_;
  if (!client_) return {.accept = all_served};
  return {.read = !client_ended_ && input_.size() < kMostInput,
          .write = !output_.empty(),
          .drop = client_is_slow_ || (client_ended_ && all_served && output_.empty())};
}

void SocketConsole::run() {
  block_signals_of_io_thread();
  while (true) {
    const Plan plan = make_plan();
    if (plan.drop) {
      drop_client();
      continue;
    }
    const short wanted = static_cast<short>((plan.read ? POLLIN : 0) | (plan.write ? POLLOUT : 0));
    std::array<pollfd, 3> files{pollfd{.fd = wake_event_.fd(), .events = POLLIN},
                                pollfd{.fd = plan.accept ? listener_.get() : -1, .events = POLLIN},
                                pollfd{.fd = wanted ? client_.get() : -1, .events = wanted}};
    if (::poll(files.data(), files.size(), -1) < 0) continue;
    wake_event_.clear();
    if (files[1].revents != 0) accept();
    if (plan.read && files[2].revents & (POLLIN | POLLHUP | POLLERR)) receive();
    if (client_) send();
    std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
}

void SocketConsole::accept() {
  FileDescriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!client) return;
  client_ = std::move(client);
  client_ended_ = false;
  std::lock_guard lock(mutex_);
  has_client_ = true;
  client_is_slow_ = false;
  output_ = greeting_;
}

void SocketConsole::receive() {
  std::array<char, 512> typed;
  const ssize_t count = ::recv(client_.get(), typed.data(), typed.size(), 0);
  if (count < 0 && try_again(errno)) return;
  if (count <= 0) {
    client_ended_ = true;
    return;
  }
  {
    std::lock_guard lock(mutex_);
    input_.append(typed.data(), static_cast<size_t>(count));
    input_waiting_.store(true, std::memory_order_release);
  }
  on_input_();
}

void SocketConsole::send() {
  std::unique_lock lock(mutex_);
  if (output_.empty()) return;
  const ssize_t count = ::send(client_.get(), output_.data(), output_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count >= 0) {
    output_.erase(0, static_cast<size_t>(count));
  } else if (!try_again(errno)) {
    lock.unlock();
    drop_client();
  }
}

void SocketConsole::drop_client() {
  client_ = {};
  {
    std::lock_guard lock(mutex_);
    has_client_ = client_is_slow_ = false;
    output_.clear();
    input_ += kKillLine;
    input_waiting_.store(true, std::memory_order_release);
  }
  on_input_();
}

std::variant<std::unique_ptr<SocketConsole>, std::string> open_socket_console(
    const std::string& path, std::string greeting, std::function<void()> on_input) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return "the name of the socket '" + path + "' is too long";
  path.copy(address.sun_path, path.size());
  struct stat left {};
  if (::lstat(path.c_str(), &left) == 0 && S_ISSOCK(left.st_mode)) ::unlink(path.c_str());
  FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // What bind() creates has the socket's own mode.
  if (!listener || ::fchmod(listener.get(), 0600) != 0 ||
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 4) != 0) {
    return "cannot open the socket '" + path + "': " + std::strerror(errno);
  }
  return std::make_unique<SocketConsole>(std::move(listener), path, std::move(greeting), std::move(on_input));
}

}  // namespace ringdown

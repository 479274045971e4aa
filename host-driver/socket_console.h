#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <variant>

#include "host-driver/file_descriptor.h"
#include "host-driver/wake_event.h"

namespace ringdown {

// A Unix socket at which one client at a time types and is answered. An I/O thread does all that waits.
// Clients that vanish, say nothing or do not read what they are told harm nobody.
class SocketConsole {
 public:
  static constexpr size_t kMostInput = 4096, kMostOutput = 1 << 20;
  // What a client that went has not finished is followed by this: the line is void.
  static constexpr char kKillLine = 0x15;

  // `greeting` is what each client is told first. `on_input` is called on the I/O thread: input waits.
  SocketConsole(FileDescriptor listener, std::string path, std::string greeting,
                std::function<void()> on_input);
  // Sends what it can without waiting, and removes the socket's name.
  ~SocketConsole();
  SocketConsole(const SocketConsole&) = delete;
  SocketConsole& operator=(const SocketConsole&) = delete;

  bool input_waiting() const noexcept { return input_waiting_.load(std::memory_order_acquire); }
  // Hands all that has come to `act`, which may call write(): what it writes is for whoever typed that.
  void serve(const std::function<void(std::string_view typed)>& act);
  // Never waits. A client that leaves more than kMostOutput unread is sent away.
  void write(std::string_view text);

 private:
  struct Plan {
    bool accept = false, read = false, write = false, drop = false;
  };
  void run();
  Plan make_plan();
  void accept();
  void receive();
  void send();
  void drop_client();

  const FileDescriptor listener_;
  const WakeEvent wake_event_;
  const std::string path_, greeting_;
  const std::function<void()> on_input_;
  FileDescriptor client_;      // of the I/O thread, as is
  bool client_ended_ = false;  // it will type no more, but is still answered

  std::mutex mutex_;  // guards what follows
  std::string input_, output_;
  bool stopping_ = false, client_is_slow_ = false, has_client_ = false, serving_ = false;
  std::atomic<bool> input_waiting_{false};

  std::thread thread_;  // last: it uses all of the above
};

// For this user alone. Takes the place of a socket that was left there. The second alternative is one line
// for the user.
std::variant<std::unique_ptr<SocketConsole>, std::string> open_socket_console(const std::string& path,
                                                                              std::string greeting,
                                                                              std::function<void()> on_input);

}  // namespace ringdown

#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <variant>

#include "host-driver/byte_queue.h"
#include "host-driver/escape_keys.h"
#include "host-driver/serial_target.h"
#include "host-driver/wake_event.h"

namespace ringdown {

// What a backend tells its owner. All are called on the I/O thread, and must not call back into the backend
// except for take, input_waiting and stop_waiting. Empty functions are allowed.
struct SerialEvents {
  std::function<void()> on_input = {};                           // bytes wait that did not before
  std::function<void(TerminalCommand)> on_command = {};          // kQuit and kBreak
  std::function<void(const std::string& line)> on_failure = {};  // once: output is refused (EPIPE, ENOSPC, …)
};

// The far end of a UART: bytes out to the host, bytes in from it. The vCPU thread never reads or writes a
// file; one I/O thread does, which sleeps in poll().
//
// Output costs the vCPU thread one host call (the wake-up) for a burst of up to kOutputDelay, however many
// bytes it has; flush() ends a burst early. Input waits in a queue of kInputRoom bytes: when the guest does
// not fetch them the host is not read, so that a paste of any size arrives whole.
class SerialBackend {
 public:
  static constexpr std::chrono::milliseconds kOutputDelay{2};
  static constexpr size_t kOutputRoom = 64 * 1024;
  static constexpr size_t kOutputBurst = 4096;  // so much does not wait for kOutputDelay
  static constexpr size_t kInputRoom = 4096;

  SerialBackend(SerialFiles files, bool escape_keys, SerialEvents events);
  // Writes out what is pending, unless stop_waiting() was called and the host would make us wait.
  ~SerialBackend();
  SerialBackend(const SerialBackend&) = delete;
  SerialBackend& operator=(const SerialBackend&) = delete;

  // Moves waiting input to `room`, oldest first, and returns how many bytes.
  size_t take(std::span<uint8_t> room);
  bool input_waiting() const noexcept { return input_count_.load(std::memory_order_acquire) != 0; }
  // The same of what is typed for the monitor prompt, behind C-a c. Each C-a c that gives it the keys is the
  // byte kPromptOpened.
  size_t take_for_prompt(std::span<uint8_t> room);
  bool prompt_input_waiting() const noexcept { return prompt_count_.load(std::memory_order_acquire) != 0; }
  static constexpr uint8_t kPromptOpened = 0x0C;

  // Waits only while kOutputRoom bytes are pending because the host does not take them. A UART that would
  // rather hold its transmitter busy asks output_has_room() first.
  void write(uint8_t byte);
  bool output_has_room() const noexcept { return output_has_room_.load(std::memory_order_relaxed); }

  // Lets pending output go at once. For a guest that goes idle.
  void flush();

  // From now on output that the host does not take at once is dropped. For the way out. Async-signal-safe.
  void stop_waiting() noexcept;

  // The pseudo-terminal's name, empty for other targets.
  const std::string& pty_path() const { return files_.pty_path; }

 private:
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;
  // What the I/O thread would have to be woken for.
  enum class Sleep : uint8_t { kAwake, kUntilOutput, kUntilDeadline };
  struct Plan {
    bool read = false, write = false, wait = true, end = false;
    std::optional<Clock::time_point> deadline = {};
  };
  struct Ready {
    bool input = false, output = false;
  };

  // The I/O thread's loop and its steps.
  void run();
  Plan make_plan();
  Ready wait_for(const Plan& plan);
  void read_input();
  void accept(std::span<const uint8_t> typed);
  void push_prompt_input(uint8_t byte);
  void act_on(TerminalCommand command);
  void write_output();
  void push_output(uint8_t byte);
  void consume_output(size_t count);
  void refuse_output(int error);
  void drop_output();

  void wake_from_vcpu(Sleep reason);

  SerialFiles files_;
  const SerialEvents events_;
  const bool escape_keys_on_;
  const WakeEvent wake_event_;

  // Of the I/O thread alone.
  EscapeKeys escape_keys_;
  bool input_open_;

  std::mutex mutex_;  // guards what follows; the atomics are copies for who does not want to lock
  std::condition_variable room_;
  ByteQueue<kOutputRoom> output_;
  ByteQueue<kInputRoom> input_, prompt_input_;
  std::optional<Clock::time_point> output_deadline_;
  bool flush_now_ = false;
  bool can_wait_;
  bool refused_;
  bool stopping_ = false;
  Sleep sleep_ = Sleep::kAwake;
  std::atomic<bool> stop_waiting_{false};  // can_wait_ becomes false
  std::atomic<size_t> input_count_{0}, prompt_count_{0};
  std::atomic<bool> output_pending_{false};  // for flush(), which an idle guest calls at every tick
  std::atomic<bool> output_has_room_{true};

  std::thread thread_;  // last: it uses all of the above
};

// Opens the target and starts its backend. The second alternative is one line for the user.
std::variant<std::unique_ptr<SerialBackend>, std::string> open_serial_backend(const SerialTarget& target,
                                                                              SerialEvents events);

}  // namespace ringdown

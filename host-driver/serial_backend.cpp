#include "host-driver/serial_backend.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "host-driver/counters.h"
#include "host-driver/io_thread.h"

namespace ringdown {
namespace {

timespec until(std::chrono::steady_clock::time_point deadline) {
  using namespace std::chrono;
  const auto left = std::max(nanoseconds(0), nanoseconds(deadline - steady_clock::now()));
  return {.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000),
          .tv_nsec = static_cast<long>(left.count() % 1'000'000'000)};
}

}  // namespace

SerialBackend::SerialBackend(SerialFiles files, bool escape_keys, SerialEvents events)
    : files_(std::move(files)),
      events_(std::move(events)),
      escape_keys_on_(escape_keys),
      input_open_(static_cast<bool>(files_.input)),
      can_wait_(files_.output_can_wait),
      refused_(!files_.output) {
  if (files_.input || files_.output) thread_ = std::thread([this] { run(); });
}

SerialBackend::~SerialBackend() {
  {
    Lock lock(mutex_);
    stopping_ = true;
  }
  wake_event_.wake();
  if (thread_.joinable()) thread_.join();
}

// ---- The vCPU thread's side.

size_t SerialBackend::take(std::span<uint8_t> room) {
  Lock lock(mutex_);
  const bool was_full = input_.room() == 0;
  const size_t count = input_.peek(room);
  input_.drop(count);
  input_count_.store(input_.size(), std::memory_order_release);
  if (was_full && count != 0) {
    ++counters().host_syscalls_serial;
    wake_event_.wake();
  }
  return count;
}

size_t SerialBackend::take_for_prompt(std::span<uint8_t> room) {
  Lock lock(mutex_);
  const size_t count = prompt_input_.peek(room);
  prompt_input_.drop(count);
  prompt_count_.store(prompt_input_.size(), std::memory_order_release);
  if (count != 0) wake_event_.wake();
  return count;
}

void SerialBackend::write(uint8_t byte) {
  Lock lock(mutex_);
  room_.wait(lock, [this] { return output_.room() != 0 || refused_ || !can_wait_; });
  if (refused_ || output_.room() == 0) return;
  push_output(byte);
  output_has_room_ = output_.room() != 0 || !can_wait_;
  wake_from_vcpu(Sleep::kUntilOutput);
  if (output_.size() == kOutputBurst) wake_from_vcpu(Sleep::kUntilDeadline);
}

// With the mutex held.
void SerialBackend::push_output(uint8_t byte) {
  output_.push(byte);
  output_pending_.store(true, std::memory_order_relaxed);
}

void SerialBackend::flush() {
  if (!output_pending_.load(std::memory_order_relaxed)) return;
  Lock lock(mutex_);
  if (output_.empty() || flush_now_) return;
  flush_now_ = true;
  wake_from_vcpu(Sleep::kUntilDeadline);
}

void SerialBackend::stop_waiting() noexcept {
  stop_waiting_ = true;
  wake_event_.wake();
}

// With the mutex held. Wakes the I/O thread if it sleeps for that reason, once.
void SerialBackend::wake_from_vcpu(Sleep reason) {
  if (sleep_ != reason) return;
  sleep_ = Sleep::kAwake;
  ++counters().host_syscalls_serial;
  wake_event_.wake();
}

// ---- The I/O thread's side.

void SerialBackend::run() {
  block_signals_of_io_thread();
  while (true) {
    const Plan plan = make_plan();
    if (plan.end) return;
    const Ready ready = wait_for(plan);
    if (ready.input) read_input();
    if (ready.output) {
      write_output();
    } else if (plan.write && !plan.wait) {
      drop_output();
    }
  }
}

SerialBackend::Plan SerialBackend::make_plan() {
  Lock lock(mutex_);
  if (stop_waiting_ && can_wait_) {
    can_wait_ = false;
    output_has_room_ = true;
    room_.notify_all();
  }
  Plan plan{.read = input_open_ && !stopping_ && input_.room() != 0 && prompt_input_.room() > 1};
  if (output_.empty()) {
    plan.end = stopping_;
    sleep_ = Sleep::kUntilOutput;
    return plan;
  }
  const auto now = Clock::now();
  if (!output_deadline_) output_deadline_ = now + kOutputDelay;
  plan.write = flush_now_ || stopping_ || output_.size() >= kOutputBurst || now >= *output_deadline_;
  plan.wait = can_wait_ || !stopping_;
  if (!plan.write) plan.deadline = output_deadline_;
  sleep_ = plan.write ? Sleep::kAwake : Sleep::kUntilDeadline;
  return plan;
}

SerialBackend::Ready SerialBackend::wait_for(const Plan& plan) {
  std::array<pollfd, 3> files{pollfd{.fd = wake_event_.fd(), .events = POLLIN},
                              pollfd{.fd = plan.read ? files_.input.get() : -1, .events = POLLIN},
                              pollfd{.fd = plan.write ? files_.output.get() : -1, .events = POLLOUT}};
  timespec timeout{};
  if (plan.deadline) timeout = until(*plan.deadline);
  const bool forever = plan.wait && !plan.deadline;
  if (::ppoll(files.data(), files.size(), forever ? nullptr : &timeout, nullptr) < 0) return {};
  if (files[0].revents != 0) wake_event_.clear();
  // An error or a hang-up counts as ready: the read or write then says what happened.
  return {.input = files[1].revents != 0, .output = files[2].revents != 0};
}

void SerialBackend::read_input() {
  std::array<uint8_t, 512> typed;
  size_t room;
  {
    Lock lock(mutex_);
    room = std::min({typed.size(), input_.room(), prompt_input_.room() / 2});
  }
  const ssize_t count = ::read(files_.input.get(), typed.data(), room);
  if (count > 0) return accept({typed.data(), static_cast<size_t>(count)});
  // End of file, or an error such as a terminal that hung up: nothing will ever come again. Never poll it
  // again.
  if (count == 0 || !try_again(errno)) input_open_ = false;
}

void SerialBackend::accept(std::span<const uint8_t> typed) {
  bool arrived = false;
  for (const uint8_t byte : typed) {
    const auto result = escape_keys_on_ ? escape_keys_.feed(byte) : EscapeKeys::Result{.byte = byte};
    const bool opens_prompt = result.command == TerminalCommand::kMonitor && result.for_prompt;
    if (opens_prompt || (result.byte && result.for_prompt)) {
      push_prompt_input(opens_prompt ? kPromptOpened : *result.byte);
      arrived = true;
    } else if (result.byte) {
      Lock lock(mutex_);
      input_.push(*result.byte);
      input_count_.store(input_.size(), std::memory_order_release);
      arrived = true;
    }
    act_on(result.command);
  }
  if (arrived && events_.on_input) events_.on_input();
}

void SerialBackend::push_prompt_input(uint8_t byte) {
  Lock lock(mutex_);
  prompt_input_.push(byte);
  prompt_count_.store(prompt_input_.size(), std::memory_order_release);
}

void SerialBackend::act_on(TerminalCommand command) {
  if (command == TerminalCommand::kNone) return;
  {
    Lock lock(mutex_);
    for (const char c : answer_to(command)) push_output(static_cast<uint8_t>(c));
  }
  if (command == TerminalCommand::kQuit) stop_waiting();
  const bool is_for_owner = command == TerminalCommand::kQuit || command == TerminalCommand::kBreak;
  if (is_for_owner && events_.on_command) events_.on_command(command);
}

void SerialBackend::write_output() {
  std::array<uint8_t, 4096> chunk;
  size_t size;
  {
    Lock lock(mutex_);
    size = output_.peek({chunk.data(), std::min(chunk.size(), files_.write_at_once)});
  }
  if (size == 0) return;
  const ssize_t written = ::write(files_.output.get(), chunk.data(), size);
  if (written >= 0) return consume_output(static_cast<size_t>(written));
  if (!try_again(errno)) refuse_output(errno);
}

void SerialBackend::consume_output(size_t count) {
  Lock lock(mutex_);
  output_.drop(count);
  output_has_room_ = true;
  room_.notify_all();
  if (!output_.empty()) return;
  output_pending_.store(false, std::memory_order_relaxed);
  flush_now_ = false;
  output_deadline_.reset();
}

void SerialBackend::refuse_output(int error) {
  {
    Lock lock(mutex_);
    refused_ = true;
  }
  drop_output();
  if (events_.on_failure) {
    events_.on_failure("cannot write the serial port's output to " + files_.name + ": " +
                       std::strerror(error));
  }
}

void SerialBackend::drop_output() { consume_output(kOutputRoom); }

std::variant<std::unique_ptr<SerialBackend>, std::string> open_serial_backend(const SerialTarget& target,
                                                                              SerialEvents events) {
  auto opened = open_serial_target(target);
  if (auto* error = std::get_if<std::string>(&opened)) return std::move(*error);
  return std::make_unique<SerialBackend>(std::move(std::get<SerialFiles>(opened)), target.escape_keys,
                                         std::move(events));
}

}  // namespace ringdown

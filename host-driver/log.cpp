#include "host-driver/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

namespace ringdown {
namespace {

constexpr size_t kBufferBytes = 64 * 1024;

constexpr std::array kLogClasses{
#define RINGDOWN_LOG_CLASS(enumerator, name, meaning) LogClassRow{LogClass::enumerator, name, meaning},
#include "host-driver/log_classes.inc"
#undef RINGDOWN_LOG_CLASS
};
static_assert(kLogClasses.size() <= 32, "LogClasses has 32 bits");

struct Log {
  std::mutex mutex;
  int fd = STDERR_FILENO;
  std::string name = "standard error";
  std::string buffer;
  std::function<void(const std::string&)> on_failure;
};

// Never destroyed: other threads may log while the process ends.
Log& the_log() {
  static Log* log = new Log;
  return *log;
}

// Writes the buffer out. Returns the line to report when the host refuses.
std::optional<std::string> write_out(Log& log) {
  std::string_view rest = log.buffer;
  while (!rest.empty()) {
    const ssize_t written = ::write(log.fd, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const char* reason = std::strerror(written < 0 ? errno : ENOSPC);
      log.buffer.clear();
      return "cannot write the log to '" + log.name + "': " + reason;
    }
    rest.remove_prefix(static_cast<size_t>(written));
  }
  log.buffer.clear();
  return std::nullopt;
}

void append(std::string_view text, bool now) {
  Log& log = the_log();
  std::unique_lock lock(log.mutex);
  log.buffer += text;
  if (!now && log.fd != STDERR_FILENO && log.buffer.size() < kBufferBytes) return;
  const auto failure = write_out(log);
  if (!failure) return;
  internal::enabled_log_classes = 0;
  const auto tell = std::exchange(log.on_failure, nullptr);
  lock.unlock();
  if (tell) tell(*failure);
}

[[gnu::format(printf, 1, 0)]] std::string formatted(const char* format, va_list arguments) {
  char* text = nullptr;
  const int length = vasprintf(&text, format, arguments);
  if (length < 0) return {};
  std::string result(text, static_cast<size_t>(length));
  std::free(text);
  return result;
}

}  // namespace

std::span<const LogClassRow> log_class_table() { return kLogClasses; }

std::optional<std::string> open_log(LogClasses classes, const std::string& path,
                                    std::function<void(const std::string&)> on_failure) {
  close_log();
  Log& log = the_log();
  std::lock_guard lock(log.mutex);
  if (!path.empty()) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return "cannot open the log file '" + path + "': " + std::strerror(errno);
    log.fd = fd;
    log.name = path;
  }
  log.on_failure = std::move(on_failure);
  internal::enabled_log_classes = classes;
  return std::nullopt;
}

void log_write(LogClass c, std::string_view text) {
  if (log_enabled(c)) append(text, false);
}

void log_printf(LogClass c, const char* format, ...) {
  if (!log_enabled(c)) return;
  va_list arguments;
  va_start(arguments, format);
  append(formatted(format, arguments), false);
  va_end(arguments);
}

void append_printf(std::string& text, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  text += formatted(format, arguments);
  va_end(arguments);
}

void flush_log() { append({}, true); }

void close_log() {
  internal::enabled_log_classes = 0;
  flush_log();
  Log& log = the_log();
  std::lock_guard lock(log.mutex);
  if (log.fd != STDERR_FILENO) ::close(log.fd);
  log.fd = STDERR_FILENO;
  log.name = "standard error";
  log.on_failure = nullptr;
}

}  // namespace ringdown

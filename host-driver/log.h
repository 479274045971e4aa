#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringdown {

// The log of -d and -D. It lives in this folder, below the translator, so that every folder may write to it.
enum class LogClass : uint8_t {
#define RINGDOWN_LOG_CLASS(enumerator, name, meaning) enumerator,
#include "host-driver/log_classes.inc"
#undef RINGDOWN_LOG_CLASS
};

// A set of classes, one bit each.
using LogClasses = uint32_t;
constexpr LogClasses log_bit(LogClass c) { return LogClasses{1} << static_cast<unsigned>(c); }

struct LogClassRow {
  LogClass log_class;
  std::string_view name;
  std::string_view meaning;
};
std::span<const LogClassRow> log_class_table();

namespace internal {
inline std::atomic<LogClasses> enabled_log_classes{0};
}

// One load and one test: ask before the arguments of log_write are put together.
inline bool log_enabled(LogClass c) noexcept {
  return internal::enabled_log_classes.load(std::memory_order_relaxed) & log_bit(c);
}

// Opens the log: `path` empty means stderr, line by line; a file is created or emptied, and buffered. Returns
// the one line to tell the user if that fails. When a write fails later (a full disk), the log goes quiet and
// `on_failure` is called once with such a line, on whichever thread wrote; it must not log.
std::optional<std::string> open_log(LogClasses classes, const std::string& path,
                                    std::function<void(const std::string& line)> on_failure);

// Writes `text` as it is, if the class is enabled. Any thread; pieces of one call stay together.
void log_write(LogClass c, std::string_view text);
[[gnu::format(printf, 2, 3)]] void log_printf(LogClass c, const char* format, ...);
// For what is written by more than one call's arguments.
[[gnu::format(printf, 2, 3)]] void append_printf(std::string& text, const char* format, ...);

// Hands what is buffered to the host. Called before the process ends or stops for long.
void flush_log();

// Flushes, closes the file and disables every class.
void close_log();

}  // namespace ringdown

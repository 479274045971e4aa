#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace ringdown {

// How a run of `ringdown` ends; docs/ringdown.1 has the same table (a test compares them). Odd numbers belong
// to the guest (isa-debug-exit), so all of these are even, and no two are equal. They stay below 126, where
// shells begin to use numbers for themselves. A run that a signal ends has no exit code: it dies of that
// signal.
enum class ExitCode : uint8_t {
  kPowerOff = 0,
  kBadCommandLine = 2,
  kBadImage = 4,
  kHostLacksFeature = 6,
  kIoError = 8,
  kInternalError = 10,
  kResetWithNoReboot = 12,
  kTripleFaultWithNoReboot = 14,
  kUserQuit = 16,
};

struct ExitCodeRow {
  ExitCode code;
  std::string_view meaning;
};
std::span<const ExitCodeRow> exit_code_table();

constexpr int exit_status(ExitCode code) { return static_cast<int>(code); }

// The exit status after the guest wrote `value` to isa-debug-exit. The host keeps eight bits of it.
constexpr int debug_exit_status(uint32_t value) { return static_cast<int>((value << 1 | 1) & 0xFF); }

// Tells the user one line, on standard error, behind the name of the program. Safe on any thread.
void print_error_line(std::string_view line);

// The same, of what keeps the machine from starting: the exit status.
[[nodiscard]] int refuse(ExitCode code, std::string_view line);

// The end when no one is left to return to, such as a full disk found on an I/O thread: restores the
// terminal, prints the line, writes out the log, calls the last act and ends the process at once, without
// destructors that other threads could run into. Of several callers the first one counts: one line, one code.
[[noreturn]] void end_process(ExitCode code, std::string_view line);

// What end_process does last, such as writing the statistics. It must not wait for another thread.
void set_last_act(std::function<void()> act);

}  // namespace ringdown

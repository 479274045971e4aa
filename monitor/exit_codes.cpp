#include "monitor/exit_codes.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <string>

#include "host-driver/log.h"
#include "host-driver/terminal.h"

namespace ringdown {
namespace {

constexpr std::array kExitCodes{
    ExitCodeRow{ExitCode::kPowerOff,
                "the guest powered the machine off, by ACPI or by a halt with interrupts disabled"},
    ExitCodeRow{ExitCode::kBadCommandLine, "bad command line"},
    ExitCodeRow{ExitCode::kBadImage,
                "a kernel, initrd, module, BIOS, option ROM or disk image is missing, unreadable, corrupt or "
                "too large"},
    ExitCodeRow{ExitCode::kHostLacksFeature, "the host lacks something that cannot be done without"},
    ExitCodeRow{ExitCode::kIoError, "input or output failed, such as a full disk"},
    ExitCodeRow{ExitCode::kInternalError, "internal error, a bug of ringdown"},
    ExitCodeRow{ExitCode::kResetWithNoReboot, "the guest reset the machine, with -no-reboot"},
    ExitCodeRow{ExitCode::kTripleFaultWithNoReboot, "the guest caused a triple fault, with -no-reboot"},
    ExitCodeRow{ExitCode::kUserQuit, "the user ended it: by C-a x, or at the monitor prompt"},
};

// Never destroyed: a thread may need it while the process exits.
std::function<void()>& last_act() {
  static auto* act = new std::function<void()>;
  return *act;
}

// Comes back for the first caller only. A failure on the way out, such as of the log, adds no second line.
void be_the_first(ExitCode code) {
  static std::atomic<pid_t> ending_thread{0};
  pid_t nobody = 0;
  if (ending_thread.compare_exchange_strong(nobody, ::gettid())) return;
  if (nobody == ::gettid()) ::_exit(exit_status(code));
  while (true) ::pause();
}

}  // namespace

std::span<const ExitCodeRow> exit_code_table() { return kExitCodes; }

void print_error_line(std::string_view line) {
  // One write, so that lines of several threads do not mix. Where standard error is gone nobody is told.
  const std::string text = "ringdown: " + std::string(line) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

int refuse(ExitCode code, std::string_view line) {
  print_error_line(line);
  return exit_status(code);
}

void end_process(ExitCode code, std::string_view line) {
  be_the_first(code);
  restore_terminal();
  print_error_line(line);
  flush_log();
  try {
    if (last_act()) last_act()();
  } catch (...) {
    // Why the process ends has been told.
  }
  ::_exit(exit_status(code));
}

void set_last_act(std::function<void()> act) { last_act() = std::move(act); }

}  // namespace ringdown

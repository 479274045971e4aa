#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <system_error>

#include "cpu/cpu_model.h"
#include "host-driver/counters.h"
#include "host-driver/log.h"
#include "host-driver/terminal.h"
#include "monitor/doctor.h"
#include "monitor/end_signals.h"
#include "monitor/exit_codes.h"
#include "monitor/help.h"
#include "monitor/machine.h"
#include "monitor/options.h"
#include "monitor/stats.h"
#include "monitor/text.h"

namespace ringdown {
namespace {

int give_up(ExitCode code, const std::string& line) {
  print_error_line(line);
  return exit_status(code);
}

int print(const std::string& text) {
  const bool printed = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return printed ? 0 : give_up(ExitCode::kIoError, "cannot write to standard output");
}

int show_host() {
  const auto findings = examine_host();
  const int status = print(format_findings(findings));
  return describe_missing(findings) ? exit_status(ExitCode::kHostLacksFeature) : status;
}

// The translation cache takes tens of megabytes, gives them back at once, and takes them again. What would go
// back to the host in between would have to be zeroed by it, which takes longer than to fill it.
void keep_freed_memory() {
  constexpr int kNever = 1 << 30, kAtOnce = 4 << 20;
  mallopt(M_TRIM_THRESHOLD, kNever);
  mallopt(M_MMAP_THRESHOLD, kNever);
  mallopt(M_TOP_PAD, kAtOnce);
}

int run(const Options& options) {
  keep_freed_memory();
  for (const auto& note : options.notes) print_error_line(note);
  if (const auto line = describe_missing(examine_host())) return give_up(ExitCode::kHostLacksFeature, *line);

  // The files that the run writes are opened first: a bad name is told now, not when the guest has ended.
  const auto log_failed = [](const std::string& line) { end_process(ExitCode::kIoError, line); };
  if (const auto line = open_log(options.log_classes, options.log_file, log_failed)) {
    return give_up(ExitCode::kIoError, *line);
  }
  StatsFile stats;
  if (!options.stats_file.empty()) {
    if (const auto line = stats.open(options.stats_file)) return give_up(ExitCode::kIoError, *line);
    // A run that fails has told its line already.
    set_last_act([&stats] { (void)stats.write(counters()); });
  }

  if (options.start_stopped && !options.prompt) std::raise(SIGSTOP);
  const int status = run_machine(options);
  restore_terminal();
  close_log();
  set_last_act(nullptr);
  const auto line = options.stats_file.empty() ? std::nullopt : stats.write(counters());
  if (line) return give_up(ExitCode::kIoError, *line);
  if (const int signal = EndSignals::received()) die_of(signal);
  if (status == exit_status(ExitCode::kUserQuit)) print_error_line("ended by the user");
  return status;
}

// For what is thrown where nobody can catch it, and by the host's refusals that reach us as exceptions.
[[noreturn]] void end_by_exception() {
  try {
    std::rethrow_exception(std::current_exception());
  } catch (const std::bad_alloc&) {
    end_process(ExitCode::kHostLacksFeature, "the host refuses memory (ulimit -v?)");
  } catch (const std::system_error& error) {
    end_process(ExitCode::kHostLacksFeature, concat("the host refuses a thread: ", error.what()));
  } catch (const std::exception& error) {
    end_process(ExitCode::kInternalError, concat("internal error: ", error.what()));
  } catch (...) {
    end_process(ExitCode::kInternalError, "internal error: an exception that nobody catches");
  }
}

int act(const Options& options, const CpuNames& cpu) {
  switch (options.action) {
    case Action::kRunMachine:
      return run(options);
    case Action::kExamineHost:
      return show_host();
    case Action::kShowHelp:
      return print(help_text());
    case Action::kShowVersion:
      return print(version_text());
    case Action::kListCpus:
      return print(cpu_list_text(cpu));
    case Action::kListDevices:
      return print(device_list_text());
    case Action::kListMachines:
      return print(machine_list_text());
    case Action::kListLogClasses:
      return print(log_class_list_text());
  }
  return exit_status(ExitCode::kInternalError);
}

}  // namespace
}  // namespace ringdown

int main(int count, char** arguments) {
  using namespace ringdown;
  const bool input_is_closed = open_missing_standard_files();
  std::set_terminate(end_by_exception);
  // A file beyond ulimit -f is then an error with a line of its own, as a full disk is.
  std::signal(SIGXFSZ, SIG_IGN);
  const CpuNames cpu{CpuModel::model_names(), CpuModel::feature_names()};
  auto parsed = parse_options(std::span<const char* const>(arguments, count).subspan(count > 0), cpu);
  if (const auto* line = std::get_if<std::string>(&parsed)) return give_up(ExitCode::kBadCommandLine, *line);
  auto options = std::get<Options>(std::move(parsed));
  if (input_is_closed && (is_stdio(options.serial) || is_stdio(options.serial2)))
    options.notes.push_back("standard input is closed: nothing can be typed to the guest");
  return act(options, cpu);
}

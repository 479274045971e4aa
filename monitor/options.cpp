#include "monitor/options.h"

#include <algorithm>

#include "monitor/option_table.h"
#include "monitor/text.h"

namespace ringdown {
namespace {

std::string unknown_option(std::string_view dashed, std::string_view name) {
  const auto unbuilt = unbuilt_options();
  if (std::ranges::find(unbuilt, name) != unbuilt.end()) {
    return concat("option '", dashed, "' is not built yet; see ringdown --help");
  }
  return concat("unknown option '", dashed, "'; see ringdown --help");
}

std::string with_context(const OptionRow& row, std::string_view value, const std::string& error) {
  const std::string option = concat("-", row.name);
  return (row.argument.empty() ? option : concat(option, " ", value)) + concat(": ", error);
}

// What is no option is the first disk.
std::string take_disk(std::string_view file, OptionContext& context) {
  const auto row = std::ranges::find(option_table(), "hda", &OptionRow::name);
  const auto error = row->apply(file, context);
  return error.empty() ? "" : concat("'", file, "': ", error, "; a kernel is given with -kernel");
}

// Reads the arguments one by one. Returns the error, or an empty string.
std::string read_arguments(std::span<const char* const> arguments, OptionContext& context) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (!argument.starts_with('-')) {
      if (const auto error = take_disk(argument, context); !error.empty()) return error;
      continue;
    }
    const auto name = argument.substr(argument.starts_with("--") ? 2 : 1);
    const auto row = std::ranges::find(option_table(), name, &OptionRow::name);
    if (row == option_table().end()) return unknown_option(argument, name);
    if (!row->argument.empty() && ++i == arguments.size()) {
      return concat("option '", argument, "' needs an argument: ", row->argument);
    }
    const std::string_view value = row->argument.empty() ? std::string_view{} : arguments[i];
    if (const auto error = row->apply(value, context); !error.empty())
      return with_context(*row, value, error);
    if (context.options.action != Action::kRunMachine) return {};
  }
  return {};
}

// Without -serial: as QEMU with -nographic, whose only way to show anything is the terminal. With -display
// none QEMU's serial port leads to a console that nobody sees.
std::optional<SerialTarget> default_serial(const OptionContext& context) {
  if (context.no_defaults) return std::nullopt;
  const Options& options = context.options;
  const bool terminal_is_taken = options.display == DisplayKind::kCurses ||
                                 (options.prompt && options.prompt->kind == PromptTarget::Kind::kStdio);
  if (terminal_is_taken || (options.display == DisplayKind::kNone && !context.nographic))
    return SerialTarget{.kind = SerialKind::kNull};
  return SerialTarget{.kind = SerialKind::kStdio, .escape_keys = !context.no_monitor};
}

void settle_serial(OptionContext& context) {
  auto& first = context.options.serial;
  if (context.serials_given == 0) first = default_serial(context);
  if (!context.nographic || context.no_monitor) return;
  for (auto* serial : {&first, &context.options.serial2}) {
    if (is_stdio(*serial)) (*serial)->escape_keys = true;
  }
}

// As QEMU has it; a kernel that is started directly finds nothing that has set a mode.
void settle_vga(OptionContext& context) {
  Options& options = context.options;
  options.vga = context.vga.value_or(options.kernel.empty() && !context.no_defaults);
}

void settle_display(OptionContext& context) {
  Options& options = context.options;
  const bool other = context.nographic || options.vnc || context.serials_given > 0 || options.prompt;
  if (options.display == DisplayKind::kDefault && (other || !options.vga))
    options.display = DisplayKind::kNone;
}

void settle_drives(OptionContext& context) {
  const auto settle = [&](auto& drives) {
    for (auto& drive : drives) {
      if (drive && context.snapshot && !drive->read_only) drive->snapshot = true;
    }
  };
  settle(context.options.drives);
  settle(context.options.floppies);
}

void settle_bios(Options& options) {
  if (options.kernel.empty()) return;
  for (const auto& [name, given] :
       {std::pair{"-bios", !options.bios.empty()}, std::pair{"-boot", options.boot != BootOptions{}},
        std::pair{"-option-rom", !options.option_roms.empty()}}) {
    if (given) options.notes.push_back(concat(name, " is ignored: the kernel is started without a BIOS"));
  }
}

bool has_serial_on_terminal(const Options& options) {
  return is_stdio(options.serial) || is_stdio(options.serial2);
}

bool has_prompt_on_terminal(const Options& options) {
  return options.prompt && options.prompt->kind == PromptTarget::Kind::kStdio;
}

std::string check_together(const Options& options) {
  if (options.display == DisplayKind::kCurses &&
      (has_serial_on_terminal(options) || has_prompt_on_terminal(options)))
    return "-display curses has the terminal: the serial port and the monitor prompt need another place";
  if (has_prompt_on_terminal(options) && has_serial_on_terminal(options))
    return "-monitor stdio and -serial stdio both want the terminal; -serial mon:stdio shares it";
  if (is_stdio(options.serial) && is_stdio(options.serial2))
    return "-serial stdio: it is the other port's already";
  if (!options.kernel.empty()) return {};
  if (!options.append.empty()) return "-append needs -kernel";
  if (!options.initrd.empty()) return "-initrd needs -kernel";
  return {};
}

}  // namespace

std::variant<Options, std::string> parse_options(std::span<const char* const> arguments,
                                                 const CpuNames& cpu) {
  Options options;
  if (!arguments.empty() && std::string_view(arguments[0]) == "doctor") {
    if (arguments.size() > 1) return concat("doctor takes no arguments: '", arguments[1], "'");
    options.action = Action::kExamineHost;
    return options;
  }
  OptionContext context{.options = options, .cpu = cpu};
  if (auto error = read_arguments(arguments, context); !error.empty()) return error;
  if (options.action != Action::kRunMachine) return options;
  settle_serial(context);
  settle_vga(context);
  settle_display(context);
  settle_drives(context);
  settle_bios(options);
  if (auto error = check_together(options); !error.empty()) return error;
  return options;
}

}  // namespace ringdown

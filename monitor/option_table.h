#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "monitor/options.h"

namespace ringdown {

// What the parser knows while it reads.
struct OptionContext {
  Options& options;
  const CpuNames& cpu;
  bool nographic = false;
  bool no_defaults = false;
  bool no_monitor = false;
  unsigned serials_given = 0;
  bool snapshot = false;  // of every drive
  std::optional<bool> vga = {};
};

// An option that is built. This table drives the parser and --help; the man page and the completion are
// checked against it.
struct OptionRow {
  std::string_view group;     // heading in --help; rows of a group are neighbours
  std::string_view name;      // without dashes
  std::string_view argument;  // how --help calls it; empty: takes none
  std::string_view help;
  // Takes over the value. Returns what is wrong, to be put behind "-name VALUE: ", or an empty string.
  std::string (*apply)(std::string_view value, OptionContext& context);
};
std::span<const OptionRow> option_table();

// Options of QEMU that this program knows but cannot do.
std::span<const std::string_view> unbuilt_options();

}  // namespace ringdown

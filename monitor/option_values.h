#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "monitor/options.h"

namespace ringdown {

// The values of options, one function for each syntax. All are pure.

// What is wrong with a value, to be put behind "-option VALUE: ".
struct BadValue {
  std::string reason;
};
template <typename T>
using Value = std::variant<T, BadValue>;

// QEMU's sizes: a number, a fraction allowed, and one of the suffixes B K M G T P E in either case; `unit` is
// meant without one. Nothing if it is not that, or does not fit.
std::optional<uint64_t> parse_size(std::string_view text, uint64_t unit);

// Decimal, or hexadecimal behind 0x.
std::optional<uint64_t> parse_number(std::string_view text);

// The parts between commas, at least one, where two commas are one that separates nothing.
std::vector<std::string> split_escaped(std::string_view text);

// The parts between commas; at least one.
std::vector<std::string_view> split(std::string_view text, char separator = ',');

// "key=value"; without '=' the whole is the key and there is no value.
struct Property {
  std::string_view key;
  std::optional<std::string_view> value;
};
Property parse_property(std::string_view text);

// The value of a property that is "on" or "off". What is wrong with it, if anything.
std::string set_on_off(std::string_view key, std::string_view value, bool& into);

Value<uint64_t> parse_memory(std::string_view text);
// The value of -drive, and the place that it names.
struct PlacedDrive {
  DriveOptions drive;
  bool floppy = false;
  std::optional<unsigned> index;
};
Value<PlacedDrive> parse_drive(std::string_view text);
Value<SerialTarget> parse_serial(std::string_view text);   // all but "none"
Value<PromptTarget> parse_monitor(std::string_view text);  // all but "none"
Value<VncTarget> parse_vnc(std::string_view text);         // all but "none"
Value<DebugExitOptions> parse_debug_exit(std::string_view properties);
Value<RtcStart> parse_rtc(std::string_view text);
Value<BootOptions> parse_boot(std::string_view text);
Value<LogClasses> parse_log_classes(std::string_view text);
// Returns the specification with the names as `names` spells them.
Value<std::string> parse_cpu(std::string_view text, const CpuNames& names);

}  // namespace ringdown

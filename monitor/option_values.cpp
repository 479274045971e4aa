#include "monitor/option_values.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>

#include "monitor/text.h"

namespace ringdown {
namespace {

// Reads all of `text` as a number in `base`.
template <typename T>
std::optional<T> whole_number(std::string_view text, int base = 10) {
  T value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> unit_of(char suffix) {
  static constexpr std::string_view kSuffixes = "BKMGTPE";
  const auto index = kSuffixes.find(static_cast<char>(std::toupper(static_cast<unsigned char>(suffix))));
  if (index == std::string_view::npos) return std::nullopt;
  return uint64_t{1} << (10 * index);
}

// "2006-06-17" or "2006-06-17T16:01:21".
std::optional<int64_t> parse_date(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() != kShape.size() && text.size() != 10) return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
    if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) return std::nullopt;
  }
  const auto field = [&](size_t at, size_t length) {
    return whole_number<int>(text.substr(at, length)).value();
  };
  const std::chrono::year_month_day day{std::chrono::year(field(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(field(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(field(8, 2)))};
  if (!day.ok()) return std::nullopt;
  int64_t seconds = int64_t{std::chrono::sys_days(day).time_since_epoch().count()} * 86400;
  if (text.size() == 10) return seconds;
  const int hour = field(11, 2), minute = field(14, 2), second = field(17, 2);
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return seconds + hour * 3600 + minute * 60 + second;
}

// QEMU spells some features in several ways: sse4.1, sse4_1, sse4-1.
std::string canonical(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    c = c == '_' || c == '.' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

std::optional<std::string_view> find_name(std::span<const std::string_view> names, std::string_view name) {
  const std::string wanted = canonical(name);
  for (const auto candidate : names) {
    if (canonical(candidate) == wanted) return candidate;
  }
  return std::nullopt;
}

struct FeatureChange {
  std::string_view name;
  bool on;
};

std::optional<FeatureChange> parse_feature(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) return FeatureChange{text.substr(1), text[0] == '+'};
  const Property property = parse_property(text);
  if (property.value == "on") return FeatureChange{property.key, true};
  if (property.value == "off") return FeatureChange{property.key, false};
  return std::nullopt;
}

std::string apply_debug_exit(const Property& property, DebugExitOptions& device) {
  if (property.key == "id" && property.value) return {};
  const auto number = parse_number(property.value.value_or(""));
  if (property.key == "iobase") {
    if (!number || *number > 0xFFFF) return "iobase must be a port, 0x0 to 0xffff";
    device.iobase = static_cast<uint16_t>(*number);
    return {};
  }
  if (property.key == "iosize") {
    if (!number || *number == 0 || *number > 0x10000) return "iosize must be a number of ports, 1 to 0x10000";
    device.iosize = static_cast<uint32_t>(*number);
    return {};
  }
  return concat("isa-debug-exit has no property '", property.key, "'; see ringdown -device help");
}

std::string apply_boot_order(std::string_view letters, std::string& order) {
  for (size_t i = 0; i < letters.size(); ++i) {
    const char letter = letters[i];
    if (letter >= 'n' && letter <= 'p') return "to boot from a network (n) is not built yet";
    if (letter != 'a' && letter != 'c' && letter != 'd') return "drives are a, c and d";
    if (letters.find(letter) != i) return concat("'", letters.substr(i, 1), "' is there twice");
  }
  order = letters;
  return letters.empty() ? "drives are a, c and d" : "";
}

std::string apply_boot(const Property& property, BootOptions& boot) {
  constexpr uint64_t kLongest = 0xFFFF;
  const auto value = property.value.value_or("");
  if (!property.value) return apply_boot_order(property.key, boot.order);
  if (property.key == "order") return apply_boot_order(value, boot.order);
  if (property.key == "once") return apply_boot_order(value, boot.once);
  const auto number = parse_number(value);
  const bool fits = number && *number <= kLongest;
  if (property.key == "menu") {
    boot.menu = value == "on";
    return value == "on" || value == "off" ? "" : "menu must be on or off";
  }
  if (property.key == "splash-time") {
    if (fits) boot.splash_time = static_cast<uint16_t>(*number);
    return fits ? "" : "splash-time must be a number of milliseconds, 0 to 65535";
  }
  if (property.key == "reboot-timeout") {
    if (fits) boot.reboot_timeout = static_cast<uint32_t>(*number);
    if (value == "-1") boot.reboot_timeout = ~0u;
    return fits || value == "-1" ? "" : "reboot-timeout must be a number of milliseconds, 0 to 65535, or -1";
  }
  if (property.key == "strict") return "";  // of boot indices, which there are not
  return concat("'", property.key, "' is not built yet");
}

std::string apply_rtc(const Property& property, RtcStart& rtc) {
  const auto value = property.value.value_or("");
  if (property.key == "clock") return value == "host" ? "" : "only clock=host is built yet";
  if (property.key == "driftfix") return value == "none" ? "" : "only driftfix=none is built yet";
  if (property.key != "base") return concat("unknown property '", property.key, "'");
  if (value == "utc") {
    rtc = {.base = RtcStart::Base::kUtc};
  } else if (value == "localtime") {
    rtc = {.base = RtcStart::Base::kLocalTime};
  } else if (const auto date = parse_date(value)) {
    rtc = {.base = RtcStart::Base::kDate, .date = *date};
  } else {
    return "base must be utc, localtime or a date such as 2006-06-17T16:01:21";
  }
  return {};
}

struct ReadDrive {
  PlacedDrive placed = {};
  std::optional<bool> read_only = {};
};

std::string apply_drive_index(std::string_view value, std::optional<unsigned>& index) {
  const auto number = parse_number(value);
  if (!number || *number >= kDrives) return "index must be a drive, 0 to 3";
  index = static_cast<unsigned>(*number);
  return {};
}

std::string apply_drive_interface(std::string_view value, bool& floppy) {
  floppy = value == "floppy";
  if (floppy || value == "ide") return {};
  return concat("interface '", value, "' is not built yet; only 'ide' and 'floppy' are");
}

std::string set_aio(std::string_view value, Aio& aio) {
  if (value != "io_uring" && value != "threads") return "aio must be io_uring or threads";
  aio = value == "threads" ? Aio::kThreads : Aio::kIoUring;
  return {};
}

std::string apply_drive(const Property& property, ReadDrive& read) {
  DriveOptions& drive = read.placed.drive;
  const std::string_view key = property.key, value = property.value.value_or("");
  if (key == "file") {
    drive.file = value;
    return value.empty() ? "the name of the file is missing" : "";
  }
  if (key == "format")
    return value == "raw" ? "" : concat("format '", value, "' is not built yet; only 'raw' is");
  if (key == "if") return apply_drive_interface(value, read.placed.floppy);
  if (key == "index") return apply_drive_index(value, read.placed.index);
  if (key == "media") {
    drive.cdrom = value == "cdrom";
    return value == "disk" || value == "cdrom" ? "" : "media must be disk or cdrom";
  }
  if (key == "readonly" || key == "read-only") return set_on_off(key, value, read.read_only.emplace());
  if (key == "aio") return set_aio(value, drive.aio);
  if (key == "snapshot") return set_on_off(key, value, drive.snapshot);
  if (key == "id") return "";  // nothing refers to it
  return concat("'", key, "' is not built yet");
}

std::string check_drive(ReadDrive& read) {
  DriveOptions& drive = read.placed.drive;
  if (read.placed.floppy && drive.cdrom) return "a floppy drive takes no CD-ROM";
  if (read.placed.floppy && read.placed.index.value_or(0) >= kFloppies)
    return "index must be a floppy drive, 0 or 1";
  if (drive.file.empty() && !drive.cdrom && !read.placed.floppy)
    return "the name of the file is missing: file=FILE";
  if (drive.cdrom && read.read_only == false) return "a CD-ROM is read only: readonly=off cannot be";
  drive.read_only = drive.cdrom || read.read_only.value_or(false);
  return {};
}

constexpr std::array<std::string_view, 14> kLogClassesOfQemu{
    "op",   "op_opt",  "op_ind", "cpu",    "fpu", "mmu", "pcall",
    "page", "nochain", "plugin", "strace", "tid", "vpu", "trace"};

constexpr std::array<std::string_view, 9> kUnbuiltSerials{"vc",   "tcp",     "telnet",  "udp",    "unix",
                                                          "pipe", "msmouse", "braille", "chardev"};

}  // namespace

std::string set_on_off(std::string_view key, std::string_view value, bool& into) {
  into = value == "on";
  return value == "on" || value == "off" ? "" : concat(key, " must be on or off");
}

std::optional<uint64_t> parse_number(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) return whole_number<uint64_t>(text.substr(2), 16);
  return whole_number<uint64_t>(text);
}

std::optional<uint64_t> parse_size(std::string_view text, uint64_t unit) {
  if (!text.empty() && std::isalpha(static_cast<unsigned char>(text.back()))) {
    const auto suffix = unit_of(text.back());
    if (!suffix) return std::nullopt;
    unit = *suffix;
    text.remove_suffix(1);
  }
  const auto dot = text.find('.');
  const auto whole = whole_number<uint64_t>(text.substr(0, dot));
  if (!whole || *whole > ~uint64_t{0} / unit) return std::nullopt;
  if (dot == std::string_view::npos) return *whole * unit;
  const auto digits = text.substr(dot + 1);
  const auto fraction = whole_number<uint64_t>(digits);
  if (!fraction || digits.size() > 9) return std::nullopt;
  const double part = static_cast<double>(*fraction) / std::pow(10.0, static_cast<double>(digits.size()));
  return *whole * unit + static_cast<uint64_t>(part * static_cast<double>(unit));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string> split_escaped(std::string_view text) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',')
      parts.back() += text[i];
    else if (text.substr(i + 1).starts_with(','))
      parts.back() += text[i++];
    else
      parts.emplace_back();
  }
  return parts;
}

Property parse_property(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Value<uint64_t> parse_memory(std::string_view text) {
  const auto parts = split(text);
  for (const auto part : std::span(parts).subspan(1)) {
    const auto key = parse_property(part).key;
    if (key == "slots" || key == "maxmem")
      return BadValue{"memory that can be plugged in later is not built yet"};
    return BadValue{concat("unknown property '", key, "'")};
  }
  const std::string_view size = parts[0].starts_with("size=") ? parts[0].substr(5) : parts[0];
  const auto bytes = parse_size(size, kMiB);
  if (!bytes) return BadValue{"not a size; give a number of MiB, or one with a suffix K, M or G"};
  if (*bytes < kMinMemory || *bytes > kMaxMemory) return BadValue{"guest memory must be from 8M to 3G"};
  constexpr uint64_t kPage = 4096;
  return (*bytes + kPage - 1) / kPage * kPage;
}

Value<PlacedDrive> parse_drive(std::string_view text) {
  ReadDrive read;
  for (const std::string& part : split_escaped(text)) {
    if (auto error = apply_drive(parse_property(part), read); !error.empty()) return BadValue{error};
  }
  if (auto error = check_drive(read); !error.empty()) return BadValue{error};
  return read.placed;
}

Value<SerialTarget> parse_serial(std::string_view text) {
  if (text == "stdio") return SerialTarget{.kind = SerialKind::kStdio};
  if (text == "mon:stdio") return SerialTarget{.kind = SerialKind::kStdio, .escape_keys = true};
  if (text == "pty") return SerialTarget{.kind = SerialKind::kPty};
  if (text == "null") return SerialTarget{.kind = SerialKind::kNull};
  if (text.starts_with("file:")) {
    if (text.size() == 5) return BadValue{"the name of the file is missing"};
    return SerialTarget{.kind = SerialKind::kFile, .path = std::string(text.substr(5))};
  }
  const auto kind = split(text, ':')[0];
  const bool known = std::ranges::find(kUnbuiltSerials, kind) != kUnbuiltSerials.end();
  if (known || kind == "mon" || text.starts_with("/dev/"))
    return BadValue{"this kind of serial port is not built yet"};
  return BadValue{"must be stdio, mon:stdio, file:PATH, pty, null or none"};
}

Value<PromptTarget> parse_monitor(std::string_view text) {
  if (text == "stdio") return PromptTarget{.kind = PromptTarget::Kind::kStdio};
  const auto parts = split(text);
  if (!parts[0].starts_with("unix:")) return BadValue{"must be stdio, unix:PATH or none"};
  const auto path = parts[0].substr(5);
  if (path.empty()) return BadValue{"the name of the socket is missing"};
  for (const auto part : std::span(parts).subspan(1)) {
    constexpr std::string_view kSo[] = {"server", "server=on", "nowait", "wait=off"};
    if (std::ranges::find(kSo, part) == std::end(kSo))
      return BadValue{concat("'", part, "' is not built yet: the socket serves, and waits for nobody")};
  }
  return PromptTarget{.kind = PromptTarget::Kind::kUnix, .path = std::string(path)};
}

namespace {

constexpr uint16_t kVncPorts = 5900, kWebsocketPorts = 5700;  // of display 0

std::string set_vnc_property(std::string_view text, uint64_t display, VncTarget& target) {
  const Property property = parse_property(text);
  if (property.key != "websocket") return concat("'", property.key, "' is not built yet");
  if (property.value == "off") return {};
  const bool by_display = !property.value || property.value == "on";
  const auto port = by_display ? std::optional(kWebsocketPorts + display) : parse_number(*property.value);
  if (!port || *port == 0 || *port > 0xFFFF) return "websocket: not a port";
  target.websocket_port = static_cast<uint16_t>(*port);
  return {};
}

}  // namespace

Value<VncTarget> parse_vnc(std::string_view text) {
  const auto parts = split(text);
  const auto colon = parts[0].rfind(':');
  if (colon == std::string_view::npos) return BadValue{"must be HOST:DISPLAY or none"};
  if (parts[0].starts_with("unix:")) return BadValue{"a Unix socket is not built yet"};
  const auto display = parse_number(parts[0].substr(colon + 1));
  if (!display || *display > 0xFFFFu - kVncPorts) return BadValue{"not a number of a display, 0 to 59635"};
  auto host = parts[0].substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  VncTarget target{.host = std::string(host), .port = static_cast<uint16_t>(kVncPorts + *display)};
  for (const auto part : std::span(parts).subspan(1)) {
    if (auto error = set_vnc_property(part, *display, target); !error.empty()) return BadValue{error};
  }
  return target;
}

Value<DebugExitOptions> parse_debug_exit(std::string_view properties) {
  DebugExitOptions device;
  for (const auto part : split(properties)) {
    if (part.empty()) continue;
    if (auto error = apply_debug_exit(parse_property(part), device); !error.empty()) return BadValue{error};
  }
  if (device.iobase + device.iosize > 0x10000) return BadValue{"iobase and iosize reach beyond port 0xffff"};
  return device;
}

Value<RtcStart> parse_rtc(std::string_view text) {
  RtcStart rtc;
  for (const auto part : split(text)) {
    if (auto error = apply_rtc(parse_property(part), rtc); !error.empty()) return BadValue{error};
  }
  return rtc;
}

Value<BootOptions> parse_boot(std::string_view text) {
  BootOptions boot;
  for (const auto part : split(text)) {
    if (auto error = apply_boot(parse_property(part), boot); !error.empty()) return BadValue{error};
  }
  return boot;
}

Value<LogClasses> parse_log_classes(std::string_view text) {
  LogClasses classes = 0;
  for (const auto name : split(text)) {
    const auto row = std::ranges::find(log_class_table(), name, &LogClassRow::name);
    if (row != log_class_table().end()) {
      classes |= log_bit(row->log_class);
    } else if (name == "all") {
      for (const auto& every : log_class_table()) classes |= log_bit(every.log_class);
    } else if (std::ranges::find(kLogClassesOfQemu, split(name, ':')[0]) != kLogClassesOfQemu.end()) {
      return BadValue{concat("'", name, "' is not built yet; see ringdown -d help")};
    } else {
      return BadValue{concat("unknown class '", name, "'; see ringdown -d help")};
    }
  }
  return classes;
}

Value<std::string> parse_cpu(std::string_view text, const CpuNames& names) {
  const auto parts = split(text);
  const auto model = find_name(names.models, parts[0]);
  if (!model) return BadValue{concat("unknown CPU model '", parts[0], "'; see ringdown -cpu help")};
  std::string specification(*model);
  for (const auto part : std::span(parts).subspan(1)) {
    const auto change = parse_feature(part);
    if (!change)
      return BadValue{concat("'", part, "' must be +FEATURE, -FEATURE, FEATURE=on or FEATURE=off")};
    const auto feature = find_name(names.features, change->name);
    if (!feature) return BadValue{concat("unknown CPU feature '", change->name, "'; see ringdown -cpu help")};
    specification.append(change->on ? ",+" : ",-").append(*feature);
  }
  return specification;
}

}  // namespace ringdown

#include "monitor/option_table.h"

#include <algorithm>
#include <array>

#include "monitor/option_values.h"
#include "monitor/text.h"

namespace ringdown {
namespace {

constexpr unsigned kCdromDrive = 2;  // secondary master, as QEMU has it

// Takes the value over, or returns the error.
template <typename T, typename U>
std::string store(Value<T> value, U& into) {
  if (auto* bad = std::get_if<BadValue>(&value)) return bad->reason;
  into = std::move(std::get<0>(value));
  return {};
}

std::string set_kernel(std::string_view v, OptionContext& c) {
  c.options.kernel = v;
  return v.empty() ? "the name of the file is missing" : "";
}
std::string set_bios(std::string_view v, OptionContext& c) {
  c.options.bios = v;
  return v.empty() ? "the name of the file is missing" : "";
}
std::string add_option_rom(std::string_view v, OptionContext& c) {
  const auto parts = split(v);
  if (parts.size() > 1) return concat("'", parts[1], "' is not built yet");
  const Property property = parse_property(parts[0]);
  const auto file = property.key == "file" && property.value ? *property.value : parts[0];
  c.options.option_roms.emplace_back(file);
  return file.empty() ? "the name of the file is missing" : "";
}
std::string set_boot(std::string_view v, OptionContext& c) { return store(parse_boot(v), c.options.boot); }
std::string set_initrd(std::string_view v, OptionContext& c) {
  c.options.initrd = v;
  return v.empty() ? "the name of the file is missing" : "";
}
std::string set_append(std::string_view v, OptionContext& c) {
  c.options.append = v;
  return {};
}
std::string set_memory(std::string_view v, OptionContext& c) {
  return store(parse_memory(v), c.options.memory);
}

std::string set_cpu(std::string_view v, OptionContext& c) {
  if (v == "help" || v == "?") {
    c.options.action = Action::kListCpus;
    return {};
  }
  return store(parse_cpu(v, c.cpu), c.options.cpu);
}

std::string set_smp(std::string_view v, OptionContext&) {
  for (const auto part : split(v)) {
    const Property property = parse_property(part);
    const auto number = parse_number(property.value.value_or(property.key));
    if (!number || *number == 0) return "not a number of processors";
    if (*number != 1) return "more than one processor is not built yet";
  }
  return {};
}

// Accelerators of QEMU that need the hardware's help; "kvm:tcg" allows another.
std::string set_accelerator(std::string_view v, OptionContext& c) {
  const auto name = split(v)[0];
  for (const auto choice : split(name, ':')) {
    if (choice != "tcg" && choice != "qtest") continue;
    c.options.notes.push_back(concat("accelerator '", name, "' is ignored: ringdown translates by itself"));
    return {};
  }
  return "ringdown uses no hardware virtualization and has no other accelerator";
}

std::string set_machine_property(const Property& property, OptionContext& c) {
  const auto value = property.value.value_or("");
  if (property.key == "accel") return set_accelerator(value, c);
  if (property.key == "acpi") return set_on_off(property.key, value, c.options.acpi);
  if (property.key == "hpet") return set_on_off(property.key, value, c.options.hpet);
  if (value == "off") return {};
  return concat("'", property.key, "=", value, "' is not built yet");
}

std::string set_machine(std::string_view v, OptionContext& c) {
  if (v == "help" || v == "?") {
    c.options.action = Action::kListMachines;
    return {};
  }
  for (const auto part : split(v)) {
    Property property = parse_property(part);
    if (property.key == "type" && property.value) property = {*property.value, std::nullopt};
    if (property.value) {
      if (auto error = set_machine_property(property, c); !error.empty()) return error;
    } else if (property.key == "pc" || property.key == "isapc" || property.key.starts_with("pc-i440fx-")) {
      c.options.pci = property.key != "isapc";
    } else {
      return "no such machine; see ringdown -machine help";
    }
  }
  return {};
}

std::string set_no_hpet(std::string_view, OptionContext& c) {
  c.options.hpet = false;
  return {};
}

std::string set_accel(std::string_view v, OptionContext& c) { return set_accelerator(v, c); }
std::string refuse_kvm(std::string_view, OptionContext&) {
  return "ringdown uses no hardware virtualization; leave this option out";
}

std::string set_rtc(std::string_view v, OptionContext& c) { return store(parse_rtc(v), c.options.rtc); }

std::string set_name(std::string_view v, OptionContext& c) {
  const Property property = parse_property(split(v)[0]);
  c.options.name = property.key == "guest" && property.value ? *property.value : property.key;
  return {};
}

std::string add_device(std::string_view v, OptionContext& c) {
  const auto comma = v.find(',');
  const auto device = v.substr(0, comma);
  const auto properties = comma == std::string_view::npos ? std::string_view{} : v.substr(comma + 1);
  if (device == "help" || device == "?" || properties == "help") {
    c.options.action = Action::kListDevices;
    return {};
  }
  if (device != "isa-debug-exit") return "no such device; see ringdown -device help";
  if (c.options.debug_exit) return "there is one isa-debug-exit already";
  return store(parse_debug_exit(properties), c.options.debug_exit);
}

std::string place_drive(DriveOptions drive, unsigned index, OptionContext& c) {
  auto& place = c.options.drives[index];
  if (place) return concat("there is a drive ", std::to_string(index), " already");
  place = std::move(drive);
  return {};
}
std::string place_floppy(DriveOptions drive, unsigned index, OptionContext& c) {
  auto& place = c.options.floppies[index];
  if (place) return concat("there is a floppy drive ", std::to_string(index), " already");
  place = std::move(drive);
  return {};
}
template <unsigned index>
std::string set_floppy(std::string_view v, OptionContext& c) {
  if (v.empty()) return "the name of the file is missing";
  return place_floppy({.file = std::string(v)}, index, c);
}
std::string set_no_floppy_check(std::string_view, OptionContext& c) {
  c.options.check_floppy_signature = false;
  return {};
}
template <unsigned index>
std::string set_disk(std::string_view v, OptionContext& c) {
  if (v.empty()) return "the name of the file is missing";
  return place_drive({.file = std::string(v)}, index, c);
}
std::string set_cdrom(std::string_view v, OptionContext& c) {
  if (v.empty()) return "the name of the file is missing";
  return place_drive({.file = std::string(v), .cdrom = true, .read_only = true}, kCdromDrive, c);
}
// The first place that is free; how many there are if none is.
template <size_t count>
unsigned free_place(const std::array<std::optional<DriveOptions>, count>& drives) {
  const auto free = std::ranges::find_if(drives, [](const auto& drive) { return !drive; });
  return static_cast<unsigned>(free - drives.begin());
}
std::string add_drive(std::string_view v, OptionContext& c) {
  PlacedDrive placed;
  if (auto error = store(parse_drive(v), placed); !error.empty()) return error;
  if (placed.floppy) {
    const unsigned free = free_place(c.options.floppies);
    if (!placed.index && free == kFloppies) return "there are two floppy drives already";
    return place_floppy(std::move(placed.drive), placed.index.value_or(free), c);
  }
  const unsigned free = free_place(c.options.drives);
  if (!placed.index && free == kDrives) return "there are four drives already";
  return place_drive(std::move(placed.drive), placed.index.value_or(free), c);
}
std::string set_snapshot(std::string_view, OptionContext& c) {
  c.snapshot = true;
  return {};
}

std::string require_none(std::string_view v, const char* what) {
  return v == "none" ? "" : concat(what, " is not built yet; only 'none' is");
}
std::string set_vga(std::string_view v, OptionContext& c) {
  c.vga = v == "std";
  return v == "std" || v == "none" ? "" : "this graphics card is not built yet; only 'std' and 'none' are";
}
std::string set_network(std::string_view v, OptionContext&) { return require_none(v, "a network card"); }
std::string set_parallel(std::string_view v, OptionContext&) { return require_none(v, "a parallel port"); }
std::string set_monitor(std::string_view v, OptionContext& c) {
  c.no_monitor = true;  // not by the C-a keys
  c.options.prompt.reset();
  return v == "none" ? "" : store(parse_monitor(v), c.options.prompt);
}
std::string set_vnc(std::string_view v, OptionContext& c) {
  c.options.vnc.reset();
  return v == "none" ? "" : store(parse_vnc(v), c.options.vnc);
}

std::string set_display(std::string_view v, OptionContext& c) {
  if (v.starts_with("vnc=")) return set_vnc(v.substr(4), c);
  constexpr std::pair<std::string_view, DisplayKind> kKinds[] = {
      {"none", DisplayKind::kNone}, {"sdl", DisplayKind::kSdl}, {"curses", DisplayKind::kCurses}};
  for (const auto& [name, kind] : kKinds) {
    if (v != name) continue;
    c.options.display = kind;
    return {};
  }
  if (v.starts_with("sdl,") || v.starts_with("curses,")) return "its properties are not built yet";
  return concat("'", split(v)[0], "' is not built yet; sdl, curses, vnc=HOST:N and none are");
}
std::string set_sdl(std::string_view, OptionContext& c) { return set_display("sdl", c); }
std::string set_curses(std::string_view, OptionContext& c) { return set_display("curses", c); }

std::string set_serial(std::string_view v, OptionContext& c) {
  if (c.serials_given == 2) return "a third serial port is not built yet";
  auto& serial = c.serials_given++ == 0 ? c.options.serial : c.options.serial2;
  return v == "none" ? "" : store(parse_serial(v), serial);
}

std::string set_nographic(std::string_view, OptionContext& c) {
  c.nographic = true;
  return {};
}
std::string set_no_defaults(std::string_view, OptionContext& c) {
  c.no_defaults = true;
  return {};
}
std::string set_no_reboot(std::string_view, OptionContext& c) {
  c.options.no_reboot = true;
  return {};
}
std::string set_no_shutdown(std::string_view, OptionContext& c) {
  c.options.no_shutdown = true;
  return {};
}
std::string set_start_stopped(std::string_view, OptionContext& c) {
  c.options.start_stopped = true;
  return {};
}
std::string set_no_acpi(std::string_view, OptionContext& c) {
  c.options.acpi = false;
  return {};
}
std::string do_nothing(std::string_view, OptionContext&) { return {}; }

std::string set_user(std::string_view v, OptionContext& c) {
  constexpr std::pair<std::string_view, UserCode> kModes[] = {{"translated", UserCode::kTranslated},
                                                              {"native", UserCode::kNative},
                                                              {"auto", UserCode::kAuto},
                                                              {"restless", UserCode::kRestless}};
  for (const auto& [name, mode] : kModes) {
    if (v != name) continue;
    c.options.user_code = mode;
    return {};
  }
  return "must be translated, native, auto or restless";
}

std::string set_log_classes(std::string_view v, OptionContext& c) {
  if (v == "help" || v == "?") {
    c.options.action = Action::kListLogClasses;
    return {};
  }
  return store(parse_log_classes(v), c.options.log_classes);
}
std::string set_log_file(std::string_view v, OptionContext& c) {
  c.options.log_file = v;
  return v.empty() ? "the name of the file is missing" : "";
}
std::string set_stats_file(std::string_view v, OptionContext& c) {
  c.options.stats_file = v;
  return v.empty() ? "the name of the file is missing" : "";
}

std::string show_help(std::string_view, OptionContext& c) {
  c.options.action = Action::kShowHelp;
  return {};
}
std::string show_version(std::string_view, OptionContext& c) {
  c.options.action = Action::kShowVersion;
  return {};
}

constexpr auto kOptions = std::to_array<OptionRow>({
    {"Guest", "kernel", "FILE", "start this kernel: Linux bzImage, or a multiboot image", set_kernel},
    {"Guest", "bios", "FILE", "without -kernel: start this BIOS; default Debian's SeaBIOS", set_bios},
    {"Guest", "option-rom", "FILE", "with a BIOS: an option ROM for it to start; may be given more than once",
     add_option_rom},
    {"Guest", "boot", "[order=]acd",
     "with a BIOS: drives to try; once=, menu=on, splash-time=MS, reboot-timeout=MS", set_boot},
    {"Guest", "initrd", "FILE", "initial RAM disk; for multiboot, modules: FILE ARGUMENTS,FILE ...",
     set_initrd},
    {"Guest", "append", "STRING", "the kernel's command line", set_append},
    {"Guest", "m", "SIZE", "guest memory in MiB, or with suffix K, M, G: 8M to 3G; default 128M", set_memory},
    {"Guest", "cpu", "MODEL[,+F][,-F]", "processor model and features to add or take; -cpu help lists",
     set_cpu},
    {"Guest", "smp", "1", "number of processors", set_smp},
    {"Guest", "machine", "pc|isapc[,P=off]", "kind of machine; -machine help lists", set_machine},
    {"Guest", "M", "pc|isapc", "the same as -machine", set_machine},
    {"Guest", "accel", "tcg", "ignored, for scripts: ringdown translates by itself", set_accel},
    {"Guest", "enable-kvm", "", "refused: ringdown uses no hardware virtualization", refuse_kvm},
    {"Guest", "rtc", "base=BASE", "clock at the start: utc, localtime or 2006-06-17T16:01:21", set_rtc},
    {"Guest", "name", "NAME", "a name for the guest", set_name},

    {"Disks", "fda", "FILE", "raw image of the diskette in floppy drive A: 160 KB to 2.88 MB", set_floppy<0>},
    {"Disks", "fdb", "FILE", "of that in floppy drive B", set_floppy<1>},
    {"Disks", "hda", "FILE", "raw image of the first hard disk; FILE alone is the same", set_disk<0>},
    {"Disks", "hdb", "FILE", "of the second one: primary slave", set_disk<1>},
    {"Disks", "hdc", "FILE", "of the third one: secondary master, where -cdrom is", set_disk<2>},
    {"Disks", "hdd", "FILE", "of the fourth one: secondary slave", set_disk<3>},
    {"Disks", "cdrom", "FILE", "image of a CD-ROM", set_cdrom},
    {"Disks", "drive", "file=FILE[,P=V]",
     "a drive: if=ide|floppy, index=N, media=cdrom, readonly=on, snapshot=on, aio=threads", add_drive},
    {"Disks", "snapshot", "", "keep what the guest writes to any disk until the end only", set_snapshot},
    {"Disks", "no-fd-bootchk", "", "with a BIOS: boot a floppy disk whatever it begins with",
     set_no_floppy_check},

    {"Devices", "device", "DEVICE[,P=V]", "add a device; -device help lists", add_device},
    {"Devices", "nodefaults", "", "no device that was not asked for: no serial port without -serial",
     set_no_defaults},
    {"Devices", "vga", "std|none", "graphics card: std, which is there with a BIOS, or none", set_vga},
    {"Devices", "net", "none", "no network card", set_network},
    {"Devices", "nic", "none", "no network card", set_network},
    {"Devices", "parallel", "none", "no parallel port", set_parallel},
    {"Devices", "no-acpi", "", "with a BIOS: no ACPI, as -machine acpi=off", set_no_acpi},
    {"Devices", "no-hpet", "", "no HPET: the same as -machine hpet=off", set_no_hpet},
    {"Devices", "no-user-config", "", "ignored, for scripts", do_nothing},

    {"Display", "display", "KIND", "sdl, a window; curses, text on the terminal; vnc=HOST:N; none",
     set_display},
    {"Display", "sdl", "", "the same as -display sdl", set_sdl},
    {"Display", "curses", "", "the same as -display curses", set_curses},
    {"Display", "vnc", "HOST:N",
     "for VNC clients at port 5900 + N, of this host without HOST; ,websocket[=PORT]", set_vnc},

    {"Terminal", "nographic", "", "no display; the serial port and the C-a keys on the terminal",
     set_nographic},
    {"Terminal", "serial", "TARGET",
     "serial port: stdio, mon:stdio, file:PATH, pty, null, none; once more: COM2", set_serial},
    {"Terminal", "monitor", "TARGET",
     "the monitor prompt: stdio, unix:PATH, none; default C-a c on the terminal", set_monitor},

    {"Running", "no-reboot", "", "end when the guest resets the machine", set_no_reboot},
    {"Running", "no-shutdown", "", "stop, but do not end, when the guest powers off", set_no_shutdown},
    {"Running", "S", "", "start stopped: until SIGCONT, or with -monitor until cont", set_start_stopped},
    {"Running", "user", "MODE", "how user code runs: translated, native, auto (the default), or restless",
     set_user},

    {"Debugging", "d", "CLASS[,CLASS]", "log what happens; -d help lists the classes", set_log_classes},
    {"Debugging", "D", "FILE", "write the log there, not to standard error", set_log_file},
    {"Debugging", "stats", "FILE", "at the end write every counter there, as JSON", set_stats_file},

    {"Information", "help", "", "this help", show_help},
    {"Information", "h", "", "this help", show_help},
    {"Information", "version", "", "the version", show_version},
});

}  // namespace

std::span<const OptionRow> option_table() { return kOptions; }

}  // namespace ringdown

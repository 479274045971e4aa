#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "display/vnc_server.h"
#include "host-driver/block_io.h"
#include "host-driver/log.h"
#include "host-driver/serial_target.h"
#include "native/user_code.h"

namespace ringdown {

// What the command line asks for, before anything else.
enum class Action {
  kRunMachine,
  kExamineHost,
  kShowHelp,
  kShowVersion,
  kListCpus,
  kListDevices,
  kListMachines,
  kListLogClasses,
};

// isa-debug-exit: a write to its ports ends the run. Defaults are QEMU's.
struct DebugExitOptions {
  uint16_t iobase = 0x501;
  uint32_t iosize = 2;  // ports, from iobase on; all lie below 0x10000
};

// What the guest's real-time clock shows at the start.
struct RtcStart {
  enum class Base { kUtc, kLocalTime, kDate };
  Base base = Base::kUtc;
  int64_t date = 0;  // of kDate: seconds since 1970-01-01 00:00:00, read as the clock's own time
};

// What the BIOS is told to do when it has started all else.
struct BootOptions {
  // Drives to try before others, a letter each: a floppy disk, c hard disk, d CD-ROM. Empty: as the board has
  // it.
  std::string order = {};
  std::string once = {};  // instead of that at the first start; empty: no difference
  bool menu = false;
  // Milliseconds; none: as the BIOS likes.
  std::optional<uint16_t> splash_time = {};     // that the menu can be asked for
  std::optional<uint32_t> reboot_timeout = {};  // after which it starts again if nothing boots; -1: never
  bool operator==(const BootOptions&) const = default;
};

// A drive and the image in it.
struct DriveOptions {
  std::string file = {};  // empty: nothing is in it; a disk is not without
  bool cdrom = false;
  bool read_only = false;  // as a CD-ROM always is
  bool snapshot = false;
  Aio aio = Aio::kAny;
  bool operator==(const DriveOptions&) const = default;
};
constexpr unsigned kDrives = 4;    // on IDE channels: primary master and slave, then secondary
constexpr unsigned kFloppies = 2;  // A and B

// Where the monitor prompt is, beside the terminal's C-a c.
struct PromptTarget {
  enum class Kind { kStdio, kUnix };
  Kind kind;
  std::string path = {};  // of kUnix
  bool operator==(const PromptTarget&) const = default;
};

// What shows the screen, beside VNC. By default a window, if there is a screen to show, a desktop to show it
// on, and no other display was asked for.
enum class DisplayKind { kDefault, kNone, kSdl, kCurses };

constexpr uint64_t kMiB = 1024 * 1024;
constexpr uint64_t kMinMemory = 8 * kMiB;
constexpr uint64_t kMaxMemory = 3072 * kMiB;

// The command line, checked as far as that goes without looking at the host: no file has been opened.
struct Options {
  Action action = Action::kRunMachine;

  std::string kernel = {};                    // empty: the machine starts at its reset vector, in the BIOS
  std::string bios = {};                      // empty: the default
  std::vector<std::string> option_roms = {};  // files that the BIOS is given
  BootOptions boot = {};
  std::string initrd = {};  // as given; for a multiboot kernel "FILE ARGUMENTS,FILE …"
  std::string append = {};
  uint64_t memory = 128 * kMiB;  // bytes, whole pages, kMinMemory to kMaxMemory
  std::string cpu = {};          // "MODEL,+feature,-feature" with names of CpuNames; empty: the default model
  RtcStart rtc = {};
  bool pci = true;   // with a BIOS; -machine isapc has none
  bool hpet = true;  // where there is an APIC, and on isapc never
  std::string name = {};

  std::optional<DebugExitOptions> debug_exit = {};
  std::array<std::optional<DriveOptions>, kDrives> drives = {};
  bool vga = false;  // a display adapter
  std::array<std::optional<DriveOptions>, kFloppies> floppies = {};
  bool check_floppy_signature = true;        // before the BIOS starts what a floppy disk begins with
  std::optional<SerialTarget> serial = {};   // of COM1; none: there is no such port
  std::optional<SerialTarget> serial2 = {};  // of COM2

  std::optional<PromptTarget> prompt = {};
  std::optional<VncTarget> vnc = {};
  DisplayKind display = DisplayKind::kDefault;

  UserCode user_code = UserCode::kAuto;

  bool no_reboot = false;
  bool no_shutdown = false;
  bool start_stopped = false;
  bool acpi = true;  // with PCI

  LogClasses log_classes = 0;
  std::string log_file = {};    // empty: standard error
  std::string stats_file = {};  // empty: none

  std::vector<std::string> notes = {};  // one line each for the user, on what is ignored
};

inline bool is_stdio(const std::optional<SerialTarget>& serial) {
  return serial && serial->kind == SerialKind::kStdio;
}

// The names that -cpu takes, as cpu/cpu_model.h lists them.
struct CpuNames {
  std::span<const std::string_view> models;
  std::span<const std::string_view> features;
};

// Reads the command line (without the program's name). Pure. The second alternative is one line for the user,
// without "ringdown: "; the exit code is ExitCode::kBadCommandLine.
std::variant<Options, std::string> parse_options(std::span<const char* const> arguments, const CpuNames& cpu);

}  // namespace ringdown

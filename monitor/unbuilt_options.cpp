#include <array>

#include "monitor/option_table.h"

namespace ringdown {
namespace {

constexpr auto kUnbuilt = std::to_array<std::string_view>({
    // Disks and what boots from them
    "blockdev",
    "iscsi",
    "mtdblock",
    "pflash",
    "sd",
    // Network, sound, USB, files
    "audio",
    "audio-help",
    "audiodev",
    "fsdev",
    "netdev",
    "soundhw",
    "tpmdev",
    "usb",
    "usbdevice",
    "virtfs",
    // Displays
    "alt-grab",
    "ctrl-grab",
    "full-screen",
    "g",
    "k",
    "portrait",
    "rotate",
    "show-cursor",
    "spice",
    "win2k-hack",
    // Consoles and debuggers
    "chardev",
    "debugcon",
    "echr",
    "gdb",
    "mon",
    "qmp",
    "qmp-pretty",
    "s",
    // Tables, objects and configuration
    "L",
    "acpitable",
    "action",
    "add-fd",
    "compat",
    "dtb",
    "fw_cfg",
    "global",
    "numa",
    "object",
    "preconfig",
    "readconfig",
    "set",
    "smbios",
    "uuid",
    "watchdog",
    "watchdog-action",
    // The process
    "chroot",
    "daemonize",
    "mem-path",
    "mem-prealloc",
    "msg",
    "overcommit",
    "pidfile",
    "runas",
    "sandbox",
    "seed",
    // State and tracing
    "dfilter",
    "dump-vmstate",
    "icount",
    "incoming",
    "loadvm",
    "only-migratable",
    "plugin",
    "singlestep",
    "trace",
});

}  // namespace

std::span<const std::string_view> unbuilt_options() { return kUnbuilt; }

}  // namespace ringdown

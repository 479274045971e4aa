#include "monitor/options.h"

#include <gtest/gtest.h>

#include <array>

#include "monitor/help.h"
#include "monitor/option_table.h"
#include "monitor/text.h"

namespace ringdown {
namespace {

constexpr std::array<std::string_view, 2> kModels{"ringdown32", "pentium3"};
constexpr std::array<std::string_view, 3> kFeatures{"nx", "sse4.1", "pae"};
constexpr CpuNames kCpu{kModels, kFeatures};

using Arguments = std::vector<const char*>;

Options good(const Arguments& arguments) {
  auto result = parse_options(arguments, kCpu);
  if (const auto* error = std::get_if<std::string>(&result)) ADD_FAILURE() << *error;
  return result.index() == 0 ? std::get<Options>(result) : Options{};
}

// The same with a kernel, which every run needs.
Options run(Arguments arguments) {
  arguments.insert(arguments.begin(), {"-kernel", "vmlinuz"});
  return good(arguments);
}

std::string bad(const Arguments& arguments) {
  auto result = parse_options(arguments, kCpu);
  if (result.index() == 0) ADD_FAILURE() << "accepted: " << (arguments.empty() ? "" : arguments[0]);
  return result.index() == 1 ? std::get<std::string>(result) : "";
}

TEST(Options, ALinuxGuest) {
  const Options o = good({"-kernel", "vmlinuz", "-initrd", "initrd.gz", "-append", "console=ttyS0 quiet",
                          "-m", "256", "-nographic", "-no-reboot"});
  EXPECT_EQ(o.action, Action::kRunMachine);
  EXPECT_EQ(o.kernel, "vmlinuz");
  EXPECT_EQ(o.initrd, "initrd.gz");
  EXPECT_EQ(o.append, "console=ttyS0 quiet");
  EXPECT_EQ(o.memory, 256 * kMiB);
  EXPECT_TRUE(o.no_reboot);
  EXPECT_FALSE(o.no_shutdown);
  EXPECT_EQ(o.serial, (SerialTarget{.kind = SerialKind::kStdio, .escape_keys = true}));
  EXPECT_TRUE(o.notes.empty());
}

TEST(Options, WithoutAKernelABiosIsStarted) {
  EXPECT_EQ(good({}).kernel, "");
  EXPECT_EQ(good({}).bios, "");
  EXPECT_EQ(good({"-bios", "bios.bin"}).bios, "bios.bin");
  EXPECT_TRUE(good({"-bios", "bios.bin"}).notes.empty());
  EXPECT_EQ(run({"-bios", "bios.bin"}).notes,
            std::vector<std::string>{"-bios is ignored: the kernel is started without a BIOS"});
}

TEST(Options, AVgaIsThereWithABios) {
  EXPECT_TRUE(good({}).vga);
  EXPECT_FALSE(good({"-vga", "none"}).vga);
  EXPECT_FALSE(good({"-nodefaults"}).vga);
  EXPECT_TRUE(good({"-nodefaults", "-vga", "std"}).vga);
  EXPECT_FALSE(run({}).vga);  // a kernel
  EXPECT_TRUE(run({"-vga", "std"}).vga);
}

TEST(Options, Boot) {
  EXPECT_EQ(good({}).boot, BootOptions{});
  EXPECT_EQ(good({"-boot", "menu=on,splash-time=1000"}).boot,
            (BootOptions{.menu = true, .splash_time = 1000}));
  EXPECT_EQ(good({"-boot", "menu=off,strict=on,reboot-timeout=0"}).boot, BootOptions{.reboot_timeout = 0});
  EXPECT_EQ(good({"-boot", "reboot-timeout=-1"}).boot, BootOptions{.reboot_timeout = 0xFFFFFFFF});
  EXPECT_EQ(bad({"-boot", "menu=maybe"}), "-boot menu=maybe: menu must be on or off");
  EXPECT_EQ(bad({"-boot", "splash-time=65536"}),
            "-boot splash-time=65536: splash-time must be a number of milliseconds, 0 to 65535");
  EXPECT_EQ(bad({"-boot", "reboot-timeout=-2"}),
            "-boot reboot-timeout=-2: reboot-timeout must be a number of milliseconds, 0 to 65535, or -1");
  EXPECT_EQ(good({"-boot", "dca"}).boot, BootOptions{.order = "dca"});
  EXPECT_EQ(good({"-boot", "order=c,once=a"}).boot, (BootOptions{.order = "c", .once = "a"}));
  EXPECT_EQ(bad({"-boot", "n"}), "-boot n: to boot from a network (n) is not built yet");
  EXPECT_EQ(bad({"-boot", "order=cx"}), "-boot order=cx: drives are a, c and d");
  EXPECT_EQ(bad({"-boot", "once="}), "-boot once=: drives are a, c and d");
  EXPECT_EQ(bad({"-boot", "acda"}), "-boot acda: 'a' is there twice");
  EXPECT_EQ(bad({"-boot", "bootindex=1"}), "-boot bootindex=1: 'bootindex' is not built yet");
  EXPECT_EQ(run({"-boot", "menu=on"}).notes,
            std::vector<std::string>{"-boot is ignored: the kernel is started without a BIOS"});
}

TEST(Options, OptionRoms) {
  const std::vector<std::string> two{"one.rom", "two.rom"};
  EXPECT_EQ(good({"-option-rom", "one.rom", "-option-rom", "file=two.rom"}).option_roms, two);
  EXPECT_EQ(bad({"-option-rom", ""}), "-option-rom : the name of the file is missing");
  EXPECT_EQ(bad({"-option-rom", "x,bootindex=1"}),
            "-option-rom x,bootindex=1: 'bootindex=1' is not built yet");
  EXPECT_EQ(run({"-option-rom", "x"}).notes,
            std::vector<std::string>{"-option-rom is ignored: the kernel is started without a BIOS"});
}

TEST(Options, TwoDashesAreAsGoodAsOne) { EXPECT_EQ(good({"--kernel", "a", "--m", "64"}).memory, 64 * kMiB); }

TEST(Options, TheLastOneCounts) { EXPECT_EQ(run({"-m", "64", "-m", "32"}).memory, 32 * kMiB); }

TEST(Options, MemorySizes) {
  EXPECT_EQ(run({}).memory, 128 * kMiB);
  EXPECT_EQ(run({"-m", "8"}).memory, 8 * kMiB);
  EXPECT_EQ(run({"-m", "3G"}).memory, 3072 * kMiB);
  EXPECT_EQ(run({"-m", "1.5g"}).memory, 1536 * kMiB);
  EXPECT_EQ(run({"-m", "65536K"}).memory, 64 * kMiB);
  EXPECT_EQ(run({"-m", "size=100M"}).memory, 100 * kMiB);
  EXPECT_EQ(run({"-m", "8388609B"}).memory, 8 * kMiB + 4096);
}

TEST(Options, MemoryThatCannotBe) {
  for (const char* size : {"0", "7", "1T", "3073", "8388607B", "99999999999"}) {
    EXPECT_EQ(bad({"-m", size}), concat("-m ", size, ": guest memory must be from 8M to 3G"));
  }
  for (const char* size :
       {"", "lots", "-5", "12Q", "M", "1.5.5G", "0x100", "99999999999999999999", "16E6", "64 "}) {
    EXPECT_EQ(bad({"-m", size}),
              concat("-m ", size, ": not a size; give a number of MiB, or one with a suffix K, M or G"));
  }
  EXPECT_EQ(bad({"-m", "64,slots=2"}), "-m 64,slots=2: memory that can be plugged in later is not built yet");
}

TEST(Options, SerialTargets) {
  EXPECT_EQ(run({"-serial", "stdio"}).serial, (SerialTarget{.kind = SerialKind::kStdio}));
  EXPECT_EQ(run({"-serial", "mon:stdio"}).serial,
            (SerialTarget{.kind = SerialKind::kStdio, .escape_keys = true}));
  EXPECT_EQ(run({"-serial", "file:a b"}).serial, (SerialTarget{.kind = SerialKind::kFile, .path = "a b"}));
  EXPECT_EQ(run({"-serial", "pty"}).serial, (SerialTarget{.kind = SerialKind::kPty}));
  EXPECT_EQ(run({"-serial", "null"}).serial, (SerialTarget{.kind = SerialKind::kNull}));
  EXPECT_EQ(run({"-serial", "none"}).serial, std::nullopt);
}

TEST(Options, TheSecondSerialPort) {
  EXPECT_EQ(run({}).serial2, std::nullopt);
  const Options both = run({"-serial", "null", "-serial", "pty"});
  EXPECT_EQ(both.serial, (SerialTarget{.kind = SerialKind::kNull}));
  EXPECT_EQ(both.serial2, (SerialTarget{.kind = SerialKind::kPty}));
  const Options second = run({"-nographic", "-serial", "none", "-serial", "stdio"});
  EXPECT_EQ(second.serial, std::nullopt);
  EXPECT_TRUE(second.serial2->escape_keys);
}

TEST(Options, SerialPortWithoutSerialOption) {
  EXPECT_EQ(run({}).serial->kind, SerialKind::kStdio);
  EXPECT_EQ(run({"-display", "none"}).serial->kind, SerialKind::kNull);
  EXPECT_EQ(run({"-display", "none", "-nographic"}).serial->kind, SerialKind::kStdio);
  EXPECT_EQ(run({"-nographic", "-nodefaults"}).serial, std::nullopt);
  EXPECT_TRUE(run({"-nographic"}).serial->escape_keys);
  EXPECT_TRUE(run({"-nographic", "-serial", "stdio"}).serial->escape_keys);
  EXPECT_FALSE(run({"-nographic", "-monitor", "none"}).serial->escape_keys);
}

TEST(Options, MonitorPrompts) {
  using Kind = PromptTarget::Kind;
  EXPECT_FALSE(run({}).prompt);
  EXPECT_EQ(run({"-monitor", "unix:a"}).prompt, (PromptTarget{Kind::kUnix, "a"}));
  EXPECT_EQ(run({"-monitor", "unix:a,server=on,wait=off"}).prompt, (PromptTarget{Kind::kUnix, "a"}));
  EXPECT_FALSE(run({"-nographic", "-monitor", "unix:a"}).serial->escape_keys);
  const auto on_terminal = run({"-monitor", "stdio"});
  EXPECT_EQ(on_terminal.prompt, (PromptTarget{Kind::kStdio}));
  EXPECT_EQ(on_terminal.serial->kind, SerialKind::kNull);
  EXPECT_FALSE(run({"-monitor", "stdio", "-monitor", "none"}).prompt);
  EXPECT_NE(bad({"-monitor", "unix:"}).find("missing"), std::string::npos);
  EXPECT_NE(bad({"-monitor", "unix:a,wait=on"}).find("wait=on"), std::string::npos);
  EXPECT_NE(bad({"-monitor", "tcp::1"}).find("tcp::1"), std::string::npos);
  EXPECT_NE(bad({"-monitor", "stdio", "-serial", "stdio"}).find("both"), std::string::npos);
}

TEST(Options, Displays) {
  EXPECT_EQ(run({"-nographic"}).display, DisplayKind::kNone);
  EXPECT_EQ(run({"-serial", "stdio"}).display, DisplayKind::kNone);
  EXPECT_EQ(run({}).display, DisplayKind::kNone) << "a kernel's machine has no screen";
  EXPECT_EQ(run({"-vga", "std"}).display, DisplayKind::kDefault);
  EXPECT_EQ(run({"-vga", "std", "-vnc", ":0"}).display, DisplayKind::kNone);
  EXPECT_EQ(run({"-sdl", "-serial", "stdio"}).display, DisplayKind::kSdl);
  EXPECT_EQ(run({"-display", "sdl"}).display, DisplayKind::kSdl);
  const auto curses = run({"-curses"});
  EXPECT_EQ(curses.display, DisplayKind::kCurses);
  EXPECT_EQ(curses.serial->kind, SerialKind::kNull);
  EXPECT_NE(bad({"-display", "curses", "-serial", "mon:stdio"}).find("-display curses"), std::string::npos);
  EXPECT_NE(bad({"-display", "sdl,gl=on"}).find("not built yet"), std::string::npos);
}

TEST(Options, Vnc) {
  EXPECT_EQ(run({"-vnc", ":0"}).vnc, (VncTarget{.host = "", .port = 5900}));
  EXPECT_EQ(run({"-display", "vnc=0.0.0.0:1"}).vnc, (VncTarget{.host = "0.0.0.0", .port = 5901}));
  EXPECT_EQ(run({"-vnc", "[::1]:2,websocket"}).vnc,
            (VncTarget{.host = "::1", .port = 5902, .websocket_port = 5702}));
  EXPECT_EQ(run({"-vnc", ":3,websocket=80"}).vnc,
            (VncTarget{.host = "", .port = 5903, .websocket_port = 80}));
  EXPECT_FALSE(run({"-vnc", ":3", "-vnc", "none"}).vnc);
  for (const char* value : {"", "0", "localhost", ":", ":x", ":-1", ":59636", ":0,websocket=0",
                            ":0,websocket=x", ":0,password=on", "unix:/tmp/x"})
    EXPECT_NE(bad({"-vnc", value}).find(concat("-vnc ", value)), std::string::npos) << value;
}

TEST(Options, SerialTargetsThatCannotBe) {
  EXPECT_EQ(bad({"-serial", "tcp::4444,server"}),
            "-serial tcp::4444,server: this kind of serial port is not built yet");
  EXPECT_EQ(bad({"-serial", "file:"}), "-serial file:: the name of the file is missing");
  EXPECT_EQ(bad({"-serial", "stdout"}),
            "-serial stdout: must be stdio, mon:stdio, file:PATH, pty, null or none");
  EXPECT_EQ(bad({"-serial", "pty", "-serial", "pty", "-serial", "none"}),
            "-serial none: a third serial port is not built yet");
  EXPECT_EQ(bad({"-kernel", "a", "-serial", "stdio", "-serial", "mon:stdio"}),
            "-serial stdio: it is the other port's already");
}

TEST(Options, DebugExit) {
  EXPECT_FALSE(run({}).debug_exit);
  const auto plain = run({"-device", "isa-debug-exit"}).debug_exit;
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->iobase, 0x501);
  EXPECT_EQ(plain->iosize, 2u);
  const auto placed = run({"-device", "isa-debug-exit,iobase=0xf4,iosize=0x04,id=exit"}).debug_exit;
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->iobase, 0xF4);
  EXPECT_EQ(placed->iosize, 4u);
}

TEST(Options, DevicesThatCannotBe) {
  EXPECT_EQ(bad({"-device", "floppy"}), "-device floppy: no such device; see ringdown -device help");
  EXPECT_EQ(bad({"-device", "isa-debug-exit,iobase=0x10000"}),
            "-device isa-debug-exit,iobase=0x10000: iobase must be a port, 0x0 to 0xffff");
  EXPECT_EQ(bad({"-device", "isa-debug-exit,iobase=0xffff"}),
            "-device isa-debug-exit,iobase=0xffff: iobase and iosize reach beyond port 0xffff");
  EXPECT_EQ(bad({"-device", "isa-debug-exit,iosize=0"}),
            "-device isa-debug-exit,iosize=0: iosize must be a number of ports, 1 to 0x10000");
  EXPECT_EQ(
      bad({"-device", "isa-debug-exit,port=1"}),
      "-device isa-debug-exit,port=1: isa-debug-exit has no property 'port'; see ringdown -device help");
}

TEST(Options, Cpu) {
  EXPECT_EQ(run({}).cpu, "");
  EXPECT_EQ(run({"-cpu", "pentium3"}).cpu, "pentium3");
  EXPECT_EQ(run({"-cpu", "pentium3,+nx,-pae"}).cpu, "pentium3,+nx,-pae");
  EXPECT_EQ(run({"-cpu", "pentium3,sse4-1=on,pae=off,+SSE4_1"}).cpu, "pentium3,+sse4.1,-pae,+sse4.1");
}

TEST(Options, CpusThatCannotBe) {
  EXPECT_EQ(bad({"-cpu", "z80"}), "-cpu z80: unknown CPU model 'z80'; see ringdown -cpu help");
  EXPECT_EQ(bad({"-cpu", "pentium3,+avx"}),
            "-cpu pentium3,+avx: unknown CPU feature 'avx'; see ringdown -cpu help");
  EXPECT_EQ(bad({"-cpu", "pentium3,nx"}),
            "-cpu pentium3,nx: 'nx' must be +FEATURE, -FEATURE, FEATURE=on or FEATURE=off");
}

TEST(Options, Rtc) {
  EXPECT_EQ(run({}).rtc.base, RtcStart::Base::kUtc);
  EXPECT_EQ(run({"-rtc", "base=localtime,clock=host"}).rtc.base, RtcStart::Base::kLocalTime);
  const RtcStart date = run({"-rtc", "base=2006-06-17T16:01:21"}).rtc;
  EXPECT_EQ(date.base, RtcStart::Base::kDate);
  EXPECT_EQ(date.date, 1150560081);  // date -u -d 2006-06-17T16:01:21 +%s
  EXPECT_EQ(run({"-rtc", "base=1970-01-02"}).rtc.date, 86400);
  for (const char* value :
       {"base=tomorrow", "base=2006-02-30", "base=2006-06-17T24:00:00", "base=", "base"}) {
    EXPECT_EQ(bad({"-rtc", value}),
              concat("-rtc ", value, ": base must be utc, localtime or a date such as 2006-06-17T16:01:21"));
  }
}

TEST(Options, LogClasses) {
  EXPECT_EQ(run({}).log_classes, 0u);
  const Options o = run({"-d", "in_asm,int", "-D", "log"});
  EXPECT_EQ(o.log_classes, log_bit(LogClass::kInAsm) | log_bit(LogClass::kInt));
  EXPECT_EQ(o.log_file, "log");
  EXPECT_EQ(run({"-d", "all"}).log_classes, (LogClasses{1} << log_class_table().size()) - 1);
  EXPECT_EQ(bad({"-d", "in_asm,everything"}),
            "-d in_asm,everything: unknown class 'everything'; see ringdown -d help");
  EXPECT_EQ(bad({"-d", "op_opt"}), "-d op_opt: 'op_opt' is not built yet; see ringdown -d help");
}

TEST(Options, WhatAScriptForQemuPasses) {
  const Options o = run({"-machine",
                         "pc,usb=off",
                         "-M",
                         "pc-i440fx-7.2",
                         "-smp",
                         "cpus=1,cores=1",
                         "-vga",
                         "none",
                         "-net",
                         "none",
                         "-nic",
                         "none",
                         "-parallel",
                         "none",
                         "-monitor",
                         "none",
                         "-no-acpi",
                         "-no-hpet",
                         "-no-fd-bootchk",
                         "-no-user-config",
                         "-display",
                         "none",
                         "-name",
                         "guest=tiny,debug-threads=on",
                         "-S",
                         "-no-shutdown",
                         "-user",
                         "translated",
                         "-stats",
                         "s.json"});
  EXPECT_EQ(o.name, "tiny");
  EXPECT_EQ(o.stats_file, "s.json");
  EXPECT_FALSE(o.hpet);
  EXPECT_TRUE(o.start_stopped);
  EXPECT_TRUE(o.no_shutdown);
  EXPECT_FALSE(o.acpi);
  EXPECT_TRUE(o.notes.empty());
}

TEST(Options, AcpiIsThereUnlessItIsSwitchedOff) {
  EXPECT_TRUE(run({}).acpi);
  EXPECT_FALSE(run({"-no-acpi"}).acpi);
  EXPECT_FALSE(run({"-machine", "pc,acpi=off"}).acpi);
  EXPECT_TRUE(run({"-no-acpi", "-machine", "acpi=on"}).acpi);
}

TEST(Options, MachinesArePcOrIsapc) {
  EXPECT_TRUE(run({}).pci);
  EXPECT_FALSE(run({"-M", "isapc"}).pci);
  EXPECT_FALSE(run({"-machine", "type=isapc,accel=tcg"}).pci);
  EXPECT_TRUE(run({"-M", "isapc", "-M", "pc"}).pci);
}

TEST(Options, AcceleratorsAreIgnoredOrRefused) {
  const std::string note = "accelerator 'kvm:tcg' is ignored: ringdown translates by itself";
  EXPECT_EQ(run({"-machine", "pc,accel=kvm:tcg"}).notes, std::vector{note});
  EXPECT_EQ(run({"-accel", "tcg,thread=multi"}).notes.size(), 1u);
  const std::string refusal = "ringdown uses no hardware virtualization";
  EXPECT_EQ(bad({"-accel", "kvm"}), concat("-accel kvm: ", refusal, " and has no other accelerator"));
  EXPECT_EQ(bad({"-enable-kvm"}), concat("-enable-kvm: ", refusal, "; leave this option out"));
}

TEST(Options, TheHpetCanBeLeftOut) {
  EXPECT_TRUE(run({}).hpet);
  EXPECT_TRUE(run({"-machine", "pc,hpet=on"}).hpet);
  EXPECT_FALSE(run({"-machine", "pc,hpet=off"}).hpet);
  EXPECT_EQ(bad({"-machine", "pc,hpet"}), "-machine pc,hpet: no such machine; see ringdown -machine help");
  EXPECT_EQ(bad({"-machine", "hpet=maybe"}), "-machine hpet=maybe: hpet must be on or off");
}

using Drive = std::optional<DriveOptions>;

TEST(Options, Drives) {
  const auto drives = run({"-hda", "a", "-hdb", "b,c", "-cdrom", "d", "-hdd", "e"}).drives;
  EXPECT_EQ(drives[0], Drive({.file = "a"}));
  EXPECT_EQ(drives[1], Drive({.file = "b,c"}));
  EXPECT_EQ(drives[2], Drive({.file = "d", .cdrom = true, .read_only = true}));
  EXPECT_EQ(drives[3], Drive({.file = "e"}));
  EXPECT_EQ(run({"disk.img", "-m", "8"}).drives[0], Drive({.file = "disk.img"}));
  EXPECT_EQ(run({}).drives, (std::array<Drive, kDrives>{}));
}

TEST(Options, DriveProperties) {
  const auto drive = [](const char* value) { return run({"-drive", value}).drives[0]; };
  EXPECT_EQ(drive("file=a,format=raw,if=ide,media=disk,id=x"), Drive({.file = "a"}));
  EXPECT_EQ(drive("file=a,,b=c,readonly=on"), Drive({.file = "a,b=c", .read_only = true}));
  EXPECT_EQ(drive("file=a,read-only=off,snapshot=on"), Drive({.file = "a", .snapshot = true}));
  EXPECT_EQ(drive("file=a,aio=threads"), Drive({.file = "a", .aio = Aio::kThreads}));
  EXPECT_EQ(drive("file=a,aio=io_uring"), Drive({.file = "a", .aio = Aio::kIoUring}));
  EXPECT_EQ(drive("media=cdrom"), Drive({.cdrom = true, .read_only = true}));
  const auto drives = run({"-drive", "file=a,index=1", "-drive", "file=b", "-drive", "file=c"}).drives;
  EXPECT_EQ(drives[1]->file, "a");
  EXPECT_EQ(drives[0]->file, "b");
  EXPECT_EQ(drives[2]->file, "c");
}

TEST(Options, ASnapshotIsOfEveryDiskThatCanBeWritten) {
  const auto drives = run({"-hda", "a", "-snapshot", "-drive", "file=b,readonly=on", "-cdrom", "c"}).drives;
  EXPECT_TRUE(drives[0]->snapshot);
  EXPECT_FALSE(drives[1]->snapshot);
  EXPECT_FALSE(drives[2]->snapshot);
}

TEST(Options, FloppyDrives) {
  const auto floppies = run({"-snapshot", "-fdb", "b", "-drive", "if=floppy,file=a,readonly=on"}).floppies;
  EXPECT_EQ(floppies[0], (DriveOptions{.file = "a", .read_only = true}));
  EXPECT_EQ(floppies[1], (DriveOptions{.file = "b", .snapshot = true}));
  EXPECT_EQ(run({"-drive", "file=b,index=1,if=floppy"}).floppies[1], DriveOptions{.file = "b"});
  EXPECT_EQ(run({"-drive", "if=floppy"}).floppies[0], DriveOptions{}) << "empty";
  EXPECT_EQ(run({"-fda", "a"}).drives, run({}).drives);
  EXPECT_TRUE(run({}).check_floppy_signature);
  EXPECT_FALSE(run({"-no-fd-bootchk"}).check_floppy_signature);
}

TEST(Options, BadDrives) {
  const auto drive = [](const char* value) {
    return bad({"-drive", value}).substr(concat("-drive ", value, ": ").size());
  };
  EXPECT_EQ(drive("media=disk"), "the name of the file is missing: file=FILE");
  EXPECT_EQ(drive("file="), "the name of the file is missing");
  EXPECT_EQ(drive("file=a,format=qcow2"), "format 'qcow2' is not built yet; only 'raw' is");
  EXPECT_EQ(drive("file=a,if=virtio"), "interface 'virtio' is not built yet; only 'ide' and 'floppy' are");
  EXPECT_EQ(drive("file=a,index=4"), "index must be a drive, 0 to 3");
  EXPECT_EQ(drive("file=a,media=tape"), "media must be disk or cdrom");
  EXPECT_EQ(drive("file=a,readonly=yes"), "readonly must be on or off");
  EXPECT_EQ(drive("file=a,snapshot"), "snapshot must be on or off");
  EXPECT_EQ(drive("file=a,aio=native"), "aio must be io_uring or threads");
  EXPECT_EQ(drive("file=a,cache=none"), "'cache' is not built yet");
  EXPECT_EQ(drive("file=a,if=floppy,index=2"), "index must be a floppy drive, 0 or 1");
  EXPECT_EQ(drive("media=cdrom,if=floppy"), "a floppy drive takes no CD-ROM");
  EXPECT_EQ(drive("index=1"), "the name of the file is missing: file=FILE");
  EXPECT_EQ(bad({"-fda", "a", "-fda", "b"}), "-fda b: there is a floppy drive 0 already");
  EXPECT_EQ(bad({"-fda", "a", "-fdb", "b", "-drive", "file=c,if=floppy"}),
            "-drive file=c,if=floppy: there are two floppy drives already");
  EXPECT_EQ(drive("file=a,media=cdrom,readonly=off"), "a CD-ROM is read only: readonly=off cannot be");
  EXPECT_EQ(bad({"-hdc", "a", "-cdrom", "b"}), "-cdrom b: there is a drive 2 already");
  EXPECT_EQ(bad({"a", "b"}), "'b': there is a drive 0 already; a kernel is given with -kernel");
  EXPECT_EQ(bad({"-hda", ""}), "-hda : the name of the file is missing");
  EXPECT_EQ(bad({"-hda", "a", "-hdb", "b", "-hdc", "c", "-hdd", "d", "-drive", "file=e"}),
            "-drive file=e: there are four drives already");
}

TEST(Options, WhatIsNotBuiltYet) {
  EXPECT_EQ(bad({"-smp", "2"}), "-smp 2: more than one processor is not built yet");
  EXPECT_EQ(bad({"-smp", "many"}), "-smp many: not a number of processors");
  EXPECT_EQ(bad({"-machine", "q35"}), "-machine q35: no such machine; see ringdown -machine help");
  EXPECT_EQ(bad({"-machine", "pc,acpi=perhaps"}), "-machine pc,acpi=perhaps: acpi must be on or off");
  EXPECT_EQ(bad({"-vga", "cirrus"}),
            "-vga cirrus: this graphics card is not built yet; only 'std' and 'none' are");
  EXPECT_EQ(bad({"-display", "gtk"}),
            "-display gtk: 'gtk' is not built yet; sdl, curses, vnc=HOST:N and none are");
  for (const char* option : {"-blockdev", "-sd", "-spice", "-gdb", "-s", "-netdev"}) {
    EXPECT_EQ(bad({option, "x"}), concat("option '", option, "' is not built yet; see ringdown --help"));
  }
}

TEST(Options, UnbuiltOptionsAreNotBuilt) {
  for (const auto name : unbuilt_options()) {
    for (const auto& row : option_table()) EXPECT_NE(row.name, name);
  }
}

TEST(Options, UnknownOnes) {
  EXPECT_EQ(bad({"-foo"}), "unknown option '-foo'; see ringdown --help");
  EXPECT_EQ(bad({"--foo"}), "unknown option '--foo'; see ringdown --help");
  EXPECT_EQ(bad({"-"}), "unknown option '-'; see ringdown --help");
  EXPECT_EQ(bad({"-kernel=vmlinuz"}), "unknown option '-kernel=vmlinuz'; see ringdown --help");
}

TEST(Options, EveryArgumentIsNeeded) {
  for (const auto& row : option_table()) {
    if (row.argument.empty()) continue;
    const std::string option = concat("-", row.name);
    EXPECT_EQ(bad({option.c_str()}), concat("option '", option, "' needs an argument: ", row.argument));
  }
}

TEST(Options, WhatBelongsTogether) {
  EXPECT_EQ(bad({"-bios", ""}), "-bios : the name of the file is missing");
  EXPECT_EQ(bad({"-append", "quiet"}), "-append needs -kernel");
  EXPECT_EQ(bad({"-initrd", "x"}), "-initrd needs -kernel");
  EXPECT_EQ(bad({"-kernel", ""}), "-kernel : the name of the file is missing");
}

TEST(Options, Questions) {
  EXPECT_EQ(good({"--help"}).action, Action::kShowHelp);
  EXPECT_EQ(good({"-h"}).action, Action::kShowHelp);
  EXPECT_EQ(good({"-m", "64", "-help", "-nonsense"}).action, Action::kShowHelp);
  EXPECT_EQ(good({"-version"}).action, Action::kShowVersion);
  EXPECT_EQ(good({"-cpu", "help"}).action, Action::kListCpus);
  EXPECT_EQ(good({"-device", "help"}).action, Action::kListDevices);
  EXPECT_EQ(good({"-device", "isa-debug-exit,help"}).action, Action::kListDevices);
  EXPECT_EQ(good({"-M", "?"}).action, Action::kListMachines);
  EXPECT_EQ(good({"-d", "help"}).action, Action::kListLogClasses);
  EXPECT_EQ(good({"doctor"}).action, Action::kExamineHost);
  EXPECT_EQ(bad({"doctor", "-m"}), "doctor takes no arguments: '-m'");
}

TEST(Options, ListsNameWhatThereIs) {
  for (const auto name : kModels) EXPECT_NE(cpu_list_text(kCpu).find(name), std::string::npos);
  for (const auto name : kFeatures) EXPECT_NE(cpu_list_text(kCpu).find(name), std::string::npos);
  for (const auto& row : log_class_table())
    EXPECT_NE(log_class_list_text().find(row.name), std::string::npos);
  EXPECT_NE(device_list_text().find("isa-debug-exit"), std::string::npos);
}

}  // namespace
}  // namespace ringdown

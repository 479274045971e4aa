#!/usr/bin/env python3
"""firmware_test.py --vmm PROGRAM --seabios DIR --rom FILE --disk FILE --acpi FILE --floppy FILE --a20 FILE
--reset FILE --timers FILE --modes FILE --media FILE CASE: Debian's SeaBIOS, unmodified, from the reset vector on. It is
read on the serial port, where it shows its screen, and in the log, where it says what it finds. The files are what
boot_rom.S, boot_disk.S, boot_acpi.S, boot_floppy.S, boot_a20.S, boot_reset.S, boot_timers.S, boot_modes.S and boot_media.S
become. With --list, the cases."""
import argparse
import os
import re
import shutil
import signal
import sys

tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [tests, os.path.join(tests, "boot"), os.path.join(tests, "display")]
from cases import Failure, case, check, run_cases  # noqa: E402  (found by the line above)
from machine import Machine  # noqa: E402
from prompt import Prompt  # noqa: E402

MEBIBYTE = 1 << 20
POWER_OFF, RESET = 0, 12  # monitor/exit_codes.h
SECTOR = 512


class Disk:
    """An image that boot_disk.S starts from, which reads one of its sectors and writes another, at `read` and `written`."""

    def __init__(self, boot_sector, folder, sectors, read, written, by_dma):
        self.path, self.read, self.written = os.path.join(folder, "disk.img"), read, written
        self.text = os.urandom(SECTOR)
        with open(boot_sector, "rb") as file:
            boot = bytearray(file.read())
        boot[0x1DF] = by_dma
        boot[0x1E0:0x1F0] = read.to_bytes(8, "little") + written.to_bytes(8, "little")
        with open(self.path, "wb") as file:
            file.write(boot)
            file.seek(read * SECTOR)
            file.write(self.text)
            file.truncate(sectors * SECTOR)

    def sector(self, number):
        with open(self.path, "rb") as file:
            file.seek(number * SECTOR)
            return file.read(SECTOR)

    def check(self, kept):
        """On the host: whether the guest's write is in the image. What it read, it has not changed."""
        if self.sector(self.read) != self.text:
            raise Failure("the sector that was read is another one now")
        expected = bytes(byte ^ 0xFF for byte in self.text) if kept else bytes(SECTOR)
        if (found := self.sector(self.written)) != expected:
            raise Failure(f"sector {self.written} of the image begins with {found[:16].hex()}, expected {expected[:16].hex()}")


class Diskette:
    """An image of so many KiB that boot_floppy.S starts from. What it reads and the two sectors it writes lie apart."""

    FORMATS = {160: (40, 1, 8, 2), 360: (40, 2, 9, 2), 720: (80, 2, 9, 2), 1200: (80, 2, 15, 0), 1440: (80, 2, 18, 0),
               2880: (80, 2, 36, 3)}  # cylinders, heads, sectors, CCR's data rate

    def __init__(self, boot_sector, path, kibibytes=1440):
        self.path, self.kibibytes = path, kibibytes
        cylinders, self.heads, self.sectors, rate = self.FORMATS[kibibytes]
        last = (cylinders - 1, self.heads - 1, self.sectors)
        self.read, self.written, self.by_driver = (1, 0, 1), last, (cylinders // 2, self.heads - 1, 2)
        self.text = os.urandom(SECTOR)
        with open(boot_sector, "rb") as file:
            boot = bytearray(file.read())
        for at, (cylinder, head, sector) in zip((0x1E0, 0x1E4, 0x1E8), (self.read, self.written, self.by_driver)):
            boot[at:at + 3] = bytes((sector, cylinder, head))
        boot[0x1EC:0x1EE] = bytes((rate, self.sectors))
        with open(path, "wb") as file:
            file.write(boot)
            file.seek(self.offset(self.read))
            file.write(self.text)
            file.truncate(kibibytes * 1024)

    def offset(self, place):
        cylinder, head, sector = place
        return ((cylinder * self.heads + head) * self.sectors + sector - 1) * SECTOR

    def check(self, kept):
        with open(self.path, "rb") as file:
            image = file.read()
        expected = bytearray(len(image))
        expected[:2 * SECTOR] = image[:2 * SECTOR]
        for place, text in ((self.read, self.text), *((place, bytes(byte ^ 0xFF for byte in self.text))
                                                     for place in (self.written, self.by_driver) if kept)):
            expected[self.offset(place):self.offset(place) + SECTOR] = text
        if image != expected:
            wrong = next(i for i in range(len(image)) if image[i] != expected[i])
            raise Failure(f"byte {wrong} of the image is another one than it should be")


class DriveConsole:
    """A machine that starts from a disk with boot_media.S, does to its drives what it is told, and says how that went; and
    its monitor prompt. Use it in a with statement."""

    DISK, DISKETTE = 0x80, 0x00

    def __init__(self, bench, *options, before=()):
        self.disk, socket = os.path.join(bench.folder, "disk.img"), os.path.join(bench.folder, "prompt")
        with open(bench.media_boot_sector, "rb") as file:
            boot = file.read()
        with open(self.disk, "wb") as file:
            file.write(boot + b"H" * (1008 * 4 * SECTOR))  # four cylinders
        self.machine = Machine(*before, bench.vmm, "-m", "16", "-boot", "c", "-hda", self.disk, "-device", "isa-debug-exit",
                               "-serial", "null", "-serial", "stdio", "-monitor", f"unix:{socket}", *options)
        try:
            self.machine.expect(rb"\Aready\r\n")
            self.prompt = Prompt(socket)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.machine.kill()
        self.machine.errors.close()

    def choose(self, drive, cylinder):
        self.machine.send(b"d%02Xt%02X" % (drive, cylinder))

    def bios(self, what):
        """Reads (r) or writes (w) a sector: the BIOS's code, and the first byte of the buffer."""
        code, byte = bytes.fromhex(self._ask(what))
        return code, chr(byte)

    def changed(self):
        """The disk-change line."""
        return int(self._ask("c"), 16) >> 7

    def packet(self, *cdb):
        """The first bytes that the CD-ROM drive sends; or what REQUEST SENSE tells of the failure: key, code, qualifier."""
        said = bytes.fromhex(self._ask("p" + bytes(cdb).ljust(12, b"\0").hex().upper()))
        if said[0] & 1 == 0:
            return said[2:]
        sense = bytes.fromhex(self._ask("p" + bytes((3, 0, 0, 0, 16)).ljust(12, b"\0").hex().upper()))
        return sense[4], sense[14], sense[15]

    def block(self, number=0):
        """READ (10) of one."""
        return self.packet(0x28, 0, 0, 0, 0, number, 0, 0, 1)

    def errors(self):
        """What the user was told so far, a line each."""
        return self.machine.standard_error().splitlines()

    def end(self):
        self.machine.send(b"q")
        if (code := self.machine.exit_code()) != (1 << 1 | 1):
            raise Failure(f"ended with {code}")

    def _ask(self, what):
        self.machine.send(what.encode())
        return self.machine.expect(rb"\A(\w+)\r\n")[1].decode()


def make_cdrom(boot_sector, path):
    """A CD-ROM that boots without emulation (El Torito 1.0): boot record, catalog, program."""
    block, record, catalog, program = 2048, 17, 18, 19
    disc = bytearray(32 * block)
    disc[record * block:record * block + 30] = b"\0CD001\1EL TORITO SPECIFICATION"
    disc[record * block + 0x47] = catalog
    entry = bytearray(64)
    entry[0], entry[0x1E:0x20], entry[0x20], entry[0x26], entry[0x28] = 1, b"\x55\xAA", 0x88, 4, program
    disc[catalog * block:catalog * block + 64] = entry
    with open(boot_sector, "rb") as file:
        disc[program * block:program * block + SECTOR] = file.read()
    with open(path, "wb") as file:
        file.write(disc)
    return path


class Bench:
    """The program under test, where SeaBIOS is, an option ROM, and a folder for this run."""

    def __init__(self, options, folder):
        self.vmm, self.seabios, self.rom, self.folder = options.vmm, options.seabios, options.rom, folder
        self.boot_sector, self.acpi_sector, self.floppy_boot_sector = options.disk, options.acpi, options.floppy
        self.a20_boot_sector, self.reset_boot_sector = options.a20, options.reset
        self.media_boot_sector = options.media
        self.timers_boot_sector, self.modes_boot_sector = options.timers, options.modes
        self.log = os.path.join(folder, "log")

    def finished_rom(self):
        """The option ROM with the byte that makes its sum 0."""
        with open(self.rom, "rb") as file:
            rom = bytearray(file.read())
        rom[-1] = -sum(rom) & 0xFF
        path = os.path.join(self.folder, "boot.rom")
        with open(path, "wb") as file:
            file.write(rom)
        return path

    def disk(self, sectors=4096, read=5, written=7, by_dma=False):
        return Disk(self.boot_sector, self.folder, sectors, read, written, by_dma)

    def diskette(self, kibibytes=1440, name="a.img"):
        return Diskette(self.floppy_boot_sector, os.path.join(self.folder, name), kibibytes)

    def boot_disk(self, *options, read=0, write=0, reread=0, before=(), errors="", **more):
        """Boots a Disk and checks how the steps went: the BIOS's codes, and 1 where what was read is not as it should be."""
        with Machine(*before, self.vmm, "-no-reboot", "-device", "isa-debug-exit", *options) as machine:
            machine.expect(rb"the disk boots\r\n")
            for step, code in {"read": read, "write": write, "reread": reread, **more}.items():
                if (said := machine.expect(rb"\A(.*?)\r\n")[1].decode()) != f"{step} {code:02X}":
                    raise Failure(f"expected {step} {code:02X}, got {said!r}")
            if (code := machine.exit_code()) != (1 << 1 | 1):
                raise Failure(f"ended with {code}")
            check("what the user was told", machine.standard_error(), errors)

    def image(self, name, letter, kibibytes):
        """The path of an image that is full of a letter."""
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(letter.encode() * (kibibytes * 1024))
        return path

    def acpi_disk(self):
        path = os.path.join(self.folder, "acpi.img")
        shutil.copyfile(self.acpi_sector, path)
        os.truncate(path, MEBIBYTE)
        return path

    def diskette_of(self, boot_sector):
        """The path of a diskette that is empty but for that."""
        path = os.path.join(self.folder, "boot.img")
        with open(path, "wb") as file:
            file.write(boot_sector)
            file.truncate(1440 * 1024)
        return path

    def boot(self, *options):
        """Starts the machine, waits until it has found nothing to boot, ends it, and returns what was logged."""
        with Machine(self.vmm, "-no-reboot", "-d", "firmware", "-D", self.log, *options) as machine:
            machine.expect(rb"SeaBIOS \(version [^)]+\)")
            machine.expect(rb"Booting from Hard Disk")
            machine.expect(rb"No bootable device")
            machine.process.terminate()
            if (code := machine.exit_code()) != -signal.SIGTERM:
                raise Failure(f"ended by itself, with {code}")
        with open(self.log) as file:
            return file.read()


def find(log, *lines):
    """These stand in the log, in this order."""
    at = 0
    for line in lines:
        at = log.find(line, at)
        if at < 0:
            raise Failure(f"{line!r} is not in the log, or not in its place:\n{log}")
        at += len(line)


@case
def the_default_bios_comes_to_its_boot_stage(bench):
    find(bench.boot(), "Running on QEMU (i440fx)", "Found QEMU fw_cfg", "Relocating init from", "Found 4 PCI devices",
         "PCI: init bdf=00:00.0 id=8086:1237", "PCI: init bdf=00:01.0 id=8086:7000", "PIIX3/PIIX4 init: elcr=00 0c",
         "PCI: init bdf=00:01.3 id=8086:7113", "Using pmtimer", "PCI: init bdf=00:02.0 id=1234:1111", "ACPI RSDP",
         "Start SeaVGABIOS", "Found 1 serial ports", "PS2 keyboard initialized", "All threads complete", "enter handle_19",
         "No bootable device")


@case
def the_bios_of_128_kib_does_so_too(bench):
    log = bench.boot("-bios", os.path.join(bench.seabios, "bios.bin"))
    find(log, "Running on QEMU (i440fx)", "All threads complete", "enter handle_19", "No bootable device")


@case
def a_machine_without_pci_comes_to_its_boot_stage(bench):
    log = bench.boot("-machine", "isapc")
    find(log, "Unable to unlock ram - bridge not found", "Found QEMU fw_cfg", "Detected non-PCI system", "No apic",
         "Start SeaVGABIOS", "lfb_addr=e0000000", "ATA controller 1 at 1f0/3f4/0 (irq 14 ", "ATA controller 2 at 170/374/0 (irq 15 ",
         "Found 1 serial ports", "PS2 keyboard initialized", "All threads complete", "e820 map has 5 items",
         "enter handle_19", "No bootable device")
    if "ACPI" in log:
        raise Failure(f"it has found ACPI:\n{log}")


@case
def a_machine_without_pci_boots_what_another_does(bench):
    isapc = ("-machine", "isapc")
    disk, diskette = bench.disk(), bench.diskette()
    for drive in ("-hda", "-hdd"):
        with open(disk.path, "r+b") as file:
            file.seek(disk.written * SECTOR)
            file.write(bytes(SECTOR))
        bench.boot_disk(*isapc, drive, disk.path)
        disk.check(kept=True)
    bench.boot_disk(*isapc, "-fda", diskette.path, ends=4, dma=0)
    diskette.check(kept=True)
    bench.boot_disk(*isapc, "-cdrom", make_cdrom(bench.boot_sector, os.path.join(bench.folder, "disc.iso")), write=0x03, reread=1)
    says(bench, bench.a20_boot_sector, A20, *isapc)


@case
def a_reset_gives_a_machine_without_pci_its_bios_again(bench):
    """It lies in RAM there, where its date can be overwritten. Who finds that so at the start ends the machine by port 501h."""
    diskette = bench.diskette_of(bytes.fromhex(
        "B800F0 8ED8 BA0105 B001 803EF5FF5A 7413"  # DS F000h; to the end with 1 if 5Ah is at FFF5h
        "C606F5FF5A B002 803EF5FF5A 7505"  # 5Ah to there; to the end with 2 if it is not
        "B0FE E664 F4"  # FEh to port 64h, halt
        "EE F4"))  # the end: to port 501h, halt
    with Machine(bench.vmm, "-machine", "isapc", "-fda", diskette, "-no-fd-bootchk", "-device", "isa-debug-exit") as machine:
        for _ in range(3):
            machine.expect(rb"SeaBIOS \(version")
            machine.expect(rb"Booting from Floppy")


@case
def the_bios_finds_the_memory_that_there_is(bench):
    for size in (8, 128, 3072):
        find(bench.boot("-m", str(size), "-no-acpi"), f"addr 0x0000000000000000 len 0x{size * MEBIBYTE:016x} [RAM]", "e820 map",
             "0000000000000000 - 000000000009fc00 = 1 RAM", f"0000000000100000 - {size * MEBIBYTE:016x} = 1 RAM",
             "00000000fffc0000 - 0000000100000000 = 2 RESERVED")
    find(bench.boot("-m", "128"), "= 1 RAM", f" - {128 * MEBIBYTE:016x} = 2 RESERVED")  # ACPI's tables


@case
def its_menu_is_on_the_serial_port(bench):
    with Machine(bench.vmm, "-no-reboot", "-boot", "menu=on,splash-time=65535", "-option-rom", bench.finished_rom()) as machine:
        machine.expect(rb"Press ESC for boot menu")
        machine.send(b"\x1b")
        machine.expect(rb"Select boot device")
        number = machine.expect(rb"(\d)\. boot ROM")[1]
        machine.send(number)
        machine.expect(rb"Booting from ROM\.\.\.\s+boot ROM runs")


@case
def it_starts_again_after_its_own_reset(bench):
    with Machine(bench.vmm, "-boot", "reboot-timeout=0") as machine:
        for _ in range(3):
            machine.expect(rb"SeaBIOS \(version [^)]+\)")
            machine.expect(rb"No bootable device")
    with Machine(bench.vmm, "-boot", "reboot-timeout=0", "-no-reboot") as machine:
        if (code := machine.exit_code()) != RESET:
            raise Failure(f"ended with {code}")


@case
def what_it_boots_finds_its_services(bench):
    machine = Machine(bench.vmm, "-m", "64", "-no-acpi", "-no-reboot", "-device", "isa-debug-exit,iobase=0x501,iosize=2",
                      "-option-rom", bench.finished_rom())
    with machine:
        machine.expect(rb"Booting from ROM\.\.\.\s+boot ROM runs\r*\n")
        for line in ("mark R",  # not W: the BIOS has locked it
                     "0000027F",
                     "range 00000000 0009FC00 00000001", "range 0009FC00 00000400 00000002",
                     "range 000F0000 00010000 00000002", "range 00100000 03F00000 00000001",
                     "range FFFC0000 00040000 00000002",
                     "ticks", "12345678",
                     "20494350 00000008",  # "PCI ", and 01.0 is the PIIX3
                     "00000001"):
            if (said := machine.expect(rb"\A(.*?) *\r*\n")[1].decode()) != line:
                raise Failure(f"expected {line!r}, got {said!r}")
        machine.expect(rb"type: ")
        machine.send(b"Z")
        if (code := machine.exit_code()) != (ord("Z") << 1 | 1):
            raise Failure(f"typed Z, but the key became status {code}")


@case
def acpi_switches_the_machine_off(bench):
    with Machine(bench.vmm, "-no-reboot", "-hda", bench.acpi_disk()) as machine:
        machine.expect(rb"tables\r\nenabled\r\nthe timer counts\r\n")
        if (code := machine.exit_code()) != POWER_OFF:
            raise Failure(f"ended with {code}")


@case
def a_machine_that_was_switched_off_stays_so_with_no_shutdown(bench):
    with Machine(bench.vmm, "-no-reboot", "-no-shutdown", "-hda", bench.acpi_disk()) as machine:
        machine.expect(rb"the timer counts\r\n")
        machine.process.terminate()
        if (code := machine.exit_code()) != -signal.SIGTERM:
            raise Failure(f"ended by itself, with {code}")
        if machine.console:
            raise Failure(f"it went on: {machine.console!r}")


@case
def without_acpi_there_are_no_tables(bench):
    disk = bench.acpi_disk()
    for options in (["-no-acpi"], ["-machine", "pc,acpi=off"]):
        with Machine(bench.vmm, "-no-reboot", *options, "-hda", disk) as machine:
            machine.expect(rb"no RSDP\r\n")


@case
def a_disk_boots_and_keeps_what_is_written(bench):
    disk = bench.disk()
    for options in (["-hda", disk.path], [disk.path], ["-drive", f"file={disk.path},format=raw,if=ide,index=3,media=disk"]):
        with open(disk.path, "r+b") as file:
            file.seek(disk.written * SECTOR)
            file.write(bytes(SECTOR))
        bench.boot_disk(*options)
        disk.check(kept=True)


@case
def a_disk_of_more_than_8_gib_is_reached_to_its_end(bench):
    last = 10 * 1024 * MEBIBYTE // SECTOR - 1
    disk = bench.disk(sectors=last + 1, read=last - 1, written=last)
    bench.boot_disk("-hda", disk.path)
    disk.check(kept=True)


@case
def the_bus_master_reads_what_the_bios_wrote(bench):
    disk = bench.disk(by_dma=True)
    bench.boot_disk("-hda", disk.path, dma=0)
    disk.check(kept=True)


@case
def a_snapshot_leaves_the_image_as_it_was(bench):
    disk = bench.disk()
    for options in (["-snapshot", "-hda", disk.path], ["-drive", f"file={disk.path},snapshot=on"]):
        bench.boot_disk(*options)  # which reads what it has written
        disk.check(kept=False)


@case
def an_image_that_is_read_only_is_not_written(bench):
    disk = bench.disk()
    os.chmod(disk.path, 0o444)
    bench.boot_disk("-drive", f"file={disk.path},readonly=on", write=0x0C, reread=1)
    disk.check(kept=False)


@case
def a_cdrom_boots_and_is_not_written(bench):
    disc = make_cdrom(bench.boot_sector, os.path.join(bench.folder, "disc.iso"))
    for options in (["-cdrom", disc], ["-drive", f"file={disc},media=cdrom,index=0", "-drive", "media=cdrom"]):
        bench.boot_disk(*options, write=0x03, reread=1)


@case
def a_diskette_of_each_size_boots_and_keeps_what_is_written(bench):
    for kibibytes in Diskette.FORMATS:
        diskette = bench.diskette(kibibytes)
        bench.boot_disk("-fda", diskette.path, ends=diskette.heads - 1 << 2, dma=0)
        diskette.check(kept=True)


@case
def a_diskette_is_a_snapshot_or_read_only_as_a_disk_is(bench):
    diskette = bench.diskette()
    drive = f"file={diskette.path},if=floppy"
    for options in (["-snapshot", "-fda", diskette.path], ["-drive", drive + ",format=raw,index=0,snapshot=on"]):
        bench.boot_disk(*options, ends=4, dma=0)
        diskette.check(kept=False)
    bench.boot_disk("-drive", drive + ",readonly=on", write=3, reread=1, ends=4, dma=1)
    diskette.check(kept=False)


@case
def the_menu_has_both_floppy_drives(bench):
    a, b = bench.diskette(name="a.img"), bench.diskette(720, name="b.img")
    with Machine(bench.vmm, "-no-reboot", "-boot", "menu=on,splash-time=65535", "-fda", a.path, "-fdb", b.path) as machine:
        machine.expect(rb"Press ESC for boot menu")
        machine.send(b"\x1b")
        number = machine.expect(rb"(\d)\. Floppy \[drive A\]")[1]
        machine.expect(rb"Floppy \[drive B\]")
        machine.send(number)
        machine.expect(rb"the disk boots")


@case
def the_order_of_drives_is_the_users(bench):
    drives = ["-fda", bench.diskette().path, "-hda", bench.disk().path]
    for order, first in (("a", b"Floppy"), ("dca", b"Hard Disk"), ("order=ac", b"Floppy"), ("order=c,once=a", b"Floppy")):
        with Machine(bench.vmm, "-boot", order, *drives) as machine:
            if (found := machine.expect(rb"Booting from (Floppy|Hard Disk)")[1]) != first:
                raise Failure(f"-boot {order} starts from {found.decode()}")
            machine.expect(rb"the disk boots")


@case
def an_order_for_once_is_forgotten_at_a_reset(bench):
    resets = bench.diskette_of(bytes.fromhex("BAF90C B006 EE F4"))  # 6 to port CF9h, halt; there is no signature
    disc = make_cdrom(bench.boot_sector, os.path.join(bench.folder, "disc.iso"))
    with Machine(bench.vmm, "-boot", "order=d,once=a", "-no-fd-bootchk", "-fda", resets, "-cdrom", disc) as machine:
        machine.expect(rb"Booting from Floppy")
        machine.expect(rb"Booting from DVD/CD")
        machine.expect(rb"the disk boots")


A20 = "0" "10" "1" "0" "0" "10" "10" "10101010"


def says(bench, boot_sector, text, *options):
    """What that says behind what the BIOS does, before it ends the machine."""
    with open(boot_sector, "rb") as file:
        diskette = bench.diskette_of(file.read())
    with Machine(bench.vmm, *options, "-fda", diskette, "-no-reboot", "-device", "isa-debug-exit") as machine:
        if (said := machine.expect(rb"Booting from Floppy[^0-9F]*(\w{%d})" % len(text))[1].decode()) != text:
            raise Failure(f"expected {text}, got {said}")
        if (code := machine.exit_code()) != (1 << 1 | 1):
            raise Failure(f"ended with {code}")


@case
def addresses_wrap_at_1_mib_while_the_a20_gate_is_closed(bench):
    says(bench, bench.a20_boot_sector, A20)


@case
def the_timer_interrupts_once_and_the_clock_by_its_alarm(bench):
    says(bench, bench.timers_boot_sector, "112" "A1")


@case
def software_goes_through_the_modes_of_the_processor(bench):
    says(bench, bench.modes_boot_sector, "123456789")


@case
def a_reset_of_the_processor_comes_back_to_real_mode(bench):
    says(bench, bench.reset_boot_sector, "1234")


@case
def a_reset_of_the_processor_that_is_not_to_come_back_is_one_of_the_machine(bench):
    diskette = bench.diskette_of(bytes.fromhex("B0FE E664 F4"))  # FEh to port 64h, halt
    with Machine(bench.vmm, "-fda", diskette, "-no-fd-bootchk", "-no-reboot") as machine:
        if (code := machine.exit_code()) != RESET:
            raise Failure(f"ended with {code}")


@case
def the_second_serial_port_is_com2(bench):
    # Z to port 2F8h; wait for a byte, and that to port 501h
    diskette = bench.diskette_of(bytes.fromhex("BAF802 B05A EE BAFD02 EC A801 74FB BAF802 EC BA0105 EE F4"))
    with Machine(bench.vmm, "-fda", diskette, "-no-fd-bootchk", "-serial", "null", "-serial", "stdio", "-device",
                 "isa-debug-exit") as machine:
        machine.expect(rb"\AZ")
        machine.send(b"A")
        if (code := machine.exit_code()) != (ord("A") << 1 | 1):
            raise Failure(f"ended with {code}")


# ---- Media that come and go -----------------------------------------------------------------------------------------


@case
def a_diskette_is_changed_while_the_guest_runs(bench):
    a, b, large = bench.image("a.img", "a", 1440), bench.image("b.img", "b", 1440), bench.image("large.img", "l", 2880)
    with DriveConsole(bench, "-fda", a) as drives:
        drives.choose(drives.DISKETTE, 1)
        check("the first", drives.bios("r"), (0, "a"))
        check("changed after a seek", drives.changed(), 0)
        check("change", drives.prompt.run(f"change floppy0 {b} raw"), "")
        check("changed", drives.changed(), 1)
        drives.choose(drives.DISKETTE, 2)
        check("the second", drives.bios("r"), (0, "b"))
        check("changed after another seek", drives.changed(), 0)
        if "no diskette of that size" not in (said := drives.prompt.run(f"change floppy0 {large}")):
            raise Failure(f"a diskette that the drive does not take: {said!r}")
        check("it is still there", drives.bios("r"), (0, "b"))
        check("eject", drives.prompt.run("eject floppy0"), "")
        check("info block", drives.prompt.run("info block").splitlines()[1], "floppy0: [not inserted]")
        check("changed without a diskette", drives.changed(), 1)
        if drives.bios("r")[0] == 0:
            raise Failure("an empty drive is read")
        drives.prompt.run(f"change floppy0 {a}")
        drives.choose(drives.DISKETTE, 3)
        check("the first again", drives.bios("r"), (0, "a"))
        with open(b, "r+b") as file:  # nobody has it locked
            file.write(b"x")
        check("a write", drives.bios("w"), (0, "a"))
        drives.end()


@case
def a_disc_is_changed_while_the_guest_runs(bench):
    a, b = bench.image("a.iso", "a", 80), bench.image("with blanks.iso", "b", 80)
    test_unit_ready, lock, events = (0,), (0x1E, 0, 0, 0, 1), (0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8)
    with DriveConsole(bench, "-cdrom", a) as drives:
        check("the first", drives.block()[:1], b"a")
        check("change", drives.prompt.run(f'change ide1-cd0 "{b}"'), "")
        check("the guest hears of it", drives.packet(*test_unit_ready), (6, 0x28, 0))
        check("the second", drives.block()[:1], b"b")
        drives.packet(*events)
        drives.packet(*lock)
        for command in ("eject ide1-cd0", f"change ide1-cd0 {a}"):
            if not re.fullmatch(r"\w+: ide1-cd0 is locked [^\n]*\n", said := drives.prompt.run(command)):
                raise Failure(f"{command}: {said!r}")
            check("the guest is asked", drives.packet(*events)[4], 1)
        check("info block", drives.prompt.run("info block").splitlines()[1], f"ide1-cd0: {b} (raw), read-only, locked")
        check("the second is there", drives.block()[:1], b"b")
        check("eject", drives.prompt.run("eject -f ide1-cd0"), "")
        check("it is gone", drives.packet(*test_unit_ready), (2, 0x3A, 2))
        check("info block", drives.prompt.run("info block").splitlines()[1], "ide1-cd0: [not inserted], read-only, tray open")
        check("a missing file", drives.prompt.run("change ide1-cd0 /nonexistent"),
              "change: cannot open the image '/nonexistent': No such file or directory\n")
        check("change", drives.prompt.run(f"change ide1-cd0 {a}"), "")
        check("the guest hears of it", drives.packet(*test_unit_ready), (6, 0x28, 0))
        check("the first again", drives.block()[:1], b"a")
        drives.end()


@case
def drives_may_be_empty_at_first_and_keep_their_media_over_a_reset(bench):
    a, b = bench.image("a.img", "a", 1440), bench.image("b.iso", "b", 80)
    with DriveConsole(bench, "-drive", "if=floppy", "-drive", "media=cdrom,index=2") as drives:
        check("info block", drives.prompt.run("info block").splitlines()[1:],
              ["ide1-cd0: [not inserted], read-only", "floppy0: [not inserted]"])
        check("no disc", drives.packet(0), (2, 0x3A, 1))
        for drive, file in (("floppy0", a), ("ide1-cd0", b)):
            check(f"change {drive}", drives.prompt.run(f"change {drive} {file}"), "")
        drives.prompt.run("system_reset")
        drives.machine.expect(rb"\Aready\r\n")
        drives.choose(drives.DISKETTE, 1)
        check("the diskette", drives.bios("r"), (0, "a"))
        check("the disc", drives.block()[:1], b"b")
        drives.end()


# ---- Images that the host has something against ---------------------------------------------------------------------


@case
def an_image_that_shrinks_is_an_error_of_its_drive(bench):
    diskette, disc = bench.image("a.img", "a", 1440), bench.image("b.iso", "b", 80)
    with DriveConsole(bench, "-fda", diskette, "-cdrom", disc) as drives:
        drives.choose(drives.DISK, 1)
        check("the disk", drives.bios("r"), (0, "H"))
        for path in (drives.disk, diskette, disc):
            os.truncate(path, SECTOR)
        for _ in range(3):
            check("the disk", drives.bios("r")[0], 0x0C)  # bad track, as SeaBIOS says of any error
            check("the disc", drives.block(9), (3, 0x11, 0))
        drives.choose(drives.DISKETTE, 1)
        for _ in range(3):
            check("the diskette", drives.bios("r")[0], 0x20)  # controller failure; the same
        check("the user is told once of each", drives.errors(),
              [f"ringdown: cannot read the image '{path}': Input/output error" for path in (drives.disk, disc, diskette)])
        drives.end()


@case
def a_host_without_room_is_an_error_of_the_drive(bench):
    limit = 1 << 30  # of any file that is written, but for memory that backs the guest's
    far = 2 * limit // SECTOR
    disk = bench.disk(sectors=far + 1, written=far)
    for options, what in (([], "write"), (["-snapshot"], "write the snapshot of")):
        line = f"ringdown: cannot {what} the image '{disk.path}': File too large\n"
        bench.boot_disk("-hda", disk.path, *options, before=["prlimit", f"--fsize={limit}"], write=0x0C, reread=1, errors=line)
        disk.check(kept=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vmm")
    parser.add_argument("--seabios")
    parser.add_argument("--rom")
    parser.add_argument("--disk")
    parser.add_argument("--acpi")
    parser.add_argument("--floppy")
    parser.add_argument("--a20")
    parser.add_argument("--reset")
    parser.add_argument("--media")
    parser.add_argument("--timers")
    parser.add_argument("--modes")
    return run_cases(parser, Bench)


if __name__ == "__main__":
    sys.exit(main())

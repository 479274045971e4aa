#!/usr/bin/env python3
"""systems_test.py --vmm PROGRAM --source DIR --guests DIR --disk FILE CASE: unmodified systems from disk, CD and ROM, by
Debian's SeaBIOS, driven as a person does: over the serial port, or by keyboard and screen. --disk is what
tools/make-debian-disk makes. With --list, the cases."""
import argparse
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys

tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [tests, os.path.join(tests, "boot"), os.path.join(tests, "display")]
from cases import Failure, case, case_on_request, check, run_cases  # noqa: E402  (found by the line above)
from grub_cd import make_grub_cd  # noqa: E402
from machine import Machine  # noqa: E402
from prompt import Prompt  # noqa: E402
from rfb import free_display  # noqa: E402
from screen import Screen  # noqa: E402

PARTITION = 1 << 20  # where it starts on the disk
POWER_OFF = 0  # monitor/exit_codes.h
INSTALLER = "/usr/lib/debian-installer/images/12/i386/text/debian-installer/i386"
MEMTEST = "/boot/memtest86+ia32.bin"
SHELL = rb"# (?:\x1b\[\?2004h)?"


class Systems:
    """The program under test, the images, and a folder for this run."""

    def __init__(self, options, folder):
        self.vmm, self.guests, self.installed, self.folder = options.vmm, options.guests, options.disk, folder
        self.source = options.source

    def machine(self, *arguments, deadline=480):
        return Machine(self.vmm, *arguments, deadline=deadline)

    @contextlib.contextmanager
    def person(self, *arguments):
        """Who sits before a machine's screen and keyboard."""
        display, prompt = free_display(), os.path.join(self.folder, "prompt")
        with self.machine(*arguments, "-vnc", f":{display}", "-monitor", f"unix:{prompt}") as machine:
            with machine.reached(Screen, display) as screen, machine.reached(Prompt, prompt) as keyboard:
                yield Person(screen, keyboard)

    def disk(self):
        """A Debian of this test's own."""
        path = os.path.join(self.folder, "disk.img")
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", self.installed, path], check=True)
        return path

    def debian(self, disk):
        return self.machine("-m", "512", "-hda", disk)

    def isolinux_cd(self, entry, *files):
        """A CD that isolinux boots from, with its console on the serial port, and these files."""
        tree = os.path.join(self.folder, "isolinux")
        os.mkdir(tree)
        for file in ("/usr/lib/ISOLINUX/isolinux.bin", "/usr/lib/syslinux/modules/bios/ldlinux.c32", *files):
            shutil.copy(file, tree)
        with open(os.path.join(tree, "isolinux.cfg"), "w") as configuration:
            configuration.write(f"SERIAL 0 115200\nDEFAULT it\nPROMPT 1\nTIMEOUT 6000\nLABEL it\n{entry}")
        made = subprocess.run(["xorriso", "-as", "mkisofs", "-o", tree + ".iso", "-b", "isolinux.bin", "-c", "boot.cat",
                               "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", tree],
                              capture_output=True, text=True)
        if made.returncode:
            raise Failure(f"xorriso: {made.stderr}")
        return tree + ".iso"

    def grub_cd(self, commands, *files, **options):
        """A CD whose menu has these commands of GRUB's as its second entry."""
        entries = [("another one", "halt", []), ("the right one", commands, files)]
        return make_grub_cd(os.path.join(self.folder, "grub.iso"), entries, timeout=-1, **options)


class Person:
    def __init__(self, screen, keyboard):
        self.screen, self.keyboard = screen, keyboard

    def sees(self, pattern):
        return self.screen.expect(pattern)

    def presses(self, *keys):
        for key in keys:
            self.keyboard.run(f"sendkey {key}")


def choose_in_grub(machine):
    """The second entry, by the keyboard."""
    machine.expect(rb"another one")
    machine.expect(rb"the right one")
    machine.send(b"\x1b[B\r")


def log_in(machine):
    machine.expect(rb"ringdown login: ")
    machine.send(b"root\n")
    machine.expect(SHELL)
    # Without what makes a line hard to read: editing, and the colours of the prompt.
    machine.send(b"exec env TERM=dumb bash --noediting --norc\n")
    machine.prompt = rb"bash-[\d.]+# "
    machine.expect(machine.prompt)
    run(machine, "dmesg -n 1")  # what the kernel says would stand in what others say


def run(machine, command):
    """What a command says in the guest; it has to succeed."""
    output, status = machine.run(command)
    if status:
        raise Failure(f"{command!r} ended with {status}:\n{output}")
    return output


def power_off(machine):
    machine.send(b"systemctl poweroff\n")
    if (code := machine.exit_code()) != POWER_OFF:
        raise Failure(f"power-off ended with {code}")


def check_file_system(disk, *options):
    done = subprocess.run(["e2fsck", "-f", *options, f"{disk}?offset={PARTITION}"], capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"e2fsck: {done.returncode}\n{done.stdout}{done.stderr}")


# How often the local APIC's timer interrupts, by the guest's own clock: the program computes for a second.
COUNT_TICKS = ("import re, time; "
               "count = lambda: int(re.search(\"LOC: +([0-9]+)\", open(\"/proc/interrupts\").read())[1]); "
               "first, start = count(), time.monotonic(); any(time.monotonic() > start + 1 for _ in iter(int, 1)); "
               "print((count() - first) / (time.monotonic() - start))")


def check_clocks_and_interrupts(machine):
    """Those of a PC with APICs, as the BIOS describes them."""
    interrupts = run(machine, "cat /proc/interrupts")
    for line, handler in ((0, "2-edge +timer"), (1, "1-edge +i8042"), (4, "4-edge +ttyS0"), (8, "8-edge +rtc0"),
                          (9, "9-fasteoi +acpi"), (12, "12-edge +i8042"), (14, "14-edge +ata_piix"),
                          (15, "15-edge +ata_piix")):
        if not re.search(rf"^ *{line}: +\d+ +IO-APIC +{handler}$", interrupts, re.MULTILINE):
            raise Failure(f"interrupt {line} is not '{handler}':\n{interrupts}")
    for name in ("SPU", "ERR", "MIS"):  # spurious ones, the APIC's errors, levels that were seen as edges
        check(name, re.search(rf"^{name}: +(\d+)", interrupts, re.MULTILINE)[1], "0")
    clocks = "/sys/devices/system/clocksource/clocksource0/"
    check("clock source", run(machine, f"cat {clocks}current_clocksource"), "tsc\n")
    available = run(machine, f"cat {clocks}available_clocksource")
    # The ACPI timer is another one, if the host was not too busy while Linux tried how fast it is.
    if not {"tsc", "hpet"}.issubset(available.split()):
        raise Failure(f"clock sources: {available}")
    check("timer", run(machine, "cat /sys/devices/system/clockevents/clockevent0/current_device"), "lapic\n")
    complaints = "MP-BIOS bug|unstable|nobody cared|spurious|ACPI (BIOS )?Error"
    check("complaints", run(machine, f"dmesg | grep -iE '{complaints}' || true"), "")
    rate = float(run(machine, f"python3 -c '{COUNT_TICKS}'"))
    hertz = int(run(machine, "grep -h CONFIG_HZ= /boot/config-* | cut -d= -f2"))
    # Of the ticks that the host does not let the guest have in time, Linux makes one.
    if not hertz / 25 < rate < hertz * 1.2:
        raise Failure(f"{rate:.0f} timer interrupts a second where Linux asks for {hertz}")


@case
def debian_from_its_disk_works_and_powers_off(systems):
    disk = systems.disk()
    with systems.debian(disk) as machine:
        log_in(machine)
        run(machine, r"printf '#include <stdio.h>\nint main(void) { return printf(\"%%d\\n\", 6 * 7) < 0; }\n' >it.c")
        check("a compiled program", run(machine, "gcc -O2 -o it it.c && ./it"), "42\n")
        check("Python", run(machine, "python3 -c 'print(sum(n * n for n in range(1000)))'"), "332833500\n")
        check("SQLite", run(machine, "sqlite3 it.db 'create table t(n); insert into t values (1), (2), (39); "
                                            "select sum(n) from t'"), "42\n")
        run(machine, "dd if=/dev/urandom of=it.bin bs=1M count=32 status=none && sha256sum it.bin >it.sum")
        power_off(machine)
    check_file_system(disk, "-n")
    with systems.debian(disk) as machine:
        log_in(machine)
        check("a file of the day before", run(machine, "sha256sum -c it.sum"), "it.bin: OK\n")
        check("units that failed", run(machine, "systemctl --failed --no-legend --plain"), "")
        check_clocks_and_interrupts(machine)


@case
def what_was_synchronised_is_there_after_sigkill(systems):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    choice = random.Random(seed)
    disk = systems.disk()
    said = 0
    with systems.debian(disk) as machine:
        log_in(machine)
        with open(os.path.join(systems.source, "tests/systems/writer.c")) as file:
            program = "".join(line for line in file if not line.startswith("//"))
        machine.send(b"cat >writer.c <<'END'\n" + program.encode() + b"END\n")
        run(machine, "gcc -o writer writer.c && sync")
        for turn in range(2):
            machine.send(f"./writer lines{turn}\n".encode())
            for n in range(1, choice.randrange(2, 400)):
                said = int(machine.expect(rb"<(\d+)>")[1])
                if said != n:
                    raise Failure(f"seed {seed}: the writer said {said} instead of {n}")
            machine.kill()
            machine.start()
            recovered = machine.expect(rb"recovery complete|ringdown login: ")[0]
            if recovered != b"recovery complete":
                raise Failure(f"seed {seed}: no journal was replayed")
            log_in(machine)
            lines = run(machine, f"cat lines{turn}").split("\n")
            expected = [f"line {n}" for n in range(1, said + 1)]
            if lines[:said] != expected:
                raise Failure(f"seed {seed}, turn {turn}: of {said} lines that were synchronised {len(lines)} are there")
        power_off(machine)
    check_file_system(disk, "-n")


@case
def isolinux_starts_the_installer(systems):
    cd = systems.isolinux_cd("  KERNEL linux\n  APPEND initrd=initrd.gz console=ttyS0,115200\n", f"{INSTALLER}/linux",
                             f"{INSTALLER}/initrd.gz")
    with systems.machine("-m", "512", "-cdrom", cd) as machine:
        machine.expect(rb"boot: ")
        machine.send(b"it\n")
        machine.expect(rb"Select a language")
        machine.expect(rb"English")


@case
def the_installer_shows_its_first_dialog_on_the_screen(systems):
    """In a frame buffer, which Linux's driver of the VGA sets up."""
    cd = systems.isolinux_cd("  KERNEL linux\n  APPEND initrd=initrd.gz vga=normal fb=false\n", f"{INSTALLER}/linux",
                             f"{INSTALLER}/initrd.gz")
    with systems.person("-m", "512", "-cdrom", cd) as person:
        person.sees("boot:")
        person.presses("i", "t", "ret")
        person.sees(r"Select a language(?s:.)*\n.*English +-  English")
        person.presses("ret")
        person.sees("Select your location")


@case
def grub_starts_debian(systems):
    cd = systems.grub_cd("linux /boot/vmlinuz-686-pae console=ttyS0,115200 panic=-1", f"{systems.guests}/vmlinuz-686-pae")
    with systems.machine("-m", "256", "-cdrom", cd, "-no-reboot") as machine:
        choose_in_grub(machine)
        machine.expect(rb"Linux version \d")
        machine.expect(rb"Unable to mount root fs")
        machine.exit_code()


@case
def grub_on_the_screen_starts_debian_from_the_menu_of_seabios(systems):
    cd = systems.grub_cd("linux /boot/vmlinuz-686-pae", f"{systems.guests}/vmlinuz-686-pae", console="console")
    with systems.person("-m", "256", "-boot", "menu=on,splash-time=65535", "-cdrom", cd) as person:
        person.sees("Press ESC for boot menu")
        person.presses("esc")
        person.presses(person.sees(r"(\d)\. DVD/CD ")[1])
        person.sees(r"\*another one .*\n.* the right one")
        person.presses("down")
        person.sees(r" another one .*\n.*\*the right one")
        person.presses("ret")
        person.sees("Unable to mount root fs")


@case
def grub_starts_gnu_mach(systems):
    cd = systems.grub_cd("multiboot /boot/gnumach console=com0", f"{systems.guests}/gnumach")
    with systems.machine("-m", "256", "-cdrom", cd, "-no-reboot") as machine:
        choose_in_grub(machine)
        machine.expect(rb"GNU Mach 1\.8")
        machine.expect(rb"ide: BM-DMA feature is not enabled \(BIOS\), enabling")
        machine.expect(rb"ATAPI CDROM drive")
        machine.expect(rb"No bootstrap code loaded with the kernel")


@case
def grub_starts_gnu_mach_without_pci(systems):
    cd = systems.grub_cd("multiboot /boot/gnumach console=com0", f"{systems.guests}/gnumach")
    with systems.machine("-machine", "isapc", "-m", "256", "-cdrom", cd, "-no-reboot") as machine:
        choose_in_grub(machine)
        machine.expect(rb"GNU Mach 1\.8")
        machine.expect(rb"ATAPI CDROM drive")
        machine.expect(rb"No bootstrap code loaded with the kernel")


@case
def debian_finds_its_disk_without_pci(systems):
    """Its driver for disks on the ISA bus has to be asked for."""
    cd = systems.grub_cd("linux (hd0,msdos1)/vmlinuz root=/dev/sda1 console=ttyS0,115200 break=premount\n"
                         "  initrd (hd0,msdos1)/initrd.img", more_modules="part_msdos ext2")
    drives = ("-snapshot", "-hda", systems.installed, "-cdrom", cd, "-boot", "d")
    with systems.machine("-machine", "isapc", "-m", "512", *drives) as machine:
        choose_in_grub(machine)
        machine.expect(rb"\(initramfs\) ")
        machine.send(b"ls /sys/bus/pci/devices; modprobe pata_legacy; exit\n")
        machine.expect(rb"exit\r*\n")
        if b"0000:" in machine.expect(rb"((?s:.*?))pata_legacy")[1]:
            raise Failure("something is on PCI")
        machine.expect(rb"ata1: PATA max PIO4 cmd 0x1f0 ctl 0x3f6 irq 14")
        machine.expect(rb"Welcome to .*Debian GNU/Linux 12")


def memtest86_passes(person):
    """All of its tests but the last one, which waits for two times 80 seconds."""
    for sees, *presses in (("<F1> Configuration", "f1"), ("<F1> +Test selection", "f1"),
                           ("<F2> +Remove one test", "f2"), ("Enter test #", "1", "0", "ret"), (r"\*\.\*{8}\.", "f10"),
                           ("<F1> +Test selection", "f10")):
        person.sees(sees)
        person.presses(*presses)
    if person.sees(r"Errors: [1-9]|Pass: +[1-9]\d* +Errors: 0")[0].startswith("Errors"):
        raise Failure(person.screen.text())


@case
def memtest86_passes_from_a_floppy(systems):
    floppy = os.path.join(systems.folder, "floppy.img")
    shutil.copy(MEMTEST, floppy)  # which begins with a boot sector
    os.truncate(floppy, 1440 * 1024)
    with systems.person("-m", "32", "-fda", floppy) as person:
        memtest86_passes(person)


@case
def memtest86_passes_from_its_cd(systems):
    with systems.person("-m", "16", "-cdrom", "/usr/lib/memtest86+/memtest86+ia32.iso") as person:
        memtest86_passes(person)


@case_on_request
def memtest86_passes_whole(systems):
    """All of its tests, and two times 80 seconds in which nothing happens to memory."""
    cd = systems.grub_cd("linux /boot/memtest86+ia32.bin console=ttyS0,115200 nosmp", MEMTEST)
    with systems.machine("-m", "32", "-cdrom", cd) as machine:
        choose_in_grub(machine)
        match = machine.expect(rb"Pass:\s+(\d+)\s+Errors: [1-9]|Pass:\s+[1-9]\d*\s+Errors: 0")
        if match[1] is not None:
            raise Failure(f"memtest86+ says {match[0]!r}")


@case
def ipxe_looks_for_a_network(systems):
    with systems.machine("-m", "64", "-option-rom", "/usr/lib/ipxe/qemu/pxe-rtl8139.rom") as machine:
        machine.expect(rb"iPXE initialising devices\.\.\.ok")
        machine.expect(rb"Ctrl-B for the iPXE command line")
        machine.send(b"\x02")
        machine.expect(rb"iPXE> ")
        machine.send(b"ifstat\r")
        machine.expect(rb"iPXE> ")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[2])
    for option in ("--vmm", "--source", "--guests", "--disk"):
        parser.add_argument(option)
    sys.exit(run_cases(parser, Systems))

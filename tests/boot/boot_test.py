#!/usr/bin/env python3
"""boot_test.py --vmm PROGRAM --guests DIR --source DIR CASE: boots a real, unmodified guest and checks it from outside,
over the serial console. With --list, the cases. PROGRAM may be qemu-system-i386, to check the tests themselves."""
import argparse
import contextlib
import glob
import hashlib
import json
import os
import random
import re
import signal
import string
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import Failure, case, check, run_cases  # noqa: E402  (found by the line above)
from grub_cd import linux_entry, make_grub_cd  # noqa: E402
from machine import DEADLINE_SECONDS, PROMPT, Machine  # noqa: E402

# monitor/exit_codes.h; QEMU has one code for each of these.
RESET, TRIPLE_FAULT, POWER_OFF = "reset", "triple fault", "power-off"
EXIT_CODES = {"ringdown": {RESET: 12, TRIPLE_FAULT: 14, POWER_OFF: 0},
              "qemu": {RESET: 0, TRIPLE_FAULT: 0, POWER_OFF: 0}}


class Bench:
    """What the cases have in common: the program under test, the guest's files and a folder for this run."""

    def __init__(self, options, folder):
        self.vmm, self.guests, self.source, self.folder = options.vmm, options.guests, options.source, folder
        self.deadline = options.deadline
        self.is_qemu = "qemu" in os.path.basename(options.vmm)
        self.exit_codes = EXIT_CODES["qemu" if self.is_qemu else "ringdown"]

    def initramfs(self, programs=()):
        path = os.path.join(self.folder, "initramfs")
        subprocess.run([f"{self.source}/tools/make-initramfs", "--guests", self.guests, path, *programs], check=True)
        return path

    def machine(self, *arguments):
        return Machine(self.vmm, *arguments, deadline=self.deadline)

    def policy(self, user_code):
        """How user code is to run; QEMU has one way."""
        return [] if self.is_qemu else ["-user", user_code]

    def linux(self, kernel="vmlinuz-686", append="", memory="256", reboot=False, options=(), programs=()):
        # So wide that the shell's line editor does not fold what is typed.
        append = f"console=ttyS0 guest_columns=1000 {append}"
        arguments = ["-kernel", f"{self.guests}/{kernel}", "-initrd", self.initramfs(programs), "-m", memory,
                     "-append", append, "-device", "isa-debug-exit,iobase=0x501,iosize=2"]
        return self.machine(*arguments, *options, *([] if reboot else ["-no-reboot"]))

    def linux_on_cd(self, options=(), entries=(), timeout=0):
        """Behind a BIOS: a CD with GRUB, whose last entry is Linux."""
        append = "console=ttyS0 guest_columns=1000"
        linux = linux_entry("Debian", f"{self.guests}/vmlinuz-686", self.initramfs(), append)
        disc = make_grub_cd(os.path.join(self.folder, "grub.iso"), [*entries, linux], timeout)
        return self.machine("-cdrom", disc, "-m", "256", "-no-reboot",
                            "-device", "isa-debug-exit,iobase=0x501,iosize=2", *options)


def shell_works(machine, release_suffix):
    machine.to_shell()
    output, status = machine.run("uname -sm; uname -r | sed 's/^[0-9.]*-[0-9]*-//'; (exit 7)")
    check("uname", output, f"Linux i686\n{release_suffix}\n")
    check("status of a command", status, 7)
    output, status = machine.run("(seq 1 20000 >numbers) & wait %1; cat numbers | sort -rn | head -n 1")
    check("job and pipeline", output.splitlines()[-1], "20000")
    machine.send(b"exit\n")
    check("exit code", machine.exit_code(), 1)


@case
def linux_686_to_the_shell(bench):
    with bench.linux() as machine:
        shell_works(machine, "686")


@case
def linux_686_pae_to_the_shell(bench):
    with bench.linux("vmlinuz-686-pae") as machine:
        shell_works(machine, "686-pae")


@case
def linux_686_translated(bench):
    with bench.linux(options=bench.policy("translated")) as machine:
        shell_works(machine, "686")


@case
def linux_686_natively(bench):
    with bench.linux(options=bench.policy("native")) as machine:
        shell_works(machine, "686")


@case
def linux_686_pae_natively(bench):
    with bench.linux("vmlinuz-686-pae", options=bench.policy("native")) as machine:
        shell_works(machine, "686-pae")


@case
def linux_686_pae_has_nx(bench):
    # QEMU's default processor has none.
    with bench.linux("vmlinuz-686-pae", options=["-cpu", "qemu32,+nx"] if bench.is_qemu else []) as machine:
        machine.expect(rb"NX \(Execute Disable\) protection: active")
        machine.to_shell()
        output, _ = machine.run("grep ^flags /proc/cpuinfo | tr ' ' '\\n' | grep -x -e pae -e nx | sort")
        check("processor flags", output.split(), ["nx", "pae"])


@case
def linux_686_in_little_memory(bench):
    with bench.linux(memory="64") as machine:
        machine.to_shell()
        output, _ = machine.run("awk '/MemTotal/ {print ($2 < 65536)}' /proc/meminfo")
        check("memory below 64 MiB", output, "1\n")


@case
def linux_686_with_much_memory(bench):
    with bench.linux(memory="2048") as machine:
        machine.to_shell()
        output, _ = machine.run("awk '/MemTotal/ {print ($2 > 1900000)}' /proc/meminfo")
        check("memory above 1.9 GB", output, "1\n")


@case
def a_pasted_text_arrives_whole(bench):
    generator = random.Random(1)
    lines = ["".join(generator.choices(string.ascii_letters + string.digits, k=72)) + "\n" for _ in range(400)]
    text = "".join(lines).encode()
    with bench.linux() as machine:
        machine.to_shell()
        machine.send(b"cat >pasted; echo ca''t ended\n")
        machine.send(text + b"\x04")
        machine.expect(rb"cat ended\r*\n")
        machine.expect(PROMPT)
        output, _ = machine.run("sha256sum pasted")
        check("checksum of the pasted text", output.split()[0], hashlib.sha256(text).hexdigest())


@case
def control_c_ends_the_foreground_job(bench):
    with bench.linux() as machine:
        machine.to_shell()
        # The job itself says that it runs: before that the shell would get the signal.
        machine.send(b"sh -c 'echo rea\"\"dy; exec cat'\n")
        machine.expect(rb"ready\r*\n")
        machine.send(b"\x03")
        machine.expect(rb"\^C")
        machine.expect(PROMPT)
        output, _ = machine.run("echo $?")
        check("status after C-c", output, "130\n")


@case
def a_user_program_that_faults_gets_its_signal(bench):
    with bench.linux() as machine:
        machine.to_shell()
        _, status = machine.run("sh -c 'kill -SEGV $$'")
        check("status of a killed program", status, 128 + 11)


def programs_of_the_benchmark(bench):
    sources = sorted(glob.glob(f"{bench.source}/bench/programs/*.c"))
    subprocess.run([f"{bench.source}/tools/build-guest-programs", bench.folder, *sources], check=True)
    return {os.path.basename(source)[:-2]: os.path.join(bench.folder, os.path.basename(source)[:-2]) for source in sources}


def programs_compute(bench, user_code):
    programs = programs_of_the_benchmark(bench)
    process = programs["process"]
    rows = subprocess.run([process, "list"], check=True, capture_output=True, text=True).stdout.split()
    with bench.linux(append="quiet", programs=programs.values(), options=bench.policy(user_code)) as machine:
        machine.to_shell()
        for name in sorted(programs.keys() - {"process"}):
            native = subprocess.run([programs[name], "1"], check=True, capture_output=True, text=True).stdout
            output, _ = machine.run(f"/opt/{name} 1")
            check("name and checksum", output.split()[:2], native.split()[:2])
        for row in rows:
            output, status = machine.run(f"/opt/process {row} 2")
            check(f"status of {row}", status, 0)
            check("name and checksum", output.split()[:2], [row, "-"])


@case
def programs_compute_what_they_do_on_the_host(bench):
    programs_compute(bench, "auto")


@case
def programs_compute_what_they_do_on_the_host_translated(bench):
    programs_compute(bench, "translated")


@case
def programs_compute_what_they_do_on_the_host_natively(bench):
    programs_compute(bench, "native")


# It goes native and comes back at random, whatever it is doing.
@case
def programs_compute_what_they_do_on_the_host_restlessly(bench):
    programs_compute(bench, "restless")


@case
def spaces_of_ended_processes_are_used_again(bench):
    stats = os.path.join(bench.folder, "stats")
    with bench.linux(append="quiet", options=["-stats", stats]) as machine:
        machine.to_shell()
        output, _ = machine.run("for n in $(seq 200); do sh -c 'echo $0' $n; done | tail -n 1")
        check("the last process", output, "200\n")
        machine.send(b"exit\n")
        check("exit code", machine.exit_code(), 1)
    with open(stats) as file:
        created = json.load(file)["counters"]["shadow_spaces_created"]
    if created >= 20:
        raise Failure(f"{created} shadow spaces for 200 processes, one after another")


# A process of its own for each address space, and more of them than there are sandboxes.
@case
def many_processes_compute_natively(bench):
    with bench.linux(append="quiet", options=bench.policy("native")) as machine:
        machine.to_shell()
        loop = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; echo $i"
        output, _ = machine.run(f"for p in $(seq 150); do ({loop}) >>sums & done; wait; sort sums | uniq -c")
        check("sums of 150 processes", output.split()[-2:], ["150", "3000"])


def ticks_of_children(pid):
    """Of the processor's time that each child of a process has used, by its id."""
    ticks = {}
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        children = file.read().split()
    for child in children:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{child}/stat") as file:
            ticks[int(child)] = int(file.read().rpartition(")")[2].split()[11])
    return ticks


def child_that_runs(machine):
    """The one that uses the processor while we look."""
    before, limit = ticks_of_children(machine.process.pid), time.monotonic() + 60
    while time.monotonic() < limit:
        for child, ticks in ticks_of_children(machine.process.pid).items():
            if ticks >= before.get(child, 0) + 5:
                return child
    raise Failure("no child of the monitor runs")


# Whatever ends the process that runs it, the guest's program gets a signal, and nothing else happens.
@case
def a_killed_sandbox_ends_one_program(bench):
    with bench.linux(append="quiet", options=bench.policy("native")) as machine:
        machine.to_shell()
        # In the foreground: what the shell tells of a job would come between what is typed.
        machine.send(b"sh -c 'while :; do :; done'; echo ended=$?\n")
        os.kill(child_that_runs(machine), signal.SIGKILL)
        machine.expect(b"ended=%d\r*\n" % (128 + signal.SIGSEGV))
        machine.expect(PROMPT)
        output, _ = machine.run("echo alive")
        check("the shell", output, "alive\n")


SWITCH_OFF = ("Switch off", "halt", [])
UP, DOWN, ENTER = b"\x1b[A", b"\x1b[B", b"\r"


@case
def a_menu_of_grub_on_a_cd_boots_debian(bench):
    with bench.linux_on_cd(entries=[SWITCH_OFF], timeout=-1) as machine:
        for key, chosen in ((b"", b"Switch off"), (DOWN, b"Debian"), (UP, b"Switch off"), (DOWN, b"Debian")):
            machine.send(key)
            machine.expect(rb"\*" + chosen)
        machine.send(ENTER)
        shell_works(machine, "686")


@case
def grub_switches_off_by_acpi(bench):
    with bench.linux_on_cd(entries=[SWITCH_OFF]) as machine:
        check("exit code", machine.exit_code(), bench.exit_codes[POWER_OFF])


@case
def debian_finds_acpi_and_switches_off_by_it(bench):
    with bench.linux_on_cd() as machine:
        machine.to_shell()
        log, _ = machine.run("dmesg")
        for line in (r"ACPI: PM-Timer IO Port: 0x\w+", r"ACPI: \d ACPI AML tables successfully acquired and loaded",
                     r"ACPI: PM: \(supports S0( S3)? S4 S5\)", r"ACPI: Using (PIC|IOAPIC) for interrupt routing",
                     r"ACPI: PCI: Interrupt link LNKA configured for IRQ 1[01]", r"PCI: Using ACPI for IRQ routing"):
            if not re.search(line, log):
                raise Failure(f"{line!r} is not in the kernel's log:\n{log}")
        check("complaints of ACPI", re.findall(r"ACPI (?:BIOS )?(?:Error|Warning|Exception).*", log), [])
        output, _ = machine.run("grep -c '^ *9:.*acpi' /proc/interrupts; grep -c 'ACPI PM_TMR' /proc/ioports")
        check("lines of the SCI and the timer", output.split(), ["1", "1"])
        # TMROF_EN, which nothing in the kernel waits for: it says so when the timer overflows, every 2.3 s.
        machine.run("port=0x$(sed -n 's/^ *\\([^-]*\\)-.* ACPI PM1a_EVT_BLK$/\\1/p' /proc/ioports)")
        machine.run(r"printf '\001' | dd of=/dev/port bs=1 seek=$((port + 2))")
        machine.run("until dmesg | grep -q 'No installed handler for fixed event.*PM_Timer'; do sleep 1; done")
        output, _ = machine.run("grep -c '^ *9: *1 .*acpi' /proc/interrupts")
        check("lines of an SCI that came once", output, "1\n")
        machine.send(b"poweroff -f\n")
        check("exit code", machine.exit_code(), bench.exit_codes[POWER_OFF])


@case
def debian_does_without_acpi(bench):
    with bench.linux_on_cd(options=["-machine", "pc,acpi=off"]) as machine:
        machine.to_shell()
        output, _ = machine.run("dmesg | grep -c 'ACPI: Interpreter enabled'")
        check("lines of ACPI", output, "0\n")
        machine.send(b"reboot -f\n")
        check("exit code", machine.exit_code(), bench.exit_codes[RESET])


@case
def gnumach_to_its_bootstrap(bench):
    with bench.machine("-kernel", f"{bench.guests}/gnumach", "-append", "console=com0", "-m", "256",
                       "-no-reboot") as machine:
        machine.expect(rb"GNU Mach 1\.8")
        machine.expect(rb"bootstrap\.c")


def reset_by(bench, method, end):
    with bench.linux(append=f"reboot={method}") as machine:
        machine.to_shell()
        machine.send(b"reboot\n")
        check(f"exit code after reboot={method} with -no-reboot", machine.exit_code(), bench.exit_codes[end])
    with bench.linux(append=f"reboot={method}", reboot=True) as machine:
        machine.to_shell()
        machine.send(b"touch /tmp/was-here; reboot\n")
        machine.to_shell()
        _, status = machine.run("test -e /tmp/was-here")
        check("a file of the run before the reset", status, 1)


@case
def reset_by_keyboard_controller(bench):
    reset_by(bench, "kbd", RESET)


@case
def reset_by_port_cf9(bench):
    reset_by(bench, "pci", RESET)


@case
def reset_by_triple_fault(bench):
    reset_by(bench, "triple", TRIPLE_FAULT)


@case
def demo_ends_with_the_status_of_its_command(bench):
    environment = dict(os.environ, RINGDOWN_VMM=bench.vmm, RINGDOWN_GUESTS=bench.guests)
    for command, output, status in (("echo 'a  b'; printf c", b"a  b\nc", 0), ("exit 7", b"", 7),
                                    ("kill -9 $$", b"", 137), ("exit 255", b"", 255)):
        run = subprocess.run([f"{bench.source}/demo", command], env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, timeout=240)
        check(f"output of {command}", run.stdout.replace(b"\r", b""), output)
        check(f"status of {command}", run.returncode, status)


@case
def demo_says_when_the_guest_did_not_get_there(bench):
    environment = dict(os.environ, RINGDOWN_VMM=bench.vmm, RINGDOWN_GUESTS=bench.guests)
    run = subprocess.run([f"{bench.source}/demo", "reboot -f"], env=environment, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=240)
    check("status", run.returncode, 125)
    check("complaint", b"the guest ended while the command ran" in run.stderr, True)


def main():
    parser = argparse.ArgumentParser()
    for name in ("vmm", "guests", "source"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--deadline", type=float, default=DEADLINE_SECONDS, help="seconds for one machine")
    return run_cases(parser, Bench)


if __name__ == "__main__":
    sys.exit(main())

"""The rows of bench/compare, in groups: what is run, and which figures its output has. A Work is what one turn of an engine
runs; most have one row."""
import glob
import json
import os
import re
import subprocess
import time
from typing import NamedTuple

from engines import DEBUG_EXIT, PROMPT, ROOT, Failure, Image
from figures import BOCHS, CYCLES, NATIVE, OURS, SANDBOXED, SECONDS
from grub_cd import make_grub_cd

BUILT = os.path.join(ROOT, "build", "guest-programs")
PROGRAMS = os.path.join(ROOT, "bench", "programs")
IN_GUEST = "/opt"
MEMTEST = "/boot/memtest86+ia32.bin"
KERNELS = ["686", "686-pae"]
BOOT_STAGES = {"kernel": rb"Linux version", "init": rb"Run /init as init process", "shell": rb"guest is up(?s:.*?)" + PROMPT}
# A program that takes less than this runs three times in a turn.
SHORT_SECONDS, RUNS_OF_SHORT = 1, 3
# A quick run has programs compute so many times less.
PARTS_OF_QUICK = 4
# A program's own time must agree with the host's within this; shorter runs say nothing.
CLOCK_TOLERANCE, CLOCK_MINIMUM_SECONDS = 0.1, 0.3
# The smaller one is the least that Debian's kernel starts with comfortably.
MEMORIES = [64, 2048]
# They take half a minute and more for each repetition.
ON_REQUEST = {"forkwait", "memtest"}
# Of bench/programs/process.c: what native user code is judged by.
SANDBOX_ROWS = ["getppid_int80", "hundred"]


class Figure(NamedTuple):
    row: str
    value: float
    checksum: str


class Unavailable(Exception):
    """A group's parts are not there; the text says which."""


class Work:
    """Nothing but what all kinds of work have; `image` is the guest at whose shell it runs, or None."""

    def __init__(self, group, names, unit=SECONDS, image=None):
        self.group, self.names, self.unit, self.image = group, names, unit, image

    def runs_on(self, engine):
        return engine.name != BOCHS


class Command(Work):
    """One row: a command, at the host's shell and at the guest's, that prints 'NAME CHECKSUM NANOSECONDS'."""

    def __init__(self, group, name, image, native, guest, repeated=True, whole=True):
        super().__init__(group, [name], image=image)
        self.native, self.guest, self.repeated = native, guest, repeated
        self.whole = whole  # the nanoseconds are those of the whole command, and not of one operation of many

    def runs_on(self, engine):
        return engine.name != BOCHS and (self.native is not None or engine.name != NATIVE)

    def measure(self, shell, quick):
        figures = [self._run(shell)]
        if self.repeated and not quick and figures[0].value < SHORT_SECONDS:
            figures += [self._run(shell) for _ in range(RUNS_OF_SHORT - 1)]
        if len({figure.checksum for figure in figures}) > 1:
            raise Failure("its runs have different checksums")
        return [min(figures, key=lambda figure: figure.value)]

    def _run(self, shell):
        ran = shell.run(self.native if shell.name == NATIVE else self.guest)
        checksum, seconds = parse_line(ran.output)
        if self.whole:
            check_clock(seconds, ran.seconds)
        return Figure(self.names[0], seconds, checksum)


class RoundTrip(Command):
    """getppid_int80 natively in the guest, where the monitor and the guest's program have all of the host's processors."""

    def __init__(self, setup):
        super().__init__("sandbox", "getppid_int80_unpinned", setup.image(), None, f"{IN_GUEST}/process getppid_int80",
                         whole=False)
        self.processors = setup.processors

    def runs_on(self, engine):
        return engine.name == SANDBOXED

    def measure(self, shell, quick):
        shell.pin(self.processors)
        return super().measure(shell, quick)


def parse_line(output):
    match = re.fullmatch(r"\S+ (\S+) (\d+)", output.strip())
    if not match or int(match[2]) == 0:
        raise Failure(f"not a line of a name, a checksum and nanoseconds: {output.strip()[-300:]!r}")
    return match[1], int(match[2]) / 1e9


def check_clock(own, host):
    """What a program says of its own time must be possible."""
    if host > CLOCK_MINIMUM_SECONDS and own > host * (1 + CLOCK_TOLERANCE):
        raise Failure(f"{own:.2f} s by its own clock, {host:.2f} s by the host's")
    if host > 3 * CLOCK_MINIMUM_SECONDS and own < host * 0.5:
        raise Failure(f"only {own:.2f} s of the host's {host:.2f} s by its own clock")


class Boot(Work):
    """From the start to the kernel's first line on the console, to init, and to the shell."""

    def __init__(self, kernel, image):
        super().__init__("boot", [f"{kernel}_{stage}" for stage in BOOT_STAGES])
        self.booted = image

    def runs_on(self, engine):
        return engine.name not in (NATIVE, BOCHS)

    def measure(self, monitor, _):
        start, ends = time.monotonic(), []
        with monitor.machine(*self.booted.arguments("console=ttyS0")) as machine:
            for pattern in BOOT_STAGES.values():
                machine.expect(pattern)
                ends.append(time.monotonic() - start)
        return [Figure(name, seconds, "-") for name, seconds in zip(self.names, ends)]


class Translation(Work):
    """Cycles for one of the guest's instructions that is translated: of all that a boot to the shell takes."""

    def __init__(self, kernel, image, folder):
        super().__init__("boot", [f"{kernel}_translation"], CYCLES)
        self.booted, self.stats = image, os.path.join(folder, "stats")

    def runs_on(self, engine):
        return engine.name == OURS

    def measure(self, monitor, _):
        shell = monitor.start_shell(self.booted, "-stats", self.stats)
        with shell.machine as machine:
            machine.to_shell()
            shell.end()
        with open(self.stats) as file:
            return [Figure(self.names[0], cycles_of_translation(json.load(file)["counters"]), "-")]


def cycles_of_translation(counters):
    if "translation_cycles" not in counters:
        raise Failure("this build does not count the cycles of translation")
    return counters["translation_cycles"] / counters["instructions_translated"]


class Nano(Work):
    """bench/nano: a kernel of its own that ends the machine, and for the host a program with the rows of ring 3."""

    def __init__(self, folder):
        super().__init__("nano", [], CYCLES)
        self.folder = folder

    def runs_on(self, engine):
        return True

    def measure(self, engine, _):
        native, kernel = (os.path.join(self.folder, name) for name in ("nano-native", "nano.elf"))
        if engine.name == NATIVE:
            return nano_figures(engine.run(native).output)
        if engine.name == BOCHS:
            return [Figure(row, cycles, "-") for row, cycles in engine.nano(kernel, cycles_per_second(native)).items()]
        with engine.machine("-kernel", kernel, *DEBUG_EXIT) as machine:
            code = machine.exit_code()
            output = machine.history.decode(errors="replace")
        if code != 1:
            raise Failure(f"ended with {code}: {output.strip()[-300:]}")
        return nano_figures(output)


def cycles_per_second(native):
    """Of the host's time-stamp counter, as the native rows have it."""
    output = subprocess.run([native, "quick"], capture_output=True, text=True, check=False).stdout
    return {figure.row: figure.value for figure in nano_figures(output)}["host_4ms"] / 0.004


def nano_figures(output):
    found = re.findall(r"^(\S+) - (\d+(?:\.\d+)?)\r*$", output, re.MULTILINE)
    if not found:
        raise Failure(f"no line of a row and its cycles: {output.strip()[-300:]!r}")
    return [Figure(row, float(cycles), "-") for row, cycles in found]


class BootSector(Work):
    """From the start, by SeaBIOS, to the first word of the boot sector of bench/pc."""

    def __init__(self, disk):
        super().__init__("pc", ["bios"])
        self.disk = disk

    def runs_on(self, engine):
        return engine.name not in (NATIVE, BOCHS)

    def measure(self, monitor, _):
        start = time.monotonic()
        with monitor.machine("-m", "64", *raw_disk(self.disk), "-snapshot", *DEBUG_EXIT) as machine:
            machine.expect(rb"up\n")
            return [Figure("bios", time.monotonic() - start, "-")]


class BootPrograms(BootSector):
    """What that starts, in cycles by the guest's own time-stamp counter, which is the host's."""

    def __init__(self, disk):
        super().__init__(disk)
        self.names, self.unit = ["real_mode", "text_scroll", "mode_13h"], CYCLES

    def measure(self, monitor, _):
        with monitor.machine("-m", "64", *raw_disk(self.disk), "-snapshot", *DEBUG_EXIT) as machine:
            return [Figure(name, int(machine.expect(name.encode() + rb" ([0-9A-F]{16})\n")[1], 16), "-")
                    for name in self.names]


class DebianDisk(Work):
    """tools/make-debian-disk's, by BIOS and GRUB to its login, and then the throughput of another disk: seconds for a
    mebibyte, by the bus master and past the guest's cache. The host has cached all of it."""
    READ, WRITE = "dd if=/dev/sdb of=/dev/null bs=1M iflag=direct", "dd if=/dev/zero of=/dev/sdb bs=1M count=256 oflag=direct"

    def __init__(self, disk, scratch):
        super().__init__("pc", ["disk_login", "disk_read", "disk_write"])
        self.disk, self.scratch = disk, scratch

    def runs_on(self, engine):
        return engine.name not in (NATIVE, BOCHS)

    def measure(self, monitor, _):
        start = time.monotonic()
        disks = [*raw_disk(f"{self.disk},snapshot=on"), *raw_disk(self.scratch)]
        with monitor.machine("-m", "512", *disks, *DEBUG_EXIT) as machine:
            machine.expect(rb"ringdown login: ")
            login = time.monotonic() - start
            machine.send(b"root\n")
            machine.expect(rb"# ")
            for command in (self.WRITE, self.READ):  # what is sparse and what is not cached has to be so before it counts
                self._transfer(machine, command)
            write, read = self._transfer(machine, self.WRITE), self._transfer(machine, self.READ)
        return [Figure("disk_login", login, "-"), Figure("disk_read", read, "-"), Figure("disk_write", write, "-")]

    def _transfer(self, machine, command):
        machine.send(command.encode() + b"\n")
        match = machine.expect(rb"(\d+) bytes \([^)]*\) copied, ([\d.e-]+) s")
        machine.expect(rb"# ")
        return float(match[2]) / (int(match[1]) / 2**20)


class Memtest(Work):
    """One pass of memtest86+ over 32 MiB, but for its last test, which only waits: from its start by the menu to the
    count of passes. It sends its screen every other second."""
    MENU = (("<F1> Configuration", "1"), ("<F1> +Test selection", "1"), ("<F2> +Remove one test", "2"),
            ("Enter test #", "10\r"), (r"\*\.\*{8}\.", "0"), ("<F1> +Test selection", "0"))

    def __init__(self, cd):
        super().__init__("pc", ["memtest"])
        self.cd = cd

    def runs_on(self, engine):
        return engine.name not in (NATIVE, BOCHS)

    def measure(self, monitor, _):
        with monitor.machine("-m", "32", "-cdrom", self.cd, *DEBUG_EXIT) as machine:
            for shows, keys in self.MENU:
                machine.expect(shows.encode())
                machine.send(keys.encode())
            start = time.monotonic()
            errors = machine.expect(rb"Pass: +[1-9]\d* +Errors: (\d+)|Errors: [1-9]")[1]
            if errors != b"0":
                raise Failure("memtest86+ has found errors")
            return [Figure("memtest", time.monotonic() - start, "-")]


def raw_disk(path):
    return ["-drive", f"file={path},format=raw"]


class Setup:
    """What the rows need: programs, initial RAM disks, the folders of other parts; made when first asked for."""

    def __init__(self, options, folder):
        self.options, self.folder, self.initramfs = options, folder, {}
        self.processors = os.sched_getaffinity(0)

    def programs(self):
        return sorted(os.path.basename(path)[:-2] for path in glob.glob(os.path.join(PROGRAMS, "*.c")))

    def image(self, kernel=None, memory=256, programs=None):
        """With all programs, or those that are named."""
        programs = tuple(programs or self.programs())
        if programs not in self.initramfs:
            self.initramfs[programs] = self.make_initramfs(programs)
        return Image(os.path.join(self.options.guests, f"vmlinuz-{kernel or self.options.kernel}"),
                     self.initramfs[programs], memory)

    def make_initramfs(self, programs):
        run_tool("tools/build-guest-programs", BUILT, *(os.path.join(PROGRAMS, f"{name}.c") for name in programs))
        initramfs = os.path.join(self.folder, f"initramfs-{len(self.initramfs)}")
        run_tool("tools/make-initramfs", "--guests", self.options.guests, initramfs,
                 *(os.path.join(BUILT, name) for name in programs))
        return initramfs


def run_tool(tool, *arguments):
    done = subprocess.run([os.path.join(ROOT, tool), *arguments], check=False)
    if done.returncode != 0:
        raise Unavailable(f"{tool} failed")


def boot_works(setup):
    works = [Boot(kernel, setup.image(kernel)) for kernel in KERNELS]
    return [*works, Translation(KERNELS[0], setup.image(KERNELS[0]), setup.folder)]


def compute_works(setup):
    image = setup.image()
    return [compute_work(name, image, setup.options.quick) for name in setup.programs() if name != "process"]


def compute_work(name, image, quick):
    command = f"{name} {default_scale(name) // PARTS_OF_QUICK}" if quick else name
    return Command("compute", name, image, f"{BUILT}/{command}", f"{IN_GUEST}/{command}")


def default_scale(name):
    with open(os.path.join(PROGRAMS, f"{name}.c"), encoding="utf-8") as source:
        return int(re.search(r'BENCHMARK\("\w+", (\d+)\)', source.read())[1])


def process_works(setup):
    return [process_work("process", row, setup) for row in process_rows() if row not in SANDBOX_ROWS]


def process_work(group, row, setup):
    return Command(group, row, setup.image(), f"{BUILT}/process {row}", f"{IN_GUEST}/process {row}", whole=False)


def sandbox_works(setup):
    return [*(process_work("sandbox", row, setup) for row in SANDBOX_ROWS), RoundTrip(setup)]


def process_rows():
    program = os.path.join(BUILT, "process")
    rows = subprocess.run([program, "list"], capture_output=True, text=True, check=False).stdout.split()
    if not rows:
        raise Unavailable(f"{program} lists no row: does the host run 32-bit programs?")
    return rows


def memory_works(setup):
    """The same row in a small guest, which has no room for the other programs, and in a large one."""
    return [Command("memory", f"fork_{memory}m", setup.image(memory=memory, programs=["process"]), None,
                    f"{IN_GUEST}/process fork", repeated=False, whole=False) for memory in MEMORIES]


def nano_works(setup):
    folder = os.path.join(ROOT, "build", "nano")
    run_tool("bench/nano/build", folder)
    return [Nano(folder)]


def debian_works(setup):
    rows, runner = (os.path.join(ROOT, "bench", name) for name in ("debian.rows", "debian-row"))
    initramfs, tree = (os.path.join(setup.options.debian, name) for name in ("initramfs", "tree"))
    if not os.path.exists(initramfs):
        raise Unavailable(f"no root of Debian in {setup.options.debian}: run tools/make-debian-root first")
    image = Image(os.path.join(setup.options.guests, f"vmlinuz-{setup.options.kernel}"), initramfs, 1024)
    with open(rows) as file:
        names = re.findall(r"^([\w-]+):", file.read(), re.MULTILINE)
    return [Command("debian", f"debian_{name}", image, f"{runner} {tree} {name}", f"sh /bench/debian-row / {name}",
                    repeated=False) for name in names]


def pc_works(setup):
    disk = os.path.join(setup.options.disk, "disk.img")
    if not os.path.exists(disk):
        raise Unavailable(f"no {disk}: run tools/make-debian-disk first")
    folder = os.path.join(ROOT, "build", "pc")
    run_tool("bench/pc/build", folder)
    programs = os.path.join(folder, "programs.img")
    return [BootSector(programs), BootPrograms(programs), DebianDisk(disk, os.path.join(folder, "scratch.img")),
            Memtest(memtest_cd(setup.folder))]


def memtest_cd(folder):
    if not os.path.exists(MEMTEST):
        raise Unavailable(f"no {MEMTEST}: run tools/install-build-deps")
    entry = ("memtest86+", f"linux /boot/{os.path.basename(MEMTEST)} console=ttyS0,115200 nosmp", [MEMTEST])
    return make_grub_cd(os.path.join(folder, "memtest.iso"), [entry])


GROUPS = {"boot": boot_works, "compute": compute_works, "process": process_works, "sandbox": sandbox_works,
          "memory": memory_works, "debian": debian_works, "nano": nano_works, "pc": pc_works}

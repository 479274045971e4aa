"""Bochs as a peer of the nanobenchmarks. It boots from a CD only, and its time-stamp counter counts the instructions that it
interprets: the kernel marks its runs by port E9h, which Bochs sends out at once, and they are timed here."""
import os
import re
import select
import shutil
import statistics
import subprocess
import tempfile
import time

from engines import Engine, Failure, started_on
from figures import BOCHS

PROGRAMS = ["bochs", "grub-mkrescue", "xorriso"]
# What takes longer is left out.
LIMIT_SECONDS = 120
# A run that is shorter says more of how soon its marks were read.
SHORTEST_RUN_SECONDS = 0.0005

GRUB = "set timeout=0\nterminal_output serial\nmultiboot /boot/nano.elf nano.elf marks\nboot\n"
# Debian's is built with its debugger, which waits for a command.
START = "continue\n"
CONFIGURATION = """megs: 64
display_library: rfb, options="timeout=0"
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path={folder}/cd, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={folder}/serial
log: {folder}/log
cpu: model=p4_prescott_celeron_336, ips=50000000
clock: sync=none
panic: action=fatal
port_e9_hack: enabled=1
"""


def missing_programs():
    return [program for program in PROGRAMS if not shutil.which(program)]


class Bochs(Engine):
    def __init__(self):
        super().__init__(BOCHS)
        self.notes = []

    def version(self):
        done = subprocess.run(["bochs", "--help"], capture_output=True, text=True, check=False)
        found = re.search(r"Bochs x86 Emulator \S+", done.stdout + done.stderr)
        return found[0] if found else "Bochs"

    def nano(self, kernel, cycles_per_second):
        """Cycles by row. What it has not measured is in its notes."""
        with tempfile.TemporaryDirectory() as folder:
            make_cd(folder, kernel)
            with open(os.path.join(folder, "start"), "w") as file:
                file.write(START)
            with open(os.path.join(folder, "configuration"), "w") as file:
                file.write(CONFIGURATION.format(folder=folder))
            with started_on(self.processors):
                process = subprocess.Popen(["bochs", "-q", "-f", f"{folder}/configuration", "-rc", f"{folder}/start"],
                                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            with process:
                try:
                    return self._timed(process, cycles_per_second)
                finally:
                    process.kill()

    def _timed(self, process, cycles_per_second):
        marks, rows, short = Marks(), {}, []
        deadline = time.monotonic() + min(LIMIT_SECONDS, self.seconds_left())
        while not marks.ended and (data := read_before(process.stdout, deadline)):
            for row, figure in marks.read(data, time.monotonic()):
                if figure is None:
                    short.append(row)
                else:
                    rows[row] = figure * cycles_per_second
        if not rows:
            raise Failure("no row was marked")
        self.notes = [f"bochs: too short to time: {', '.join(short)}"] if short else []
        if not marks.ended:
            self.notes.append(f"bochs: not done in {LIMIT_SECONDS} s, measured as far as '{list(rows)[-1]}'")
        return rows


class Marks:
    """What the kernel sends: measure.h says what the marks mean."""

    def __init__(self):
        self.text, self.stamps, self.ended = "", [], False

    def read(self, data, now):
        """The rows that the data end: (row, seconds for an operation, or None)."""
        for character in data.decode(errors="replace"):
            if character in "B<>":
                self.stamps.append((character, now))
            elif character == "=" or self.text:
                self.text += character
            if self.text.endswith("\n"):
                yield from self._end_row()

    def _end_row(self):
        found = re.fullmatch(r"=(\w+) (\d+)\n", self.text)
        stamps, self.text, self.stamps = self.stamps, "", []
        if found and int(found[2]):
            yield found[1], seconds_for_one(stamps, int(found[2]))
        self.ended = self.ended or (found is not None and found[1] == "end")


def seconds_for_one(stamps, operations):
    """The median over the batches of what the run with the operation takes more than the one without."""
    times = [time for kind, time in stamps]
    starts = [n for n, (kind, _) in enumerate(stamps) if kind == "B"]
    runs = [times[n + 1:n + 5] for n in starts if "".join(kind for kind, _ in stamps[n + 1:n + 5]) == "<><>"]
    if not runs or statistics.median(end - start for _, _, start, end in runs) < SHORTEST_RUN_SECONDS:
        return None
    return max(0, statistics.median(end - start - (without - first) for first, without, start, end in runs)) / operations


def read_before(file, deadline):
    ready, _, _ = select.select([file], [], [], max(0, deadline - time.monotonic()))
    return os.read(file.fileno(), 4096) if ready else b""


def make_cd(folder, kernel):
    boot = os.path.join(folder, "tree", "boot")
    os.makedirs(os.path.join(boot, "grub"))
    shutil.copy(kernel, os.path.join(boot, "nano.elf"))
    with open(os.path.join(boot, "grub", "grub.cfg"), "w") as file:
        file.write(GRUB)
    done = subprocess.run(["grub-mkrescue", "-o", f"{folder}/cd", f"{folder}/tree"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"grub-mkrescue: {done.stderr.strip()[-300:]}")

"""What Ringdown counts while a row runs. It writes its counters (-stats) at its end only: the row gets a guest of its own,
and what a guest counts that does nothing else is taken off."""
import json
import math
import os

from engines import Failure
from figures import OURS
from rows import Command

# Of the operations of a row that are counted: much against a boot's variation and the ticks of the host's accounting.
RUN_SECONDS = 2
NOTHING = ":"
SHOWN = {
    "host signals": ["host_signals"],
    "host system calls": ["host_syscalls_mmap", "host_syscalls_munmap", "host_syscalls_mprotect", "host_syscalls_timer",
                          "host_syscalls_sleep", "host_syscalls_serial"],
    "instructions translated": ["instructions_translated"],
    "instructions interpreted": ["instructions_interpreted"],
    "exits": ["callouts", "host_signals"],
}


def repeated(work, number):
    """A command for so many of a row's operations."""
    if work.whole:
        return f"(for i in $(seq {number}); do {work.guest} || exit; done)"
    return f"{work.guest} {number}"


def counted_run(monitor, image, command, folder):
    """(counters, host's seconds in user mode and in its kernel) of a guest that boots, runs the command and ends."""
    path = os.path.join(folder, "stats")
    shell = monitor.start_shell(image, "-stats", path)
    with shell.machine as machine:
        machine.to_shell()
        before = shell.host_seconds()
        shell.run(command)
        spent = tuple(after - start for start, after in zip(before, shell.host_seconds()))
        shell.end()
    with open(path) as file:
        return json.load(file)["counters"], spent


def per_operation(counters, empty, count):
    def total(names):
        return sum(counters[name] - empty[name] for name in names)
    return {text: max(0, total(names)) / count for text, names in SHOWN.items()}


def count(monitor, works, result, folder, progress):
    """Adds to the result, for each row that runs at a shell, what Ringdown counted for one operation."""
    empty = {}
    for work in works:
        if isinstance(work, Command) and result.median(work.names[0], OURS):
            progress(f"counters of {work.names[0]}")
            try:
                result.facts["counters"][work.names[0]] = counted_row(monitor, work, result, folder, empty)
            except Failure as failure:
                result.problem(f"counters of {work.names[0]}: {failure}")


def counted_row(monitor, work, result, folder, empty):
    if work.image not in empty:
        empty[work.image] = counted_run(monitor, work.image, NOTHING, folder)[0]
    number = math.ceil(RUN_SECONDS / result.median(work.names[0], OURS))
    counters, (user, kernel) = counted_run(monitor, work.image, repeated(work, number), folder)
    return {"operations": number, "host user seconds": user, "host kernel seconds": kernel,
            **per_operation(counters, empty[work.image], number)}

"""What Ringdown counts while a row runs. It writes its counters (-stats) at its end only: the row gets a guest of its own, and
what a guest counts that does nothing else is taken off."""
import json
import math
import os

from rows import Command
from figures import OURS

RUN_SECONDS = 2  # of the operations of a row that are counted
SHOWN = {
    "host signals": ["host_signals"],
    "host system calls": ["host_syscalls_mmap", "host_syscalls_munmap", "host_syscalls_mprotect", "host_syscalls_timer",
                          "host_syscalls_sleep", "host_syscalls_serial"],
    "instructions translated": ["instructions_translated"],
    "instructions interpreted": ["instructions_interpreted"],
    "exits": ["callouts", "host_signals"],
}


def operations(result, work):
    """How many of a row's operations its counted run has."""
    median = result.median(work.names[0], OURS)
    return 1 if work.whole or not median else max(1, math.ceil(RUN_SECONDS / median))


def counted_run(monitor, image, command, folder):
    """(counters, host's seconds in user mode and in its kernel) of a guest that boots, runs the command and ends."""
    path = os.path.join(folder, "stats")
    shell = monitor.start_shell(image, "-stats", path)
    with shell.machine as machine:
        machine.to_shell()
        before = shell.host_seconds()
        if command:
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
    works = [work for work in works if isinstance(work, Command) and result.median(work.names[0], OURS)]
    empty = {}
    for work in works:
        progress(f"counters of {work.names[0]}")
        if work.image not in empty:
            empty[work.image] = counted_run(monitor, work.image, None, folder)[0]
        number = operations(result, work)
        command = work.guest if work.whole else f"{work.guest} {number}"
        counters, (user, kernel) = counted_run(monitor, work.image, command, folder)
        result.facts["counters"][work.names[0]] = {
            "operations": number, "host user seconds": user, "host kernel seconds": kernel,
            **per_operation(counters, empty[work.image], number)}

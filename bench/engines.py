"""What bench/compare runs its rows on: the host itself, and virtual machine monitors that take QEMU's options."""
import contextlib
import math
import os
import subprocess
import sys
import time
from typing import NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
from machine import PROMPT, Failure, Machine  # noqa: E402  (found by the line above)

# For one command, or one boot; TCG needs half a minute for the longest.
DEADLINE_SECONDS = 400
DEBUG_EXIT = ["-no-reboot", "-device", "isa-debug-exit,iobase=0x501,iosize=2"]


class Ran(NamedTuple):
    output: str
    seconds: float  # by the host's clock


class Image(NamedTuple):
    """What a guest boots to reach its shell."""
    kernel: str
    initramfs: str
    memory: int

    def arguments(self, append):
        return ["-kernel", self.kernel, "-initrd", self.initramfs, "-m", str(self.memory), "-append", append, *DEBUG_EXIT]


class Processors:
    """Which of the host's processors the engine that is measured has, and which all others share with this program."""

    def __init__(self):
        usable = sorted(os.sched_getaffinity(0))
        self.all = set(usable)
        self.measured = {usable[-1]}
        self.waiting = self.all - self.measured or self.measured

    def give_to(self, active, engines):
        for engine in engines:
            engine.pin(self.measured if engine is active else self.waiting)


@contextlib.contextmanager
def started_on(processors):
    """Processes that start meanwhile run on these."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def with_children(pid):
    """A process and its children: a monitor and the sandboxes in which it runs a guest's user code."""
    pids = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/task/{task}/children") as file:
            pids += map(int, file.read().split())
    return pids


def pin_tasks(pid, processors):
    for process in with_children(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            for task in os.listdir(f"/proc/{process}/task"):
                os.sched_setaffinity(int(task), processors)


class Engine:
    """What a row runs on."""
    notes = ()  # what its last measurement has left out
    until = math.inf  # by the monotonic clock; for all engines: what runs then is given up

    def __init__(self, name):
        self.name, self.processors = name, os.sched_getaffinity(0)

    def pin(self, processors):
        """Where what it starts from now on runs."""
        self.processors = processors

    def seconds_left(self):
        return min(DEADLINE_SECONDS, max(0, self.until - time.monotonic()))


class Native(Engine):
    """The host, where commands run as they do at a guest's shell."""

    def usable(self):
        return True

    def run(self, command):
        start = time.monotonic()
        with started_on(self.processors):
            process = subprocess.Popen(["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
        with process:
            try:
                output, errors = process.communicate(timeout=self.seconds_left())
            except subprocess.TimeoutExpired:
                process.kill()
                raise Failure(f"'{command}' does not end") from None
        if process.returncode != 0:
            raise Failure(f"'{command}' ended with {process.returncode}: {(errors or output).strip()[-300:]}")
        return Ran(output, time.monotonic() - start)


class Shell(Engine):
    """A guest at its shell."""

    def __init__(self, name, machine):
        super().__init__(name)
        self.machine = machine

    def pin(self, processors):
        with contextlib.suppress(FileNotFoundError):  # it has ended; its next command says so
            pin_tasks(self.machine.process.pid, processors)

    def usable(self):
        """Whether another command may be tried: the guest has neither ended nor gone silent."""
        return self.machine.process.poll() is None and time.monotonic() < self.machine.deadline

    def run(self, command):
        self.machine.deadline = time.monotonic() + self.seconds_left()
        start = time.monotonic()
        output, status = self.machine.run(command)
        if status != 0:
            raise Failure(f"'{command}' ended with {status}: {output.strip()[-300:]}")
        return Ran(output, time.monotonic() - start)

    def host_seconds(self):
        """The host's CPU time of all threads so far, its children's too: (in user mode, in the host's kernel)."""
        user = system = 0
        for process in with_children(self.machine.process.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{process}/stat") as file:
                fields = [int(field) for field in file.read().rpartition(")")[2].split()[11:15]]
                user += fields[0] + fields[2]
                system += fields[1] + fields[3]
        return tuple(ticks / os.sysconf("SC_CLK_TCK") for ticks in (user, system))

    def end(self):
        """Ends the guest as its user would; returns the monitor's exit code."""
        self.machine.deadline = time.monotonic() + self.seconds_left()
        self.machine.send(b"exit\n")
        return self.machine.exit_code()


class Monitor(Engine):
    """A program that takes QEMU's options."""

    def __init__(self, name, program, options=()):
        super().__init__(name)
        self.program, self.options = program, options

    def machine(self, *arguments):
        with started_on(self.processors):
            return Machine(self.program, *self.options, *arguments, deadline=self.seconds_left())

    def start_shell(self, image, *arguments):
        """A guest on its way to its shell."""
        return Shell(self.name, self.machine(*image.arguments("console=ttyS0 quiet guest_columns=1000"), *arguments))

    def version(self):
        done = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=False)
        return done.stdout.partition("\n")[0]


@contextlib.contextmanager
def shells(native, monitors, image, processors):
    """All of them side by side at their shells; the guests boot at once."""
    with contextlib.ExitStack() as stack:
        for monitor in monitors:
            monitor.pin(processors.all)
        started = [monitor.start_shell(image) for monitor in monitors]
        for shell in started:
            stack.enter_context(shell.machine)
        for shell in started:
            shell.machine.to_shell()
        yield [*([native] if native else []), *started]

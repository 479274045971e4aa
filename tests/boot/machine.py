"""A virtual machine under test: its console, and waiting on that with a deadline. Nothing here sleeps."""
import os
import re
import select
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import Failure  # noqa: E402  (found by the line above)

# For the slowest host and the sanitizers; a test that passes comes nowhere near.
DEADLINE_SECONDS = 240
# Not only at the very end: the kernel may say something behind it.
PROMPT = rb"/\S* # (?:\x1b\[6n)?"  # of the guest's shell, as long as a test sets no other


class Machine:
    """One run of the virtual machine monitor; use it in a with statement, which ends it."""

    def __init__(self, vmm, *arguments, deadline=DEADLINE_SECONDS):
        self.deadline = time.monotonic() + deadline
        self.command = [vmm, *arguments, "-nographic"]
        self.prompt = PROMPT
        self.errors = tempfile.TemporaryFile()
        self.start()

    def start(self):
        """Switches it on: at first, and again after its end."""
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        os.set_blocking(self.process.stdin.fileno(), False)
        self.console = b""  # since the last match
        self.history = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.errors.close()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def expect(self, pattern):
        """Waits for a regular expression on the console; returns the match and drops all up to its end."""
        while not (match := re.search(pattern, self.console)):
            if not self._receive():
                raise Failure(f"expected {pattern!r}, but the machine ended\n{self._tail()}")
        self.console = self.console[match.end():]
        return match

    def send(self, data):
        """Types or pastes bytes. Reads the console meanwhile, so that neither side blocks the other."""
        inbox = self.process.stdin.fileno()
        while data:
            readable, writable, _ = select.select([self.process.stdout], [inbox], [], self._seconds_left())
            if writable:
                data = data[os.write(inbox, data[:4096]):]
            if readable and not self._receive():
                raise Failure(f"the machine ended during input\n{self._tail()}")
            if not readable and not writable:
                raise Failure(f"the machine takes no input\n{self._tail()}")

    def run(self, command):
        """Runs a command at the guest's shell; returns its output and exit status. Ends with the shell's prompt: what is
        typed before that is echoed ahead of it, and the prompt would stand in what the next command says."""
        # The quotes keep the echo of what is typed from looking like its result.
        self.send(command.encode() + b"; echo sta''tus=$?\n")
        match = self.expect(rb"sta''tus=\$\?\r*\n((?s:.*?))status=(\d+)\r*\n")
        self.expect(self.prompt)
        return match[1].replace(b"\r", b"").decode(errors="replace"), int(match[2])

    def to_shell(self):
        self.expect(rb"ringdown: guest is up")
        self.expect(self.prompt)

    def exit_code(self):
        """Waits for the end of the machine."""
        while self._receive():
            pass
        return self.process.wait()

    def reached(self, client, address):
        """A client of the machine at this address, once somebody listens there."""
        while self.process.poll() is None:
            try:
                return client(address)
            except (FileNotFoundError, ConnectionRefusedError):
                os.sched_yield()
        raise Failure(f"the machine ended at once\n{self._tail()}")

    def standard_error(self):
        """What it has said there so far."""
        file = self.errors.fileno()  # whose offset is the machine's, too
        return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")

    def _receive(self):
        readable, _, _ = select.select([self.process.stdout], [], [], self._seconds_left())
        if not readable:
            raise Failure(f"nothing more on the console before the deadline\n{self._tail()}")
        data = os.read(self.process.stdout.fileno(), 65536)
        self.console += data
        self.history += data
        return len(data)

    def _seconds_left(self):
        return max(0.0, self.deadline - time.monotonic())

    def _tail(self):
        console = self.history[-3000:].decode(errors="replace")
        return f"--- end of the console:\n{console}\n--- standard error:\n{self.standard_error()}"

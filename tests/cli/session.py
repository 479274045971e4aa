"""A run of the program on a pseudo-terminal or on pipes. Nothing here sleeps: every wait is for an event, and ctest ends
a test that waits for one that never comes."""
import ctypes
import os
import re
import subprocess
import sys
import termios

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import Failure  # noqa: E402  (found by the line above)


def adopt_orphans():
    """Makes this process the parent of what its children leave behind, so that it can see them."""
    pr_set_child_subreaper = 36
    if ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def wait_for_orphans():
    """Comes back when every process that the runs left behind has ended."""
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


class Session:
    """The program with its standard files on a pseudo-terminal, as a person has it."""

    def __init__(self, *command, errors=None):
        self.master, line = os.openpty()
        self.before = termios.tcgetattr(line)
        self.process = subprocess.Popen(command, stdin=line, stdout=line, stderr=errors or line, start_new_session=True,
                                        preexec_fn=take_terminal)
        os.close(line)
        self.console = b""
        self.history = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def send(self, data):
        while data:
            data = data[os.write(self.master, data):]

    def expect(self, pattern):
        while not (match := re.search(pattern, self.console)):
            if not self._receive():
                raise Failure(f"expected {pattern!r}, but the program ended; it said {self.history!r}")
        self.console = self.console[match.end():]
        return match

    def end(self):
        """Waits until nobody has the terminal open any more; the exit status, negative for a signal."""
        while self._receive():
            pass
        return self.process.wait()

    def settings(self):
        return termios.tcgetattr(self.master)

    def is_raw(self):
        return not self.settings()[3] & (termios.ICANON | termios.ECHO)

    def _receive(self):
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the last one has closed the line
            return False
        self.console += data
        self.history += data
        return bool(data)


def take_terminal():
    os.close(os.open(os.ttyname(0), os.O_RDWR))  # the leader of a session without a terminal gets this one

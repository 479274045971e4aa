"""A client of the monitor prompt at a Unix socket."""
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import Failure  # noqa: E402  (found by the line above)

PROMPT = b"(ringdown) "


class Prompt:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.greeting = self._answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text.encode())

    def run(self, line):
        """Carries out one command and returns its answer."""
        self.send(line + "\n")
        return self._answer()

    def hang_up(self):
        """Says that nothing more will come, and waits for the end of the answers."""
        self.socket.shutdown(socket.SHUT_WR)
        self.ends()

    def ends(self):
        """Reads until the other side hangs up."""
        while self.socket.recv(65536):
            pass

    def _answer(self):
        said = b""
        while not said.endswith(PROMPT):
            data = self.socket.recv(65536)
            if not data:
                raise Failure(f"the prompt has hung up; it said {said!r}")
            said += data
        return said[:-len(PROMPT)].decode()

#!/usr/bin/env python3
"""tools/run-command against machines that are shell scripts: what it passes on, and how it ends."""
import os
import subprocess
import unittest

RUN_COMMAND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "run-command")
BEGIN = r"printf 'BIOS\r\nringdown: command starts\r\n'; "


def run(machine):
    return subprocess.run([RUN_COMMAND, "/bin/sh", "-c", machine], stdin=subprocess.DEVNULL, capture_output=True)


class RunCommand(unittest.TestCase):
    def test_every_status_survives(self):
        for status in (0, 1, 7, 125, 127, 128, 137, 200, 255):
            code = (status << 1 | 1) & 0xFF
            result = run(BEGIN + rf"printf 'ringdown: exit status {status}\r\n'; exit {code}")
            self.assertEqual((result.returncode, result.stdout, result.stderr), (status, b"", b""))

    def test_output_is_exact(self):
        for text, expected in ((r"one\r\ntwo\r\n", b"one\ntwo\n"), (r"no end", b"no end"), (r"\r\n\r\n", b"\n\n"),
                               (r"ringdown: exit status 3\r\nmore", b"ringdown: exit status 3\nmore"),
                               (r"ringdown: exit sta", b"ringdown: exit sta"), (r"\033[6n", b"\x1b[6n")):
            result = run(BEGIN + rf"printf '{text}'; printf 'ringdown: exit status 0\r\n'; exit 1")
            self.assertEqual((result.returncode, result.stdout), (0, expected))

    def test_output_that_comes_in_pieces(self):
        pieces = "for c in r i n g d o w n : ' ' e x i t ' ' s t a t u s ' ' 5; do printf '%s' \"$c\"; done; exit 11"
        result = run(BEGIN + "printf ring; " + pieces)
        self.assertEqual((result.returncode, result.stdout), (5, b"ring"))

    def test_a_machine_that_ends_early(self):
        result = run("echo 'Kernel panic'; exit 14")
        self.assertEqual((result.returncode, result.stdout), (125, b""))
        self.assertIn(b"Kernel panic", result.stderr)
        self.assertIn(b"before the command, with exit code 14", result.stderr)

    def test_a_machine_that_ends_during_the_command(self):
        result = run(BEGIN + "printf half; exit 12")
        self.assertEqual((result.returncode, result.stdout), (125, b"half"))
        self.assertIn(b"while the command ran, with exit code 12", result.stderr)

    def test_status_and_exit_code_must_agree(self):
        result = run(BEGIN + r"printf 'ringdown: exit status 7\r\n'; exit 1")
        self.assertEqual(result.returncode, 125)

    def test_a_program_that_is_not_there(self):
        result = subprocess.run([RUN_COMMAND, "/nonexistent"], capture_output=True)
        self.assertEqual((result.returncode, result.stderr),
                         (1, b"run-command: /nonexistent: No such file or directory\n"))


if __name__ == "__main__":
    unittest.main()

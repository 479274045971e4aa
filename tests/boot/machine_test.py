#!/usr/bin/env python3
"""The driver of the boot tests against machines that are shell scripts."""
import unittest

from machine import Failure, Machine


def shell_machine(script, deadline=60):
    """Machine appends -nographic, which the script gets as $0."""
    return Machine("/bin/sh", "-c", script, deadline=deadline)


class MachineTest(unittest.TestCase):
    def test_expect_drops_what_it_matched(self):
        with shell_machine("echo one two one") as machine:
            machine.expect(b"one")
            self.assertEqual(machine.console[:4], b" two")
            machine.expect(b"one")
            self.assertRaises(Failure, machine.expect, b"one")

    def test_the_end_of_the_machine_is_a_failure_with_its_last_words(self):
        with shell_machine("echo Kernel panic; echo broken >&2") as machine:
            with self.assertRaisesRegex(Failure, "(?s)Kernel panic.*broken"):
                machine.expect(b"never")

    def test_silence_ends_at_the_deadline(self):
        with shell_machine("exec cat", deadline=0) as machine:
            self.assertRaises(Failure, machine.expect, b"never")

    def test_a_machine_that_takes_no_input(self):
        with shell_machine("kill -STOP $$", deadline=0.5) as machine:
            self.assertRaises(Failure, machine.send, b"x" * (1 << 20))

    def test_large_input_and_its_echo_do_not_block_each_other(self):
        text = b"0123456789abcdef" * 40000
        with shell_machine("exec cat") as machine:
            machine.send(text + b"END")
            machine.expect(b"END")
            self.assertEqual(len(machine.history), len(text) + 3)

    def test_exit_code(self):
        with shell_machine("exit 14") as machine:
            self.assertEqual(machine.exit_code(), 14)


if __name__ == "__main__":
    unittest.main()

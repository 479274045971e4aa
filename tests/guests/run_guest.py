#!/usr/bin/env python3
"""Runs one of our guests to its end: it must print its last line and end the machine with the status expected."""
import argparse
import json
import re
import subprocess
import sys
import tempfile


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vmm", required=True)
    parser.add_argument("--status", type=int, default=33, help="33: the guest's PASS, (10h << 1) | 1")
    parser.add_argument("--line", default="PASS", help="the last line on the serial port")
    parser.add_argument("--deadline", type=float, default=120)
    parser.add_argument("--cpu", help="the processor's model, if not the default")
    parser.add_argument("--user", help="how user code runs, if not as is usual")
    parser.add_argument("--counter", metavar="NAME=N", help="what -stats must then show; NAME<N: less than that")
    parser.add_argument("guest")
    arguments = parser.parse_args()
    command = [arguments.vmm, "-kernel", arguments.guest, "-nographic", "-no-reboot", "-m", "64",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    if arguments.cpu:
        command += ["-cpu", arguments.cpu]
    if arguments.user:
        command += ["-user", arguments.user]
    with tempfile.NamedTemporaryFile() as stats:
        run_to_its_end(arguments, command + (["-stats", stats.name] if arguments.counter else []))
        if arguments.counter:
            check_counter(json.load(stats)["counters"], arguments.counter)


def check_counter(counters, expected):
    name, relation, wanted = re.fullmatch(r"(\w+)([=<])(\d+)", expected).groups()
    count = counters[name]
    if not (count < int(wanted) if relation == "<" else count == int(wanted)):
        sys.exit(f"{expected} is wanted, counted were {count}")


def run_to_its_end(arguments, command):
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=arguments.deadline)
    except subprocess.TimeoutExpired as late:
        sys.exit(f"not done after {arguments.deadline} s\n{(late.stdout or b'').decode(errors='replace')}")
    output = run.stdout.decode(errors="replace")
    print(output)
    # The firmware of QEMU leaves the cursor in the line that the guest then writes to.
    if run.returncode != arguments.status or not output.rstrip().endswith(arguments.line):
        sys.exit(f"status {run.returncode}, expected {arguments.status} after the line {arguments.line}")


if __name__ == "__main__":
    main()

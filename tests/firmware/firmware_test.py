#!/usr/bin/env python3
"""firmware_test.py --vmm PROGRAM --seabios DIR CASE: Debian's SeaBIOS, unmodified, from the reset vector on. It is read on
the serial port, where it shows its screen, and in the log, where it says what it finds. With --list, the cases."""
import argparse
import os
import signal
import sys

tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [tests, os.path.join(tests, "boot")]
from cases import Failure, case, run_cases  # noqa: E402  (found by the line above)
from machine import Machine  # noqa: E402

MEBIBYTE = 1 << 20


class Bench:
    """The program under test, where SeaBIOS is, and a folder for this run."""

    def __init__(self, vmm, seabios, folder):
        self.vmm, self.seabios, self.log = vmm, seabios, os.path.join(folder, "log")

    def boot(self, *options):
        """Starts the machine, waits until it has found nothing to boot, ends it, and returns what was logged."""
        with Machine(self.vmm, "-no-reboot", "-d", "firmware", "-D", self.log, *options) as machine:
            machine.expect(rb"SeaBIOS \(version [^)]+\)")
            machine.expect(rb"Booting from Hard Disk")
            machine.expect(rb"No bootable device")
            machine.process.terminate()
            if (code := machine.exit_code()) != -signal.SIGTERM:
                raise Failure(f"ended by itself, with {code}")
        with open(self.log) as file:
            return file.read()


def find(log, *lines):
    """These stand in the log, in this order."""
    at = 0
    for line in lines:
        at = log.find(line, at)
        if at < 0:
            raise Failure(f"{line!r} is not in the log, or not in its place:\n{log}")
        at += len(line)


@case
def the_default_bios_comes_to_its_boot_stage(bench):
    find(bench.boot(), "Running on QEMU (i440fx)", "Found QEMU fw_cfg", "Relocating init from", "Found 2 PCI devices",
         "PCI: init bdf=00:00.0 id=8086:1237", "PCI: init bdf=00:01.0 id=8086:7000", "PIIX3/PIIX4 init: elcr=00 0c",
         "Found 1 serial ports", "PS2 keyboard initialized", "All threads complete", "enter handle_19",
         "No bootable device")


@case
def the_bios_of_128_kib_does_so_too(bench):
    log = bench.boot("-bios", os.path.join(bench.seabios, "bios.bin"))
    find(log, "Running on QEMU (i440fx)", "All threads complete", "enter handle_19", "No bootable device")


@case
def the_bios_finds_the_memory_that_there_is(bench):
    for size in (8, 128, 3072):
        find(bench.boot("-m", str(size)), f"addr 0x0000000000000000 len 0x{size * MEBIBYTE:016x} [RAM]", "e820 map",
             "0000000000000000 - 000000000009fc00 = 1 RAM", f"0000000000100000 - {size * MEBIBYTE:016x} = 1 RAM",
             "00000000fffc0000 - 0000000100000000 = 2 RESERVED")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vmm")
    parser.add_argument("--seabios")
    return run_cases(parser, lambda options, folder: Bench(options.vmm, options.seabios, folder))


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Builds the nanobenchmarks and runs them once, quickly: every row is there and found that what it measures did happen.
With --vmm the kernel in that virtual machine monitor, otherwise what the host can run."""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

NANO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "nano")
UNPRIVILEGED = ["call_ret", "indirect_call", "pushf_popf", "rdtsc", "cpuid", "rep_movs_4k", "lock_xadd"]
GUEST = ["int80", "sysenter", "in_80h", "in_21h", "clts", "mov_cr0", "stts_clts", "mov_cr3", "cr3_switch", "invlpg", "remap",
         "cli_sti", "page_fault", "divide_error", "iret_kernel", "iret_user", "tick", "pte_same", "pte_clear", "pte_clear_invlpg",
         "pte_set", "pte_set_touch", *(f"kernel_{name}" for name in UNPRIVILEGED), *UNPRIVILEGED]
# A host's kernel may be without its vsyscall.
NATIVE = [*UNPRIVILEGED, "host_4ms", "host_int80", "host_page_fault"]
GUEST_SUCCESS = 1  # what isa-debug-exit makes of 0


def run(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    return done.returncode, done.stdout.decode(errors="replace").replace("\r", ""), done.stderr.decode(errors="replace")


def check_paper():
    with open(os.path.join(NANO, "paper.json")) as file:
        rows = [entry["row"] for entry in json.load(file)["rows"].values()]
    if unknown := set(rows) - set(GUEST) - {None}:
        sys.exit(f"paper.json names rows that are not measured: {unknown}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vmm")
    vmm = parser.parse_args().vmm
    check_paper()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.path.join(NANO, "build"), folder], check=True)
        command = [os.path.join(folder, "nano-native"), "quick"]
        if vmm:
            command = [vmm, "-kernel", os.path.join(folder, "nano.elf"), "-append", "quick", "-m", "64", "-nographic",
                       "-no-reboot", "-device", "isa-debug-exit,iobase=0x501,iosize=2"]
        status, output, errors = run(command)
    print(output, errors)
    rows = re.findall(r"^(\w+) - \d+\.\d$", output, re.MULTILINE)
    expected, success = (GUEST, GUEST_SUCCESS) if vmm else (NATIVE, 0)
    if missing := [row for row in expected if row not in rows]:
        sys.exit(f"missing: {', '.join(missing)}")
    if status != success or (vmm and not output.rstrip().endswith("PASS")):
        sys.exit(f"status {status}, expected {success}")


if __name__ == "__main__":
    main()

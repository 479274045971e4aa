#!/usr/bin/env python3
"""confined_test.py ... CASE: a real guest with the program confined as in a container. With --list, the cases."""
import argparse
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import Failure, case, check, run_cases  # noqa: E402  (found by the line above)

GUEST_ENDED_WELL = 1  # isa-debug-exit of 0
HOST_LACKS_FEATURE, RESET_WITH_NO_REBOOT = 6, 12  # monitor/exit_codes.h


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        os.chmod(folder, 0o777)  # the confined program is nobody

    def initramfs(self, command, *programs):
        path = os.path.join(self.folder, "initramfs")
        built = [os.path.join(self.folder, os.path.splitext(os.path.basename(source))[0]) for source in programs]
        if programs:
            subprocess.run([f"{self.options.source}/tools/build-guest-programs", self.folder, *programs], check=True)
        subprocess.run([f"{self.options.source}/tools/make-initramfs", "--guests", self.options.guests, "--command", command,
                        path, *built], check=True)
        return path

    def copy(self, path):
        """Where the user nobody can read it, whatever the folders above the original allow."""
        copied = os.path.join(self.folder, os.path.basename(path))
        with open(path, "rb") as source, open(copied, "wb") as file:
            file.write(source.read())
        os.chmod(copied, 0o755)
        return copied

    def confined(self, *command):
        return subprocess.run([self.options.confine, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)

    def run(self, initramfs, memory, taken_mappings=0):
        """Boots; returns the console's output and the counters."""
        stats = os.path.join(self.folder, f"stats-{taken_mappings}")
        limit = [] if not taken_mappings else [
            "env", f"TAKEN_MAPPINGS={taken_mappings}", f"LD_PRELOAD={self.copy(self.options.few_mappings)}"]
        run = subprocess.run(
            [self.options.confine, *limit, self.copy(self.options.vmm), "-kernel",
             self.copy(f"{self.options.guests}/vmlinuz-686"), "-initrd", initramfs, "-append", "console=ttyS0 quiet panic=-1",
             "-m", str(memory), "-no-reboot", "-device", "isa-debug-exit", "-nographic", "-stats", stats],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if run.returncode != GUEST_ENDED_WELL or run.stderr:
            raise Failure(f"exit code {run.returncode}; {run.stderr.decode()}\n{run.stdout[-2000:].decode(errors='replace')}")
        with open(stats) as file:
            return run.stdout, json.load(file)["counters"]


@case
def an_ordinary_user_in_a_container(bench):
    output, _ = bench.run(bench.initramfs("echo wor''ks; uname -s"), 128)
    if b"works\r\nLinux\r\n" not in output:
        raise Failure(f"not in the output: {output[-500:]!r}")


@case
def more_guest_pages_than_the_host_has_mappings(bench):
    initramfs = bench.initramfs("PATH=$PATH:/opt; scatter 50000 & scatter 20000; wait %1",
                                f"{bench.options.source}/tests/confined/scatter.c")
    for taken in (0, 64500):
        output, counters = bench.run(initramfs, 512, taken)
        if re.findall(rb"(\d+) bad", output) != [b"0", b"0"]:
            raise Failure(f"with {taken} mappings taken: {output[-500:]!r}")
        if counters["shadow_spaces_dropped"] == 0:
            raise Failure(f"with {taken} mappings taken nothing had to be forgotten: the limit was not reached")


@case
def disks_without_io_uring(bench):
    disk, vmm = os.path.join(bench.folder, "disk.img"), bench.copy(bench.options.vmm)
    with open(disk, "wb") as file:
        file.truncate(1 << 20)
    os.chmod(disk, 0o666)
    run = bench.confined(vmm, "-nographic", "-drive", f"file={disk},format=raw,aio=io_uring")
    check("exit code", run.returncode, HOST_LACKS_FEATURE)
    if not re.fullmatch(r"ringdown: -drive aio=io_uring: this host's kernel refuses it: [^\n]+\n", run.stderr):
        raise Failure(f"it said {run.stderr!r}")
    run = bench.confined(vmm, "-nographic", "-hda", disk, "-boot", "reboot-timeout=0", "-no-reboot")
    check("exit code", run.returncode, RESET_WITH_NO_REBOOT)
    if "Boot failed: not a bootable disk" not in run.stdout:
        raise Failure(f"the BIOS has not read the disk: {run.stdout!r}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("vmm", "guests", "source", "confine", "few-mappings"):
        parser.add_argument(f"--{name}")
    return run_cases(parser, Bench)


if __name__ == "__main__":
    sys.exit(main())

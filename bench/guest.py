"""What the scripts that look at one running guest have in common: their options and the guest at its shell."""
import argparse
import contextlib
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tests", part) for part in ("boot", "display")]
from machine import Failure, Machine  # noqa: E402  (found by the line above)
from rfb import FIRST_PORT, RfbClient, free_display  # noqa: E402


def in_cache(*names):
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "ringdown", *names)


def parser(description):
    result = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--vmm", default=os.path.join(ROOT, "build", "ringdown"), help="or a qemu-system-i386, to compare")
    result.add_argument("--guests", default=in_cache("guests"))
    result.add_argument("--kernel", default="vmlinuz-686")
    return result


@contextlib.contextmanager
def linux_at_its_shell(options, memory, seconds):
    """The guest at its shell, to be used within so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        initramfs = os.path.join(folder, "initramfs")
        subprocess.run([os.path.join(ROOT, "tools", "make-initramfs"), "--guests", options.guests, initramfs], check=True)
        with Machine(options.vmm, "-kernel", os.path.join(options.guests, options.kernel), "-initrd", initramfs, "-m",
                     str(memory), "-append", "console=ttyS0 quiet guest_columns=1000", "-no-reboot",
                     deadline=seconds) as machine:
            machine.to_shell()
            yield machine


@contextlib.contextmanager
def debian_at_its_login(options, seconds):
    """Debian on its disk, to be used within so many seconds, and a VNC client that has its picture."""
    display = free_display()
    with Machine(options.vmm, "-m", "512", "-drive", f"file={options.disk},format=raw,snapshot=on", "-vnc",
                 f"127.0.0.1:{display}", deadline=seconds) as machine:
        machine.expect(rb"ringdown login: ")
        with RfbClient(FIRST_PORT + display) as client:
            client.update(False)
            yield machine, client


def verdict(what, value, limit, unit):
    """Prints a bar; returns the exit status of a script that has this one."""
    passed = value <= limit
    print(f"{what}: {value:.3g} {unit} (bar: at most {limit} {unit}): {'pass' if passed else 'FAIL'}")
    return 0 if passed else 1

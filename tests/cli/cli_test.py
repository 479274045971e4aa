#!/usr/bin/env python3
"""cli_test.py --vmm PROGRAM --guest FILE CASE: the program as its user sees it. With --list, the cases."""
import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import Failure, case, check, run_cases  # noqa: E402  (found by the line above)
from session import Session, adopt_orphans, wait_for_orphans  # noqa: E402

# monitor/exit_codes.h
POWER_OFF, BAD_COMMAND_LINE, BAD_IMAGE, HOST_LACKS, IO_ERROR = 0, 2, 4, 6, 8
RESET, TRIPLE_FAULT, USER_QUIT = 12, 14, 16
MEBIBYTE = 1 << 20
NOBODY = 65534
DEBUG_EXIT = ("-device", "isa-debug-exit,iobase=0x501,iosize=2")


class Bench:
    """The program under test, its guest and a folder for this run."""

    def __init__(self, vmm, guest, folder):
        self.vmm, self.guest, self.folder = vmm, guest, folder

    def file(self, name, content=b""):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def guest_options(self, words, *options):
        return ["-kernel", self.guest, "-append", words, *DEBUG_EXIT, *options]

    def run(self, *arguments, **how):
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
        return subprocess.run([self.vmm, *arguments], check=False, **how)

    def run_guest(self, words, *options, **how):
        return self.run(*self.guest_options(words, *options), **how)

    def on_terminal(self, words, *options, **how):
        return Session(self.vmm, *self.guest_options(words, *options, "-nographic"), **how)


def one_line(run, code, *names):
    """The run ended with this code and said one line, which names the things; nothing else."""
    said = run.stderr.decode()
    check("output of a run that said: " + said, run.stdout, b"")
    check("exit code of a run that said: " + said, run.returncode, code)
    if not re.fullmatch(r"ringdown: [^\n]+\n", said):
        raise Failure(f"not one line: {said!r}")
    for name in names:
        if name not in said:
            raise Failure(f"'{name}' is not in the line: {said!r}")


# ---- Bad input ------------------------------------------------------------------------------------------------------


@case
def bad_command_lines(bench):
    kernel = ["-kernel", bench.guest]
    for arguments, name in ((["-append", "x"], "-kernel"), (["-initrd", bench.guest], "-kernel"),
                            ([*kernel, "-m", "0"], "-m 0"), ([*kernel, "-m", "1T"], "-m 1T"),
                            ([*kernel, "-m", "7M"], "-m 7M"), ([*kernel, "-m", "3073"], "-m 3073"),
                            ([*kernel, "-m", "x"], "-m x"), ([*kernel, "-m", "-1"], "-m -1"),
                            ([*kernel, "-m", "99999999999999999999"], "99999999999999999999"), ([*kernel, "-m"], "-m"),
                            ([*kernel, "-nosuchflag"], "-nosuchflag"), ([*kernel, "--"], "--"), ([*kernel, "a", "stray"], "stray"),
                            ([*kernel, "-device", "nosuchdevice"], "nosuchdevice"),
                            ([*kernel, "-device", "isa-debug-exit,nosuch=1"], "nosuch"),
                            ([*kernel, "-device", "isa-debug-exit,iobase=0x10000"], "iobase"),
                            ([*kernel, "-device", "isa-debug-exit,iobase=0xffff"], "iobase"),
                            ([*kernel, "-device", "isa-debug-exit", "-device", "isa-debug-exit"], "isa-debug-exit"),
                            ([*kernel, "-device", "isa-debug-exit,iobase=0x3f8"], "another device"),
                            (["-device", "isa-debug-exit,iobase=0xcf8"], "another device"),
                            ([*kernel, "-cpu", "nosuchcpu"], "nosuchcpu"),
                            ([*kernel, "-cpu", "qemu32,+nosuchfeature"], "nosuchfeature"),
                            ([*kernel, "-cpu", "qemu32,nosuchfeature"], "nosuchfeature"),
                            ([*kernel, "-serial", "nosuch"], "nosuch"), ([*kernel, "-serial", "file:"], "file:"),
                            ([*kernel, "-serial", "stdio", "-serial", "stdio"], "-serial"),
                            ([*kernel, "-d", "nosuchclass"], "nosuchclass"), ([*kernel, "-smp", "2"], "-smp 2"),
                            ([*kernel, "-rtc", "base=2023-02-30"], "2023-02-30"), ([*kernel, "-sd", "disk"], "-sd"),
                            ([*kernel, "-drive", "file=disk,format=qcow2"], "qcow2"),
                            ([*kernel, "-hda", "a", "-hda", "b"], "drive 0"),
                            (["doctor", "x"], "doctor"), (["-kernel", ""], "-kernel"), (["-bios", ""], "-bios")):
        one_line(bench.run(*arguments), BAD_COMMAND_LINE, name)


def bzimage(protocol=0x020F, sectors=1, length=4096):
    image = bytearray(max(length, 0x270))
    image[0x1F1] = sectors
    image[0x1FE:0x200] = b"\x55\xAA"
    image[0x202:0x206] = b"HdrS"
    image[0x206:0x208] = protocol.to_bytes(2, "little")
    image[0x211] = 1
    return bytes(image[:length])


@case
def bad_kernels(bench):
    with open(bench.guest, "rb") as file:
        good = file.read()
    corrupt = bytearray(good)
    corrupt[28:32] = b"\xFF\xFF\xFF\x7F"  # e_phoff
    files = {"empty": b"", "short": b"\x7fELF", "text": b"not a kernel\n" * 1000, "zeros": bytes(65536),
             "truncated-elf": good[:len(good) // 2], "no-program-headers": good[:40], "corrupt-elf": bytes(corrupt),
             "truncated-header": bzimage(length=0x206), "truncated-setup": bzimage(sectors=30), "old": bzimage(protocol=0x0100)}
    for name, content in files.items():
        one_line(bench.run("-kernel", bench.file(name, content)), BAD_IMAGE, name)
    one_line(bench.run("-kernel", os.path.join(bench.folder, "missing")), BAD_IMAGE, "missing", "No such file")
    one_line(bench.run("-kernel", bench.folder), BAD_IMAGE, bench.folder)
    one_line(bench.run("-kernel", "/dev/null"), BAD_IMAGE, "/dev/null")
    one_line(bench.run("-kernel", bench.guest + "/x"), BAD_IMAGE, "Not a directory")


@case
def bad_disks(bench):
    kernel = ("-kernel", bench.guest)
    for name, size in (("empty", 0), ("short", 511), ("odd", 513)):
        one_line(bench.run(*kernel, "-hda", bench.file(name, bytes(size))), BAD_IMAGE, name)
    disk = bench.file("disk", bytes(4096))
    one_line(bench.run(*kernel, "-hda", disk, "-hdb", disk), BAD_IMAGE, disk, "in use")
    one_line(bench.run(*kernel, "-fdb", disk), BAD_IMAGE, disk, "no diskette has that size")
    one_line(bench.run(*kernel, "-cdrom", os.path.join(bench.folder, "missing")), BAD_IMAGE, "missing", "No such file")
    one_line(bench.run(*kernel, bench.folder), BAD_IMAGE, bench.folder)


@case
def bad_bioses(bench):
    for name, size in (("empty", 0), ("short", 65535), ("odd", 65536 + 4096), ("large", 17 * MEBIBYTE)):
        path = bench.file(name)
        os.truncate(path, size)
        one_line(bench.run("-bios", path), BAD_IMAGE, path)
    missing = os.path.join(bench.folder, "missing")
    one_line(bench.run("-bios", missing), BAD_IMAGE, missing, "No such file")
    one_line(bench.run("-bios", bench.folder), BAD_IMAGE, bench.folder)
    good = bench.file("good", bytes(65536))
    one_line(bench.run("-bios", good, "-option-rom", missing), BAD_IMAGE, missing, "No such file")
    one_line(bench.run("-bios", good, "-option-rom", bench.file("huge", bytes(2 * MEBIBYTE))), BAD_IMAGE, "huge")


def bios(code):
    """64 KiB whose last paragraph, from F000:FFF0 on, jumps to this 16-bit code at F000:0."""
    return code.ljust(0xFFF0, b"\xCC") + b"\xEA\x00\x00\x00\xF0".ljust(16, b"\xCC")


@case
def a_bios_starts_at_the_reset_vector(bench):
    # mov dx, 501h; mov al, 3; out dx, al; hlt
    path = bench.file("bios", bios(b"\xBA\x01\x05\xB0\x03\xEE\xF4"))
    run = bench.run("-bios", path, *DEBUG_EXIT, "-serial", "none")
    check("end", (run.returncode, run.stdout, run.stderr), (7, b"", b""))


@case
def a_bios_is_not_written(bench):
    # mov word [cs:100h], 1234h; mov al, [cs:100h]; mov dx, 501h; out dx, al
    code = b"\x2E\xC7\x06\x00\x01\x34\x12\x2E\xA0\x00\x01\xBA\x01\x05\xEE"
    run = bench.run("-bios", bench.file("bios", bios(code)), *DEBUG_EXIT, "-serial", "none")
    check("status", run.returncode, (0xCC << 1 | 1) & 0xFF)


@case
def a_reset_starts_the_bios_again(bench):
    # mov dx, 3F8h; mov al, 'x'; out dx, al; mov dx, CF9h; mov al, 2; out dx, al; mov al, 6; out dx, al; hlt
    path = bench.file("bios", bios(b"\xBA\xF8\x03\xB0x\xEE\xBA\xF9\x0C\xB0\x02\xEE\xB0\x06\xEE\xF4"))
    run = bench.run("-bios", path, "-no-reboot")
    check("end", (run.returncode, run.stdout, run.stderr), (RESET, b"x", b""))
    with Session(bench.vmm, "-bios", path, "-nographic") as session:
        for _ in range(3):
            session.expect(b"x")
        session.send(b"\x01x")
        check("end", session.end(), USER_QUIT)


@case
def unreadable_files(bench):
    os.chmod(bench.folder, 0o755)
    closed = bench.file("closed", b"x")
    os.chmod(closed, 0)
    ordinary = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    for arguments, code in ((["-kernel", closed], BAD_IMAGE), (["-kernel", bench.guest, "-initrd", closed], BAD_IMAGE),
                            (["-kernel", bench.guest, "-d", "int", "-D", closed], IO_ERROR),
                            (["-kernel", bench.guest, "-stats", closed], IO_ERROR),
                            (["-kernel", bench.guest, "-serial", "file:" + closed], IO_ERROR)):
        one_line(bench.run(*arguments, **ordinary), code, closed, "Permission denied")


@case
def bad_initrds(bench):
    missing = os.path.join(bench.folder, "missing")
    one_line(bench.run_guest("halt", "-initrd", missing), BAD_IMAGE, missing)
    large = bench.file("large")
    for size in (64 * MEBIBYTE, 5 << 30):
        os.truncate(large, size)
        one_line(bench.run_guest("halt", "-m", "32", "-initrd", large), BAD_IMAGE, large)
    linux = bench.file("linux", bzimage(sectors=1, length=65536))
    one_line(bench.run("-kernel", linux, "-m", "32", "-initrd", large), BAD_IMAGE, large)


@case
def full_disks(bench):
    for words in ("say=hello exit=0", "flood"):
        one_line(bench.run_guest(words, "-serial", "file:/dev/full"), IO_ERROR, "/dev/full", "No space left")
    one_line(bench.run_guest("exit=0", "-display", "none", "-stats", "/dev/full"), IO_ERROR, "/dev/full", "No space left")
    one_line(bench.run_guest("exit=0", "-display", "none", "-d", "cpu_reset", "-D", "/dev/full"), IO_ERROR, "/dev/full")
    one_line(bench.run_guest("exit=0", "-display", "none", "-d", "all", "-D", "/dev/full", "-stats", "/dev/full"), IO_ERROR,
             "/dev/full")
    with open("/dev/full", "wb") as full:
        check("status", bench.run_guest("say=hello exit=0", stdout=full).returncode, IO_ERROR)
        check("status of --help", bench.run("--help", stdout=full).returncode, IO_ERROR)


@case
def files_in_no_folder(bench):
    path = os.path.join(bench.folder, "no", "such")
    for options in (["-d", "int", "-D", path], ["-stats", path], ["-serial", "file:" + path]):
        one_line(bench.run_guest("exit=0", *options), IO_ERROR, path, "No such file")


@case
def closed_standard_files(bench):
    for fds in ((0,), (1,), (2,), (0, 1), (0, 1, 2)):
        def close(fds=fds):
            for fd in fds:
                os.close(fd)
        run = bench.run_guest("say=hello exit=5", preexec_fn=close)
        check(f"status without {fds}", run.returncode, 11)
        check(f"output without {fds}", run.stdout, b"" if 1 in fds else b"hello\n")
        said = 0 in fds and 2 not in fds
        check(f"lines without {fds}", run.stderr.count(b"\n"), 1 if said else 0)
        if said and b"standard input" not in run.stderr:
            raise Failure(f"the line does not name it: {run.stderr!r}")


@case
def nobody_reads_the_output(bench):
    reader, writer = os.pipe()
    os.close(reader)
    run = bench.run_guest("flood", stdout=writer)
    os.close(writer)
    check("output", run.stdout, None)
    check("status", run.returncode, IO_ERROR)
    check("lines", run.stderr.count(b"\n"), 1)


@case
def memory_that_the_host_refuses(bench):
    for limit in (64 * MEBIBYTE, 1 << 30, 40 << 30):
        def lower(limit=limit):
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        one_line(bench.run_guest("exit=0", "-display", "none", preexec_fn=lower), HOST_LACKS, "address space")


@case
def files_larger_than_the_limit(bench):
    def lower():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    one_line(bench.run_guest("exit=0", "-display", "none", preexec_fn=lower), HOST_LACKS, "File too large")


# ---- How a run ends -------------------------------------------------------------------------------------------------


@case
def debug_exit_values(bench):
    for value in (0, 1, 2, 7, 63, 64, 127, 128, 255):
        run = bench.run_guest(f"exit={value}")
        check(f"status for {value}", run.returncode, (value << 1 | 1) & 0xFF)
        check("errors", run.stderr, b"")


@case
def resets_with_no_reboot(bench):
    for word in ("8042", "cf9", "port92"):
        check(f"status after {word}", bench.run_guest(word, "-no-reboot").returncode, RESET)
    check("status after a triple fault", bench.run_guest("triple", "-no-reboot").returncode, TRIPLE_FAULT)


@case
def resets_start_the_guest_again(bench):
    for word in ("8042", "cf9", "port92", "triple"):
        stats = os.path.join(bench.folder, "stats")
        with bench.on_terminal(f"say=starts {word}", "-stats", stats) as session:
            for _ in range(3):
                session.expect(rb"starts\r\n")
            session.process.terminate()
            check("end", session.end(), -signal.SIGTERM)
        counters = counters_in(stats)
        check("two resets or more", counters["guest_resets"] >= 2, True)
        check("triple faults", counters["guest_triple_faults"], counters["guest_resets"] if word == "triple" else 0)


@case
def halt_with_interrupts_disabled_is_power_off(bench):
    check("status", bench.run_guest("halt").returncode, POWER_OFF)
    with bench.on_terminal("say=stops halt", "-no-shutdown") as session:
        session.expect(b"stops")
        session.send(b"\x01x")
        check("end", session.end(), USER_QUIT)


def counters_in(path):
    with open(path) as file:
        return json.load(file)["counters"]


@case
def statistics_and_log_are_written_however_it_ends(bench):
    stats, log = os.path.join(bench.folder, "stats"), os.path.join(bench.folder, "log")
    options = ["-stats", stats, "-d", "cpu_reset", "-D", log]

    def written(how):
        check(f"port writes after {how}", counters_in(stats)["guest_port_writes"] > 0, True)
        check(f"log after {how}", os.path.getsize(log) > 0, True)
        os.unlink(stats), os.unlink(log)

    for words, status in (("say=x exit=1", 3), ("say=x 8042", RESET), ("say=x triple", TRIPLE_FAULT), ("say=x halt", POWER_OFF)):
        check(f"status after {words}", bench.run_guest(words, "-no-reboot", *options).returncode, status)
        written(words)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        for words in ("say=works spin", "say=works idle", "say=works flood"):
            with bench.on_terminal(words, *options) as session:
                session.expect(b"works")
                session.process.send_signal(number)
                check(f"end after {number}", session.end(), -number)
            written(number)
    with bench.on_terminal("say=works spin", *options) as session:
        session.expect(b"works")
        session.send(b"\x01x")
        check("end after C-a x", session.end(), USER_QUIT)
    written("C-a x")
    one_line(bench.run_guest("say=x flood", *options, "-serial", "file:/dev/full"), IO_ERROR, "/dev/full")
    written("a full disk")


@case
def an_ignored_hangup_stays_ignored(bench):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    command = [bench.vmm, *bench.guest_options("say=works echo")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=ignore) as process:
        check("output", process.stdout.readline(), b"works\n")
        process.send_signal(signal.SIGHUP)
        process.stdin.write(b"still here\n")
        process.stdin.flush()
        check("output", process.stdout.readline(), b"echoes\n")
        check("output", process.stdout.readline(), b"still here\n")
        process.kill()


# ---- The terminal ---------------------------------------------------------------------------------------------------


@case
def the_terminal_is_restored_however_it_ends(bench):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL, signal.SIGABRT,
                   signal.SIGSEGV, signal.SIGBUS, signal.SIGPIPE):
        with bench.on_terminal("say=works idle") as session:
            session.expect(b"works")
            check("raw", session.is_raw(), True)
            session.process.send_signal(number)
            check("end", session.end(), -number)
            check(f"settings after {number}", session.settings(), session.before)
    for words, options, status in (("exit=2", [], 5), ("triple", ["-no-reboot"], TRIPLE_FAULT), ("8042", ["-no-reboot"], RESET)):
        with bench.on_terminal(words, *options) as session:
            check("end", session.end(), status)
            check(f"settings after {words}", session.settings(), session.before)
    wait_for_orphans()


@case
def bad_input_leaves_the_terminal_alone(bench):
    for options in (["-m", "0"], ["-initrd", "/nonexistent"], ["-stats", "/nonexistent/x"], ["-serial", "nosuch"]):
        with bench.on_terminal("exit=0", *options) as session:
            session.end()
            check("settings", session.settings(), session.before)
            check("lines", session.history.count(b"\n"), 1)
    wait_for_orphans()


@case
def keys_of_the_terminal(bench):
    with bench.on_terminal("echo") as session:
        session.expect(b"echoes")
        session.send(b"\x01h")
        session.expect(b"C-a h.*help")
        session.expect(b"C-a x")
        session.send(b"\x03\x1a\x1c<\x01\x01>")
        session.expect(rb"\x03\x1a\x1c<\x01>")
        session.send(b"\x01x")
        check("end", session.end(), USER_QUIT)
        check("settings", session.settings(), session.before)
    wait_for_orphans()


@case
def quits_while_nobody_reads_the_terminal(bench):
    for how in ("C-a x", signal.SIGTERM):
        errors = tempfile.TemporaryFile()
        with bench.on_terminal("say=starts flood", errors=errors) as session:
            session.expect(b"starts")
            # Nothing is read from here on until the process has ended: its output is stuck.
            if how == "C-a x":
                session.send(b"\x01x")
            else:
                session.process.send_signal(how)
            check("end", session.process.wait(), USER_QUIT if how == "C-a x" else -how)


@case
def a_pasted_text_comes_back_whole(bench):
    text = b"".join(b"%06d" % n for n in range(0, 65536, 6))
    with bench.on_terminal("echo") as session:
        session.expect(rb"echoes\r\n")
        for at in range(0, len(text), 2048):
            session.send(text[at:at + 2048])
            session.expect(re.escape(text[at:at + 2048]))


@case
def input_through_a_pipe_comes_back_whole(bench):
    text = os.urandom(65536).replace(b"\x01", b"\x02")
    command = [bench.vmm, *bench.guest_options("echo", "-nographic")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        check("output", process.stdout.readline(), b"echoes\n")
        if os.fork() == 0:
            process.stdin.write(text)
            process.stdin.flush()
            os._exit(0)
        check("echo", process.stdout.read(len(text)), text)
        process.kill()


# ---- Where the serial port leads ------------------------------------------------------------------------------------


@case
def serial_file(bench):
    path = os.path.join(bench.folder, "serial")
    run = bench.run_guest("say=hello exit=1", "-serial", "file:" + path)
    check("status", run.returncode, 3)
    check("output", (run.stdout, run.stderr), (b"", b""))
    with open(path, "rb") as file:
        check("file", file.read(), b"hello\n")


@case
def serial_none_and_null(bench):
    for target in ("none", "null"):
        run = bench.run_guest("exit=1" if target == "none" else "say=hello exit=1", "-serial", target)
        check(target, (run.returncode, run.stdout, run.stderr), (3, b"", b""))


@case
def serial_pty(bench):
    command = [bench.vmm, *bench.guest_options("echo", "-serial", "pty")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        line = process.stderr.readline()
        match = re.search(rb"(/dev/pts/\d+)\n", line)
        check("a name in the line " + repr(line), bool(match), True)
        fd = os.open(match[1], os.O_RDWR | os.O_NOCTTY)
        os.write(fd, b"typed")
        heard = b""
        while not heard.endswith(b"typed"):
            heard += os.read(fd, 100)
        os.close(fd)
        process.terminate()
        check("end", process.wait(), -signal.SIGTERM)


# ---- Memory ---------------------------------------------------------------------------------------------------------


@case
def memory_sizes(bench):
    for size in (8, 9, 16, 255, 1024, 2047, 2048, 3072):
        run = bench.run_guest("memory exit=0", "-m", str(size))
        check(f"status with {size} MiB", run.returncode, 1)
        regions = re.findall(rb"ram_([0-9a-f]+)_([0-9a-f]+)(_\w+)?\n", run.stdout)
        check("end of RAM", max(int(base, 16) + int(length, 16) for base, length, _ in regions), size * MEBIBYTE)
        check("RAM works", {works for base, _, works in regions if int(base, 16) != 0}, {b"_works"})
        check("beyond RAM", re.search(rb"hole_(\w+)", run.stdout)[1], b"00000000ffffffff")


# ---- Disks ----------------------------------------------------------------------------------------------------------


@case
def a_kernel_reads_a_disk(bench):
    disk = bench.file("disk", bytes(512) + b"second_sector ".ljust(512))
    run = bench.run_guest("disk exit=0", "-hda", disk)
    check("status", run.returncode, 1)
    check("what it read", run.stdout, b"second_sector\n")


@case
def what_is_under_way_reaches_the_disk_before_a_reset_or_the_end(bench):
    for words, code in (("fill-disk cf9", RESET), ("fill-disk triple", TRIPLE_FAULT), ("fill-disk exit=0", 1)):
        disk = bench.file("disk", bytes(1024))
        check("status", bench.run_guest(words, "-hda", disk, "-no-reboot").returncode, code)
        with open(disk, "rb") as file:
            check("what is on the disk", file.read(), bytes(512) + 512 * b"\x5A")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vmm")
    parser.add_argument("--guest")
    adopt_orphans()
    return run_cases(parser, lambda options, folder: Bench(options.vmm, options.guest, folder))


if __name__ == "__main__":
    sys.exit(main())

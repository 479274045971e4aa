#!/usr/bin/env python3
"""display_test.py --vmm PROGRAM --disk FILE --guests DIR CASE: the monitor prompt, keys and mouse as a person uses them, and as a guest
sees them. The file is what input.S becomes. With --list, the cases."""
import argparse
import contextlib
import os
import random
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import urllib.error
import urllib.request

tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [tests, os.path.join(tests, "boot"), os.path.join(tests, "cli")]
from cases import Failure, case, check, run_cases  # noqa: E402  (found by the line above)
from machine import Machine  # noqa: E402
from png import read_png  # noqa: E402
from prompt import Prompt  # noqa: E402
from rfb import FIRST_PORT, RfbClient, free_display  # noqa: E402
from session import Session  # noqa: E402
from terminal_screen import TerminalScreen  # noqa: E402

USER_QUIT, BAD_COMMAND_LINE, IO_ERROR = 16, 2, 8  # monitor/exit_codes.h
SECTOR = 512
WHEEL = 0x1F0  # input.S


class Bench:
    """The program under test, its guest and a folder for this run."""

    def __init__(self, options, folder):
        self.vmm, self.disk, self.folder = os.path.abspath(options.vmm), options.disk, folder
        self.guests = options.guests
        self.socket = os.path.join(folder, "prompt")

    def image(self, wheel=False):
        path = os.path.join(self.folder, "disk.img")
        with open(self.disk, "rb") as file:
            boot = bytearray(file.read())
        boot[WHEEL] = wheel
        with open(path, "wb") as file:
            file.write(boot)
            file.truncate(64 * SECTOR)
        return path

    def start(self, *options, wheel=False):
        """The guest, ready, with a monitor prompt at the socket."""
        machine = Machine(self.vmm, "-m", "16", "-hda", self.image(wheel), "-monitor", f"unix:{self.socket}", *options)
        machine.expect(rb"ready\r\n")
        return machine


def text_on(client):
    """Waits until the client sees the BIOS's text, in the VGA's text mode."""
    client.update(False)
    while client.width != 720 or sum(map(bool, client.pixels[::4])) < 1000:
        client.update(True)


def takes_keys_of(client, machine):
    """The client presses Escape, and the guest gets it."""
    client.key(0xFF1B, True)
    machine.expect(rb"k01 ")


def sees(machine, *codes):
    """The guest says these bytes next, and no other."""
    expected = b"".join(code.encode() + b" " for code in codes)
    said = machine.expect(rb"\A(?:[km][0-9A-F]{2} ){%d}" % len(codes))[0]
    check("what the guest got", said, expected)


def state(prompt):
    return dict(re.findall(r"(\w+) ([0-9a-f]{8})", prompt.run("info registers")))


# ---- The prompt -----------------------------------------------------------------------------------------------------


@case
def commands_say_what_they_should(bench):
    with bench.start() as machine, Prompt(bench.socket) as prompt:
        if "monitor" not in prompt.greeting:
            raise Failure(f"greeting: {prompt.greeting!r}")
        for command, pattern in (("help", r"^sendkey KEYS.* -- "), ("help quit", r"\Aquit -- [^\n]*\n\Z"),
                                 ("info", r"^info registers -- "), ("info version", r"\Aringdown [0-9.]+\n\Z"),
                                 ("info status", r"\AVM status: running\n\Z"), ("info pic", r"^pic1: irr="),
                                 ("info pci", r"^bus 0, device 0, function 0: class 0600, id 8086:1237$"),
                                 ("info block", r"\Aide0-hd0: .*disk\.img \(raw\)\n\Z"), ("info mem", r"\Apaging is off\n\Z"),
                                 ("xp /2xb 0x7dfe", r"\A00007dfe: 0x55 0xaa\n\Z"), ("x/1xh 0x7dfe", r"\A00007dfe: 0xaa55\n\Z"),
                                 ("xp /1dh 0x7dfe", r": -21931\n\Z"), ("xp /1i 0x7c00", r"\A00007c00  fa +cli\n\Z"),
                                 ("xp /4xb 0xa0000", r"no memory at 000a0000\n\Z"), ("", r"\A\Z"), ("  \t ", r"\A\Z")):
            if not re.search(pattern, prompt.run(command), re.MULTILINE):
                raise Failure(f"{command}: {prompt.run(command)!r}")
        check("socket's mode", stat.S_IMODE(os.stat(bench.socket).st_mode), 0o600)
        prompt.send("quit\n")
        check("exit code", machine.exit_code(), USER_QUIT)
        prompt.ends()
        check("socket left behind", os.path.exists(bench.socket), False)


@case
def each_error_is_one_line(bench):
    with bench.start() as machine, Prompt(bench.socket) as prompt:
        for command, name in (("nosuch", "nosuch"), ("info nosuch", "nosuch"), ("help nosuch", "nosuch"), ("x", "address"),
                              ("x /q 0", "/q"), ("x /0x 0", "/0x"), ("x /99999x 0", "/99999x"), ("x 0x1ffffffff", "0x1ffffffff"),
                              ("x $nosuch", "$nosuch"), ("sendkey", "keys"), ("sendkey ctrl-nosuch", "nosuch"),
                              ("sendkey a--b", "''"), ("sendkey a 1x", "1x"), ("sendkey a 99999999999", "99999999999"),
                              ("mouse_move 1", "DX"), ("mouse_move 1 x", "x"), ("mouse_move 1 99999", "99999"),
                              ("mouse_button 8", "mouse_button"), ("mouse_button", "mouse_button"), ("screendump", "file"),
                              ("screendump " + "/nonexistent/x.png", "screendump"), ("eject", "drive"), ("eject -f", "drive"),
                              ("eject ide0-hd0", "hard disk"), ("eject ide1-cd0", "ide1-cd0"), ("eject -x floppy0", "drive"),
                              ("change floppy0", "file"), ("change floppy0 x", "floppy0"), ("change a b qcow2", "qcow2"), ("change a b raw c", "file"),
                              ('change floppy0 "a b', "quotation mark"), (r'change "no \" such" "a b" raw', 'no " such'), ("a" * 5000, "aaa"), ("\x01\x02\x7f\xff", "unknown")):
            said = prompt.run(command)
            if not re.fullmatch(r"[^\n]+\n", said) or name not in said:
                raise Failure(f"{command!r}: {said!r}")
        check("status", prompt.run("info status"), "VM status: running\n")
        machine.process.terminate()
        check("exit code", machine.exit_code(), -signal.SIGTERM)


@case
def clients_come_and_go(bench):
    with bench.start() as machine:
        for leave_behind in ("", "quit", "sendkey a", "x" * 100000):
            with Prompt(bench.socket) as prompt:
                prompt.send(leave_behind)
        with Prompt(bench.socket) as prompt:  # as 'echo sendkey c 1 | socat' does
            prompt.send("sendkey c 1\nsendkey d")
            prompt.hang_up()
        sees(machine, "k2E", "kAE")
        with Prompt(bench.socket) as prompt:
            for _ in range(300):
                prompt.send("help\ninfo registers\nxp /4096xb 0\n")  # and reads nothing
        with Prompt(bench.socket) as prompt:
            check("status", prompt.run("info status"), "VM status: running\n")
            prompt.run("sendkey b 1")
            sees(machine, "k30", "kB0")


@case
def a_stopped_guest_stands_still(bench):
    with bench.start() as machine, Prompt(bench.socket) as prompt:
        before = state(prompt)
        while state(prompt)["ecx"] == before["ecx"]:
            pass
        prompt.run("stop")
        check("status", prompt.run("info status"), "VM status: paused\n")
        stopped = prompt.run("info registers")
        prompt.run("sendkey a")  # the press waits in the controller
        check("registers", prompt.run("info registers"), stopped)
        prompt.run("stop")
        prompt.run("cont")
        sees(machine, "k1E", "k9E")
        while state(prompt)["ecx"] == dict(re.findall(r"(\w+) ([0-9a-f]{8})", stopped))["ecx"]:
            pass


@case
def a_machine_that_starts_stopped_goes_on(bench):
    with Machine(bench.vmm, "-S", "-hda", bench.image(), "-monitor", f"unix:{bench.socket},server,nowait",
                 "-D", os.path.join(bench.folder, "log")) as machine:
        with machine.reached(Prompt, bench.socket) as prompt:
            check("status", prompt.run("info status"), "VM status: paused\n")
            check("eip", state(prompt)["eip"], "0000fff0")
            check("reset", prompt.run("system_reset"), "")
            check("status", prompt.run("info status"), "VM status: paused\n")
            prompt.run("cont")
            machine.expect(rb"ready\r\n")


@case
def reset_starts_again(bench):
    with bench.start() as machine, Prompt(bench.socket) as prompt:
        check("answer", prompt.run("system_reset"), "")
        machine.expect(rb"ready\r\n")


@case
def the_terminal_shares_prompt_and_serial_port(bench):
    with Session(bench.vmm, "-m", "16", "-hda", bench.image(), "-nographic") as session:
        session.expect(rb"ready\r+\n")
        session.send(b"\x01c")
        session.expect(rb"\(ringdown\) ")
        session.send(b"infx\x08o status\r")
        session.expect(rb"VM status: running\r\n\(ringdown\) ")
        session.send(b"sendkey a 1\r")
        session.expect(rb"k1E k9E ")
        session.send(b"\x01c\x01c")
        session.expect(rb"\(ringdown\) ")
        session.send(b"quit\r")
        check("end", session.end(), USER_QUIT)
        check("settings", session.settings(), session.before)


@case
def the_prompt_may_have_the_terminal_for_itself(bench):
    serial = os.path.join(bench.folder, "serial")
    with Session(bench.vmm, "-m", "16", "-hda", bench.image(), "-monitor", "stdio", "-serial", f"file:{serial}") as session:
        session.expect(rb"monitor[^\n]*\n\(ringdown\) ")
        session.send(b"info version\r")
        session.expect(rb"ringdown [0-9.]+\r\n\(ringdown\) ")
        session.send(b"q\r")
        check("end", session.end(), USER_QUIT)


@case
def sockets_that_cannot_be(bench):
    for path, code in ((bench.folder + "/nosuch/socket", IO_ERROR), ("/" + "x" * 200, IO_ERROR), ("", BAD_COMMAND_LINE)):
        with Machine(bench.vmm, "-hda", bench.image(), "-monitor", "unix:" + path) as machine:
            check("exit code", machine.exit_code(), code)


# ---- Keys and mouse -------------------------------------------------------------------------------------------------


@case
def the_guest_gets_keys(bench):
    with bench.start() as machine, Prompt(bench.socket) as prompt:
        prompt.run("sendkey ctrl-alt-delete 5")
        sees(machine, "k1D", "k38", "kE0", "k53", "kE0", "kD3", "kB8", "k9D")
        prompt.run("sendkey pause 1")
        sees(machine, "kE1", "k1D", "k45", "kE1", "k9D", "kC5")
        for _ in range(40):
            prompt.run("sendkey 0x1e 0")
        sees(machine, *["k1E", "k9E"] * 40)


@case
def the_guest_gets_the_mouse(bench):
    with bench.start() as machine, Prompt(bench.socket) as prompt:
        prompt.run("mouse_move 5 3")
        sees(machine, "m28", "m05", "mFD")
        prompt.run("mouse_button 4")
        sees(machine, "m0A", "m00", "m00")
        prompt.run("mouse_move -300 0")
        sees(machine, "m1A", "m01", "m00", "m1A", "mD3", "m00")
        prompt.run("mouse_button 0")
        sees(machine, "m08", "m00", "m00")


@case
def the_guest_gets_the_wheel(bench):
    with bench.start(wheel=True) as machine, Prompt(bench.socket) as prompt:
        prompt.run("mouse_move 0 0 1")
        sees(machine, "m08", "m00", "m00", "mFF")
        prompt.run("mouse_move 1 0 -1")
        sees(machine, "m08", "m01", "m00", "m01")


# ---- Displays -------------------------------------------------------------------------------------------------------


@case
def the_screen_is_dumped(bench):
    with bench.start("-vga", "std") as machine, Prompt(bench.socket) as prompt:
        png, ppm = (os.path.join(bench.folder, name) for name in ("screen.png", "screen.ppm"))
        check("answer", prompt.run("stop") + prompt.run(f"screendump {png}") + prompt.run(f"screendump {ppm}"), "")
        with open(png, "rb") as file:
            width, height, rows = read_png(file.read())
        check("size", (width, height), (720, 400))
        if sum(map(bool, b"".join(rows))) < 3000:
            raise Failure("the screen is dark")
        with open(ppm, "rb") as file:
            check("the same as PPM", file.read(), b"P6\n720 400\n255\n" + b"".join(rows))
        machine.process.terminate()


@case
def a_machine_without_a_screen_dumps_none(bench):
    with bench.start("-vga", "none"), Prompt(bench.socket) as prompt:
        check("answer", prompt.run(f"screendump {bench.folder}/x.png"), "screendump: this machine has no screen\n")


@case
def vnc_shows_the_screen_and_takes_keys(bench):
    display = free_display()
    with bench.start("-vnc", f":{display}", "-name", "guest one") as machine, Prompt(bench.socket) as prompt:
        with RfbClient(FIRST_PORT + display) as client:
            check("name", client.name, "guest one")
            text_on(client)
            prompt.run("stop")
            png = os.path.join(bench.folder, "screen.png")
            prompt.run(f"screendump {png}")
            prompt.run("cont")
            with open(png, "rb") as file:
                width, height, rows = read_png(file.read())
            check("size", (client.width, client.height), (width, height))
            different = sum(client.pixel(x, y) != int.from_bytes(rows[y][3 * x:3 * x + 3], "big")
                            for y in range(height) for x in range(width))
            if different > 9 * 16:  # the cursor blinks
                raise Failure(f"{different} pixels are not as in the screendump")
            for keysym in (ord("a"), 0xFF52):
                client.key(keysym, True)
                client.key(keysym, False)
            client.key(0x12345678, True)  # no key of ours
            client.key(0xFFE1, True)
            sees(machine, "k1E", "k9E", "kE0", "k48", "kE0", "kC8", "k2A")
        sees(machine, "kAA")  # it went with Shift held


@case
def vnc_takes_the_mouse(bench):
    display = free_display()
    with bench.start("-vnc", f"127.0.0.1:{display}", wheel=True) as machine, RfbClient(FIRST_PORT + display) as client:
        client.pointer(100, 100, 0)
        client.pointer(103, 98, 0)
        sees(machine, "m08", "m03", "m02", "m00")
        client.pointer(103, 98, 4)  # right
        sees(machine, "m0A", "m00", "m00", "m00")
        client.pointer(103, 98, 0)
        client.pointer(103, 98, 16)  # the wheel, down
        client.pointer(103, 98, 0)
        sees(machine, "m08", "m00", "m00", "m00", "m08", "m00", "m00", "m01")


@case
def vnc_clients_may_do_what_they_like(bench):
    seed = int.from_bytes(os.urandom(4), "little")
    print(f"seed {seed}")
    chance = random.Random(seed)
    display = free_display()
    with bench.start("-vnc", f":{display}") as machine, RfbClient(FIRST_PORT + display) as witness:
        for _ in range(30):
            with socket.create_connection(("127.0.0.1", FIRST_PORT + display)) as stream:
                stream.sendall(chance.randbytes(chance.randrange(2000)))
            try:
                with RfbClient(FIRST_PORT + display) as client:
                    client.send(chance.choice((b"", b"\x03\0\0\0", b"\x06\0\0\0\xff\xff\xff\xff", b"\x02\0\xff\xff",
                                               b"\x00" * 4 + b"\xff" * 16, chance.randbytes(3000))))
            except (Failure, OSError):
                pass  # it may be sent away, too
        text_on(witness)
        takes_keys_of(witness, machine)


@case
def vnc_clients_may_go_after_a_few_bytes(bench):
    """Fewer than tell whether they speak WebSocket: libvncserver's own look at them does not end."""
    display = free_display()
    with bench.start("-vnc", f":{display}") as machine:
        for size in range(5):
            with socket.create_connection(("127.0.0.1", FIRST_PORT + display)) as stream:
                stream.sendall(b"GET "[:size])
        with RfbClient(FIRST_PORT + display) as witness:
            text_on(witness)
            takes_keys_of(witness, machine)


@case
def vnc_clients_that_stop_in_the_middle_are_sent_away(bench):
    """One that asks and does not read, and one that has not said all: libvncserver waits for each, but not for long."""
    display = free_display()
    with bench.start("-vnc", f":{display}") as machine, Prompt(bench.socket) as prompt:
        prompt.run("stop")  # it would poll meanwhile
        for message in (struct.pack(">BBHHHH", 3, 0, 0, 0, 720, 400) * 100, b"\2\0\xff\xff"):
            with socket.socket() as stream:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                stream.connect(("127.0.0.1", FIRST_PORT + display))
                RfbClient(FIRST_PORT + display, stream).send(message)
                with RfbClient(FIRST_PORT + display) as witness:
                    text_on(witness)  # the server comes to it only when it is through with the other
                try:
                    while stream.recv(65536):
                        pass
                except ConnectionResetError:
                    pass
        prompt.run("cont")
        with RfbClient(FIRST_PORT + display) as witness:
            takes_keys_of(witness, machine)


@case
def vnc_has_32_clients_at_most(bench):
    most, display = 32, free_display()

    def connect():
        stream = socket.create_connection(("127.0.0.1", FIRST_PORT + display))
        try:
            return stream, stream.recv(1, socket.MSG_PEEK) == b"R"  # its version
        except ConnectionResetError:
            return stream, False

    with bench.start("-vnc", f":{display}") as machine, Prompt(bench.socket) as prompt:
        prompt.run("stop")
        clients = [connect() for _ in range(most + 3)]
        check("served", [served for _, served in clients], [True] * most + [False] * 3)
        for stream, _ in clients:
            stream.close()
        while not (client := connect())[1]:  # the server has not heard of it
            client[0].close()
        client[0].close()
        prompt.run("cont")
        with RfbClient(FIRST_PORT + display) as witness:
            takes_keys_of(witness, machine)


@case
def vnc_speaks_websocket_where_it_was_asked_to(bench):
    display = free_display()
    port = FIRST_PORT + free_display()
    with bench.start("-vnc", f":{display},websocket={port}") as machine:
        with RfbClient(port, WebSocket(port)) as client:
            text_on(client)
            client.key(ord("b"), True)
            client.key(ord("b"), False)
            sees(machine, "k30", "kB0")
        try:
            RfbClient(FIRST_PORT + display, WebSocket(FIRST_PORT + display))
        except (Failure, OSError):
            return
        raise Failure("the port of VNC speaks WebSocket")


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.url, answer.headers["Content-Type"], answer.read()


def status_of(port, request):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(request)
        line = client.makefile("rb").readline()
        return line.split()[1] if line else b"none"


@case
def a_browser_gets_novnc_and_then_the_screen(bench):
    os.environ["XDG_DATA_DIRS"] = f"/nonexistent:{bench.guests}"
    port = FIRST_PORT + free_display()
    with bench.start("-vnc", f":{free_display()},websocket={port}"), contextlib.ExitStack() as stack:
        for _ in range(40):  # more than have a place
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            silent.sendall(b"GET / HT")
        silent.shutdown(socket.SHUT_WR)
        address, kind, page = get(port, "/")
        check("where / leads", address, f"http://127.0.0.1:{port}/vnc.html?autoconnect=true&resize=scale")
        check("the page's type", kind, "text/html; charset=utf-8")
        scripts = re.findall(rb'type="module"[^>]* src="([^"]+)"', page)
        check("what it starts", scripts, [b"app/ui.js"])
        _, kind, script = get(port, "/app/ui.js")
        check("the script's type", kind, "text/javascript")
        with open(os.path.join(bench.guests, "novnc", "app", "ui.js"), "rb") as file:
            check("the script", script, file.read())
        for request, status in ((b"GET /../packages HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
                                (b"GET /%2e%2e/packages HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
                                (b"GET //etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
                                (b"GET /app HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
                                (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", b"405"),
                                (b"G" * 9000 + b" / HTTP/1.1\r\n\r\n", b"405")):
            check(f"the answer to {request!r}", status_of(port, request), status)
        with RfbClient(port, WebSocket(port)) as client:
            text_on(client)


@case
def a_browser_gets_nothing_hidden_nor_what_a_link_leads_out_to(bench):
    os.environ["XDG_DATA_DIRS"] = bench.folder
    page = os.path.join(bench.folder, "novnc")
    for folder in ("app", ".git"):
        os.makedirs(os.path.join(page, folder))
    for path in ("vnc.html", "app/ui.js", ".git/config", "app/.ui.js.swp", "../secret"):
        with open(os.path.join(page, path), "w"):
            pass
    os.symlink("vnc.html", os.path.join(page, "within"))
    os.symlink("../secret", os.path.join(page, "without"))
    os.symlink("nowhere", os.path.join(page, "dangling"))
    port = FIRST_PORT + free_display()
    with bench.start("-vnc", f":{free_display()},websocket={port}"):
        for name, status in (("vnc.html", b"200"), ("within", b"200"), ("app/ui.js", b"200"), ("without", b"404"),
                             ("dangling", b"404"), (".git/config", b"404"), ("app/.ui.js.swp", b"404")):
            check(name, status_of(port, f"GET /{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode()), status)


@case
def a_browser_is_told_that_novnc_is_missing(bench):
    os.environ["XDG_DATA_DIRS"] = bench.folder
    port = FIRST_PORT + free_display()
    with bench.start("-vnc", f":{free_display()},websocket={port}"):
        try:
            get(port, "/")
        except urllib.error.HTTPError as error:
            check("the status", error.code, 404)
            check("names the package", b"package novnc" in error.read(), True)
        else:
            raise Failure("there is a page")


def expect_on_screen(session, text):
    """Waits until a terminal shows this, in however many parts it comes."""
    screen = TerminalScreen()
    while text not in screen.text():
        screen.feed(session.expect(rb"(?s).+")[0])


@case
def curses_shows_text_and_takes_keys(bench):
    serial = os.path.join(bench.folder, "serial")
    environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    with Session("env", *(f"{name}={environment[name]}" for name in ("TERM", "LC_ALL")), bench.vmm, "-m", "16", "-hda",
                 bench.image(), "-display", "curses", "-serial", f"file:{serial}", "-monitor", f"unix:{bench.socket}") as session:
        expect_on_screen(session, "Booting from Hard Disk")
        wait_for(serial, b"ready")
        session.send(b"aB\x03\x1bOP\x01\x01")
        wait_for(serial, b"k1E k9E k2A k30 kB0 kAA k1D k2E kAE k9D k3B kBB k1D k1E k9E k9D ")
        session.send(b"\x01x")
        check("end", session.end(), USER_QUIT)
        check("settings", session.settings(), session.before)


@case
def curses_needs_a_terminal(bench):
    run = subprocess.run([bench.vmm, "-hda", bench.image(), "-display", "curses"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    check("exit code", run.returncode, IO_ERROR)
    check("line", run.stderr, b"ringdown: -display curses: standard input and output are no terminal\n")


@case
def a_window_shows_the_screen(bench):
    """By the SDL driver that writes each frame to a file in place of a desktop."""
    environment = {**os.environ, "SDL_VIDEODRIVER": "dummy", "SDL_VIDEO_DUMMY_SAVE_FRAMES": "1"}
    process = subprocess.Popen([bench.vmm, "-m", "16", "-hda", bench.image(), "-display", "sdl", "-serial", "null"],
                               cwd=bench.folder, env=environment)
    try:
        seen = set()
        while True:
            frames = [name for name in os.listdir(bench.folder) if name.endswith(".bmp") and name not in seen]
            for name in frames:
                with open(os.path.join(bench.folder, name), "rb") as file:
                    if shows_text(file.read()):
                        return
            seen.update(frames)
            if process.poll() is not None:
                raise Failure(f"ended with {process.returncode}")
            os.sched_yield()
    finally:
        process.kill()
        process.wait()


def shows_text(bmp):
    """A whole BMP file of 720 by 400 pixels, a good many of them lit."""
    if len(bmp) < 26 or len(bmp) != int.from_bytes(bmp[2:6], "little"):
        return False
    size = int.from_bytes(bmp[18:22], "little"), abs(int.from_bytes(bmp[22:26], "little", signed=True))
    return size == (720, 400) and sum(byte == 0xAA for byte in bmp[54:]) > 3000


@case
def a_window_that_cannot_be(bench):
    run = subprocess.run([bench.vmm, "-hda", bench.image(), "-display", "sdl"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                         env={**os.environ, "SDL_VIDEODRIVER": "nosuch"})
    check("exit code", run.returncode, IO_ERROR)
    if not re.fullmatch(rb"ringdown: -display sdl: [^\n]+\n", run.stderr):
        raise Failure(f"it said {run.stderr!r}")


def wait_for(path, text):
    """Until the file, which grows, has this in it."""
    while True:
        with open(path, "rb") as file:
            if text in file.read():
                return
        os.sched_yield()


class WebSocket:
    """A client's side of RFC 6455 with binary frames, with the two methods of a socket that RfbClient uses."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall((f"GET /websockify HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n"
                             f"Origin: http://127.0.0.1:{port}\r\n\r\n").encode())
        self.data, self.raw = b"", b""
        while b"\r\n\r\n" not in self.raw:
            self._more()
        head, self.raw = self.raw.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 101") or b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" not in head:
            raise Failure(f"handshake: {head!r}")

    def close(self):
        self.socket.close()

    def sendall(self, data):
        mask = b"\1\2\3\4"
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        self.socket.sendall(b"\x82" + size + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))

    def recv(self, size):
        while not self.data:
            self._frame()
        data, self.data = self.data[:size], self.data[size:]
        return data

    def _frame(self):
        self._need(2)
        size, start = self.raw[1] & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            self._need(start)
            size = int.from_bytes(self.raw[2:start], "big")
        self._need(start + size)
        self.data += self.raw[start:start + size]
        self.raw = self.raw[start + size:]

    def _need(self, size):
        while len(self.raw) < size:
            self._more()

    def _more(self):
        if not (data := self.socket.recv(65536)):
            raise Failure("the server has hung up")
        self.raw += data


@case
def vnc_at_a_port_that_is_taken(bench):
    with socket.create_server(("127.0.0.1", 0)) as server:
        display = server.getsockname()[1] - FIRST_PORT
        with Machine(bench.vmm, "-hda", bench.image(), "-vnc", f":{display}") as machine:
            check("exit code", machine.exit_code(), IO_ERROR)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vmm")
    parser.add_argument("--disk")
    parser.add_argument("--guests")
    return run_cases(parser, Bench)


if __name__ == "__main__":
    sys.exit(main())

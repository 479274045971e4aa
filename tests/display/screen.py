"""The screen as a person reads it: letters in the pixels that a VNC client has been sent, by the VGA's font."""
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import Failure  # noqa: E402  (found by the line above)
from rfb import FIRST_PORT, RfbClient  # noqa: E402

VGA_BIOS = "/usr/share/seabios/vgabios-stdvga.bin"
LETTER_A = bytes.fromhex("000010386CC6C6FEC6C6C6C600000000")
HEIGHT, CHARACTERS = 16, 256
TEXT_MODE_WIDTH = 720  # its cells are 9 pixels wide, those of a frame buffer's console 8


def vga_font():
    """Of each character of code page 437 that is one of ASCII: its 16 rows, and the letter."""
    with open(VGA_BIOS, "rb") as file:
        rom = file.read()
    start = rom.index(LETTER_A) - HEIGHT * ord("A")
    glyphs = {rom[start + HEIGHT * code:][:HEIGHT]: chr(code) for code in range(ord("!"), ord("~") + 1)}
    return {**glyphs, bytes(HEIGHT): " "}


class Screen:
    """What a client of this VNC display sees; use it in a with statement, which hangs up."""

    def __init__(self, display, deadline=240):
        self.client, self.deadline = RfbClient(FIRST_PORT + display), time.monotonic() + deadline
        self.glyphs, self.letters, self.lines = vga_font(), {}, {}
        self._update(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.stream.close()

    def expect(self, pattern):
        """Waits until the screen has text that matches; returns the match. Lines end with a newline."""
        while not (match := re.search(pattern, text := self.text())):
            try:
                self._update(True)
            except TimeoutError:
                raise Failure(f"no {pattern!r} on the screen before the deadline:\n{text}") from None
        return match

    def text(self):
        """What is no letter is '?'."""
        return "".join(self._line(y) for y in range(0, self.client.height - HEIGHT + 1, HEIGHT))

    def _update(self, incremental):
        self.client.stream.settimeout(max(0.001, self.deadline - time.monotonic()))
        self.client.update(incremental)

    def _line(self, y):
        """Most are as they were when they were last looked at."""
        stride = 4 * self.client.width
        pixels = bytes(self.client.pixels[y * stride:(y + HEIGHT) * stride])
        known, line = self.lines.get(y, (None, None))
        if pixels != known:
            line = self._read(pixels, stride)
            self.lines[y] = pixels, line
        return line

    def _read(self, pixels, stride):
        """A line's cells, of which the first 8 columns are the letter's."""
        step = 4 * (9 if self.client.width == TEXT_MODE_WIDTH else 8)
        rows = [pixels[row * stride:(row + 1) * stride] for row in range(HEIGHT)]
        cells = (b"".join(row[at:at + 32] for row in rows) for at in range(0, stride - 31, step))
        return "".join(map(self._letter, cells)).rstrip() + "\n"

    def _letter(self, cell):
        if cell not in self.letters:
            self.letters[cell] = self._recognise(cell)
        return self.letters[cell]

    def _recognise(self, cell):
        """Two colours, either of which may be the letter's."""
        pixels = [cell[at:at + 4] for at in range(0, len(cell), 4)]
        for colour in set(pixels):
            rows = (sum((pixels[8 * row + i] != colour) << 7 - i for i in range(8)) for row in range(HEIGHT))
            if (letter := self.glyphs.get(bytes(rows))) is not None:
                return letter
        return "?"

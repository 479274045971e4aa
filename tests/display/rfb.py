"""A VNC client: RFB 3.8 (RFC 6143), raw pixels, with DesktopSize."""
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import Failure  # noqa: E402  (found by the line above)

RAW, DESKTOP_SIZE = 0, -223
FIRST_PORT = 5900  # display 0's


def free_display():
    """The number of a VNC display whose port nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1] - FIRST_PORT


class RfbClient:
    def __init__(self, port, stream=None):
        self.stream = stream or socket.create_connection(("127.0.0.1", port))
        if (version := self._receive(12)) != b"RFB 003.008\n":
            raise Failure(f"version {version!r}")
        self.send(b"RFB 003.008\n")
        if 1 not in (kinds := self._receive(self._receive(1)[0])):
            raise Failure(f"security types {kinds!r}")
        self.send(b"\1")
        if self._receive(4) != bytes(4):
            raise Failure("the server refuses")
        self.send(b"\1")
        self.width, self.height, *_ = struct.unpack(">HH16s", self._receive(20))
        self.name = self._receive(struct.unpack(">I", self._receive(4))[0]).decode()
        # 32 bits, little endian: 00RRGGBBh.
        self.send(struct.pack(">B3xBBBBHHHBBB3x", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.send(struct.pack(">BxHii", 2, 2, RAW, DESKTOP_SIZE))
        self.pixels = bytearray(4 * self.width * self.height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def send(self, data):
        self.stream.sendall(data)

    def key(self, keysym, down):
        self.send(struct.pack(">BBxxI", 4, down, keysym))

    def pointer(self, x, y, buttons):
        self.send(struct.pack(">BBHH", 5, buttons, x, y))

    def update(self, incremental):
        """Asks for an update, waits for it, and takes it over."""
        self.send(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))
        while (kind := self._receive(1)[0]) != 0:
            if kind != 2:  # a bell
                raise Failure(f"message {kind}")
        for _ in range(struct.unpack(">xH", self._receive(3))[0]):
            x, y, width, height, encoding = struct.unpack(">HHHHi", self._receive(12))
            if encoding == DESKTOP_SIZE:
                self.width, self.height, self.pixels = width, height, bytearray(4 * width * height)
            elif encoding == RAW:
                self._take(x, y, width, height)
            else:
                raise Failure(f"encoding {encoding}")

    def pixel(self, x, y):
        return struct.unpack_from("<I", self.pixels, 4 * (y * self.width + x))[0] & 0xFFFFFF

    def _take(self, x, y, width, height):
        for row in range(y, y + height):
            at = 4 * (row * self.width + x)
            self.pixels[at:at + 4 * width] = self._receive(4 * width)

    def _receive(self, size):
        data = b""
        while len(data) < size:
            if not (more := self.stream.recv(size - len(data))):
                raise Failure("the server has hung up")
            data += more
        return data

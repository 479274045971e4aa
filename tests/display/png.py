"""Reads a PNG of 8-bit RGB without interlace (PNG specification, third edition)."""
import struct
import zlib


def read_png(data):
    """Width, height, and a row of RGB bytes for each line. Raises ValueError or an assertion if it is not such a file."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, header = 8, b"", None
    while True:
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack_from(">I", data, at + 8 + size)[0]
        at += 12 + size
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        elif kind == b"IEND":
            break
    width, height, *rest = header
    assert rest == [8, 2, 0, 0, 0]
    flat = zlib.decompress(packed)
    assert len(flat) == height * (1 + 3 * width)
    rows, above = [], bytes(3 * width)
    for y in range(height):
        line = flat[y * (1 + 3 * width):(y + 1) * (1 + 3 * width)]
        above = unfilter(line[0], bytearray(line[1:]), above)
        rows.append(above)
    return width, height, rows


def unfilter(kind, row, above):
    for i in range(len(row)):
        left, up, corner = (row[i - 3], above[i], above[i - 3]) if i >= 3 else (0, above[i], 0)
        if kind == 4:
            guess = left + up - corner
            distances = abs(guess - left), abs(guess - up), abs(guess - corner)
            predicted = (left, up, corner)[distances.index(min(distances))]
        else:
            predicted = (0, left, up, (left + up) // 2)[kind]
        row[i] = (row[i] + predicted) & 0xFF
    return bytes(row)

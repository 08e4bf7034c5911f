"""
Heat maps as they are kept: a tile a pixel, as a PNG of 8-bit greys with nothing else in it.

So small a picture can be shown by anything that shows pictures, without NumPy. One of unknown origin is unpacked
within bounds before it is kept.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

__all__ = ["MOST_BYTES", "is_heat_map", "pixels_of", "png_of"]

MOST_BYTES = 64 << 10
MOST_SIDE = 256
"""Tiles along a side; as it is measured now there are 64 along the longer one."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")
_GREY_8 = (8, 0, 0, 0, 0)
"""Bits of a sample, colour type, compression, filter and interlace methods."""


def png_of(rows: Sequence[bytes]) -> bytes:
    r"""
    Return rows of greys, a byte each, as a PNG.

    >>> png_of([b"\x00\x80", b"\xff\x01"])[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    header = _HEADER.pack(len(rows[0]), len(rows), *_GREY_8)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def pixels_of(data: bytes) -> tuple[bytes, ...] | None:
    r"""
    Return the rows of a heat map that `png_of` made; None of anything else, however large it would unpack.

    >>> pixels_of(png_of([b"\x00\x80", b"\xff\x01"]))
    (b'\x00\x80', b'\xff\x01')
    >>> pixels_of(b"<svg>") is None
    True
    """
    start = _SIGNATURE + struct.pack(">I4s", _HEADER.size, b"IHDR")
    at = len(start) + _HEADER.size + 4
    if len(data) > MOST_BYTES or not data.startswith(start) or len(data) < at + 8:
        return None
    width, height, *kind = _HEADER.unpack_from(data, len(start))
    if tuple(kind) != _GREY_8 or not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE):
        return None
    (length,) = struct.unpack_from(">I", data, at)
    packed = data[at + 8 : at + 8 + length]
    size = height * (width + 1)
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(packed, size + 1)
    except zlib.error:
        return None
    rows = tuple(plain[place + 1 : place + 1 + width] for place in range(0, len(plain), width + 1))
    if len(plain) != size or not unpacking.eof or unpacking.unused_data or any(plain[:: width + 1]):
        return None
    # What holds anything beside these rows, or holds them in another way, is none of ours.
    rest = data[at + 12 + length :]
    is_whole = data[:at] == start + data[len(start) : at - 4] + _check(data[len(start) - 4 : at - 4])
    return rows if is_whole and data[at : at + 12 + length] == _chunk(b"IDAT", packed) and rest == _END else None


def is_heat_map(data: bytes) -> bool:
    """Return whether bytes are a heat map that `png_of` may have made."""
    return pixels_of(data) is not None


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + _check(kind + data)


def _check(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


_END = _chunk(b"IEND", b"")

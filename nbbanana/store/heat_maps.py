"""
Heat maps as they are kept: a tile a pixel, as a PNG of 8-bit greys with nothing else in it; `Drift.heat_file` makes it.

So small a picture can be shown by anything that shows pictures, without NumPy. One of unknown origin is unpacked
within bounds before it is kept.
"""

from __future__ import annotations

import struct
import zlib

__all__ = ["MOST_BYTES", "is_heat_map"]

MOST_BYTES = 64 << 10
MOST_SIDE = 256
"""Tiles along a side; as it is measured now there are about 64 along the longer one."""
_START = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 13, b"IHDR")
_SIDES = struct.Struct(">II")
_GREY_8 = bytes((8, 0, 0, 0, 0))
"""Bits of a sample, colour type, compression, filter and interlace methods."""
_FILTERS = 5
"""How many ways there are to write a row."""


def is_heat_map(data: bytes) -> bool:
    """
    Return whether bytes are a small grey PNG of one part, whatever they would unpack to.

    >>> is_heat_map(b"<svg>")
    False
    """
    at = len(_START) + 17
    if len(data) > MOST_BYTES or not data.startswith(_START) or len(data) < at + 8:
        return False
    width, height = _SIDES.unpack_from(data, len(_START))
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE):
        return False
    (length,) = struct.unpack_from(">I", data, at)
    packed = data[at + 8 : at + 8 + length]
    header = _SIDES.pack(width, height) + _GREY_8
    whole = _START[:8] + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")
    return data == whole and _unpacks_to(packed, width, height)


def _unpacks_to(packed: bytes, width: int, height: int) -> bool:
    """Return whether these are so many rows, each with the number of its filter before it."""
    unpacking, size = zlib.decompressobj(), height * (width + 1)
    try:
        plain = unpacking.decompress(packed, size + 1)
    except zlib.error:
        return False
    is_whole = len(plain) == size and unpacking.eof and not unpacking.unused_data
    return is_whole and all(number < _FILTERS for number in plain[:: width + 1])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

"""
What a PNG says in its chunks that Pillow leaves out: EXIF data behind the pixels, colours without an ICC profile.

The order in which statements about colours count is that of the PNG specification (third edition, section 4.3): cICP,
iCCP, sRGB, then gAMA with cHRM. Code points are those of ITU-T H.273.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

__all__ = ["DESCRIPTION", "bad_checksum", "colour_code", "late_exif", "profile_of"]

SIGNATURE_SIZE = 8
MOST_CHUNKS = 100_000

DESCRIPTION = "PNG"
"""How the profiles that are made here describe themselves."""

_WHITE = (0.3127, 0.3290)
_BT709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_PRIMARIES = {
    1: _BT709,
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
"""Chromaticities of red, green and blue: BT.709 and sRGB, BT.2020, Display P3; all with the white point D65."""

REFERENCE_WHITE = 203.0
"""Candela a square metre of white in HDR (ITU-R BT.2408): it becomes the white of sRGB, what is brighter is cut off."""
CURVE_POINTS = 1024
ALIKE = 0.01
"""Chromaticities and gammas that differ by less are the same."""


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the chunks of a PNG: kind, offset of the data, and their length; stops where they make no sense."""
    at = SIGNATURE_SIZE
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            return
        yield kind, at + 8, length
        at += 12 + length
        if kind == b"IEND":
            return


def bad_checksum(data: bytes) -> bool:
    """Return whether a chunk of a PNG has another CRC than it says, so that something happened to its bytes."""
    view = memoryview(data)
    return any(
        zlib.crc32(view[at - 4 : at + length]) != struct.unpack_from(">I", data, at + length)[0]
        for _, at, length in chunks(data)
    )


def late_exif(data: bytes) -> bytes | None:
    """Return the EXIF data that stand behind the pixels of a PNG, or None."""
    if b"eXIf" not in data:
        return None
    are_pixels_over = False
    for kind, at, length in chunks(data):
        if kind == b"eXIf":
            return data[at : at + length] if are_pixels_over else None
        are_pixels_over = are_pixels_over or kind == b"IDAT"
    return None


def colour_code(data: bytes) -> bytes | None:
    """Return what a cICP chunk holds: code points of primaries, transfer and matrix, and whether all values count."""
    for kind, at, length in chunks(data):
        if kind == b"IDAT":
            return None
        if kind == b"cICP" and length == 4:
            return data[at : at + length]
    return None


def profile_of(info: Mapping[str | tuple[int, int], Any]) -> bytes | None:
    """
    Return the ICC profile of what a picture says about its colours; None where it says nothing, or that it is sRGB.

    Args:
        info: as Pillow has it: `icc_profile`, `srgb`, `gamma` and `chromaticity`; and `cicp`, as `colour_code` has it.
    """
    code = info.get("cicp")
    primaries, curve = (_PRIMARIES.get(code[0]), _curve(code[1])) if code else (None, None)
    if code and primaries is not None and curve is not None:
        return None if code[:2] == b"\x01\x0d" else icc_profile(primaries, _WHITE, curve)
    if info.get("icc_profile"):
        return cast("bytes", info["icc_profile"])
    if "srgb" in info:
        return None
    gamma, chromaticity = float(info.get("gamma") or 1 / 2.2), info.get("chromaticity")
    is_usual = abs(gamma - 1 / 2.2) < ALIKE
    white, primaries = _WHITE, _BT709
    if chromaticity and all(y > 0 for y in chromaticity[1::2]):
        white, *points = [(chromaticity[i], chromaticity[i + 1]) for i in range(0, 8, 2)]
        primaries = (points[0], points[1], points[2])
    if is_usual and _are_alike((white, *primaries), (_WHITE, *_BT709)):
        return None
    return icc_profile(primaries, white, _srgb if is_usual else (lambda value: float(value ** (1 / gamma))))


def _are_alike(some: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]]) -> bool:
    pairs = zip(some, others, strict=True)
    return all(abs(a - b) < ALIKE for one, other in pairs for a, b in zip(one, other, strict=True))


def _curve(code: int) -> Callable[[float], float] | None:
    """Return the function from a value to light (white is 1) of a transfer characteristic; None for an unknown one."""
    curves: dict[int, Callable[[float], float]] = {
        1: _bt709,
        4: lambda value: value**2.2,
        5: lambda value: value**2.8,
        6: _bt709,
        8: lambda value: value,
        13: _srgb,
        14: _bt709,
        15: _bt709,
        16: lambda value: _pq(value) / REFERENCE_WHITE,
        18: lambda value: _hlg(value) / _hlg(0.75),
    }
    return curves.get(code)


def _srgb(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _bt709(value: float) -> float:
    return value / 4.5 if value < 0.081 else ((value + 0.099) / 1.099) ** (1 / 0.45)


def _pq(value: float) -> float:
    """Return the light of SMPTE ST 2084 (PQ), in candela per square metre."""
    power = value ** (1 / 78.84375)
    return float(10_000 * (max(power - 0.8359375, 0.0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125))


def _hlg(value: float) -> float:
    """Return the light of the scene in hybrid log-gamma (ITU-R BT.2100)."""
    return value * value / 3 if value <= 0.5 else (math.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12


def icc_profile(
    primaries: Sequence[tuple[float, float]], white: tuple[float, float], curve: Callable[[float], float]
) -> bytes:
    """
    Return a matrix profile (ICC.1:2010, version 2) for a display.

    Args:
        primaries: x and y of red, green and blue.
        white: x and y of white.
        curve: from a value in 0..1 to light, white being 1; brighter light is cut off.
    """
    colorants = _adapted_colorants(primaries, white)
    levels = [min(1.0, max(0.0, curve(i / (CURVE_POINTS - 1)))) for i in range(CURVE_POINTS)]
    trc = b"curv" + bytes(4) + struct.pack(">I", CURVE_POINTS)
    trc += struct.pack(f">{CURVE_POINTS}H", *(round(level * 65535) for level in levels))
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + DESCRIPTION.encode().ljust(5, b"\0") + bytes(78)
    tags = {b"desc": text, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": _xyz((0.9642, 1.0, 0.8249))}
    tags |= {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), trc)
    return _with_header(tags)


def _with_header(tags: dict[bytes, bytes]) -> bytes:
    body, table, at = b"", struct.pack(">I", len(tags)), 128 + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    for name, value in tags.items():
        if value not in places:
            places[value] = at + len(body)
            body += value + bytes(-len(value) % 4)
        table += name + struct.pack(">II", places[value], len(value))
    size = at + len(body)
    head = struct.pack(">I4xI4s4s4s12x4s", size, 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp") + bytes(28)
    head += _xyz((0.9642, 1.0, 0.8249))[8:]
    return head + bytes(128 - len(head)) + table + body


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _adapted_colorants(
    primaries: Sequence[tuple[float, float]], white: tuple[float, float]
) -> tuple[tuple[float, ...], ...]:
    """Return XYZ of red, green and blue, adapted from `white` to D50 with the Bradford matrix (ICC.1:2010, annex E)."""
    import numpy as np

    def xyz(point: tuple[float, float]) -> list[float]:
        x, y = point
        return [x / y, 1.0, (1.0 - x - y) / y]

    columns = np.array([xyz(point) for point in primaries]).T
    matrix = columns * np.linalg.solve(columns, np.array(xyz(white)))
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = (bradford @ np.array([0.9642, 1.0, 0.8249])) / (bradford @ np.array(xyz(white)))
    adapted = np.linalg.solve(bradford, scale[:, None] * bradford) @ matrix
    return tuple(tuple(float(value) for value in column) for column in adapted.T)

"""
Any of Pillow's modes and any profile, as 8-bit sRGB, upright, with nothing but pixels.

A PNG may state its colours without an ICC profile. The order in which statements count is that of the PNG specification
(third edition, section 4.3): cICP, iCCP, sRGB, then gAMA with cHRM. Code points are those of ITU-T H.273.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from nbbanana.errors import ImageError
from nbbanana.images.decoding import exif_orientation

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["has_transparency", "on_white", "to_srgb", "upright"]


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

_SRGB_NAMES = frozenset(
    {"srgb", "srgb iec61966-2.1", "srgb iec61966-2-1 black scaled", "srgb built-in", "srgb2014", "c2", "c2ci"}
)
"""What profiles of sRGB itself call themselves: those of the ICC, HP, Google, Little CMS and Facebook."""


def upright(image: Image, orientation: int | None = None) -> Image:
    """Turn the picture as its EXIF data say (TIFF 6.0, tag 274); the same object where nothing is to be done."""
    from PIL.Image import Transpose

    turn = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(exif_orientation(image) if orientation is None else orientation)
    return image if turn is None else image.transpose(turn)


def to_srgb(image: Image) -> Image:
    """
    Return the picture as `RGB`, or `RGBA` where something of it is transparent, in sRGB at 8 bits a channel.

    A profile that cannot be used is left out: the picture is then taken as sRGB already, as viewers do.

    Raises:
        ImageError: floating-point pixels outside 0..1.
    """
    profile = profile_of(image.info)
    image = _eight_bits(image)
    converted = _through_profile(image, profile) if profile else None
    if converted is None:
        converted = image if image.mode in {"RGB", "RGBA"} else _without_profile(image)
    if converted is image:
        converted = image.copy()
    converted.info = {}
    if converted.mode == "RGBA" and converted.getchannel("A").getextrema() == (255, 255):
        return converted.convert("RGB")
    return converted


def has_transparency(image: Image) -> bool:
    """Return whether a mode or a PNG or GIF colour key makes some of it transparent."""
    return image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info


def on_white(image: Image) -> Image:
    """Return an `RGB` picture: what is transparent is laid on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    from PIL.Image import alpha_composite, new

    return alpha_composite(new("RGBA", image.size, "white"), image).convert("RGB")


def _eight_bits(image: Image) -> Image:
    """Return the same in a mode of 8 bits a channel that colour management knows."""
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _levels(image)
    if mode in {"1", "La", "RGBX", "HSV", "RGBa"}:
        return image.convert({"1": "L", "La": "LA", "RGBa": "RGBA"}.get(mode, "RGB"))
    if mode in {"P", "PA"} or "transparency" in image.info:
        return image.convert("RGBA" if has_transparency(image) else "RGB")
    return image


def _levels(image: Image) -> Image:
    """Return grey of 8 bits from one of whole numbers or floats."""
    mode = image.mode
    if mode.startswith("I;"):
        image = image.convert("I")
    low, high = image.getextrema()
    assert isinstance(low, int | float) and isinstance(high, int | float)  # noqa: PT018 (one band gives two numbers)
    # Mode I also holds what was an 8-bit picture: a 16-bit one as dark as that would be black.
    top = 1.0 if mode == "F" else 255.0 if mode == "I" and high <= 255 else 65535.0
    if not (low >= 0 and high <= top):
        raise ImageError(
            f"The picture's numbers go from {low:g} to {high:g}.",
            f"In mode {mode} it is a picture when they go from 0 (black) to {top:g} (white).",
            "Scale them before you give it.",
        )
    scaled = image.convert("F").point(lambda value: value * (255.0 / top) + 0.5)
    return scaled.convert("L")


def _through_profile(image: Image, profile: bytes) -> Image | None:
    """Return the picture brought from its profile to sRGB; None where the profile cannot be used for it."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "L" and ImageCms.getProfileDescription(source).strip() == DESCRIPTION:
            image = image.convert("RGB")
        is_srgb = ImageCms.getProfileDescription(source).strip().lower() in _SRGB_NAMES
        if is_srgb and image.mode in {"RGB", "RGBA"}:
            return image  # bringing sRGB to sRGB would only cost time and round some values by one
        if image.mode in {"LA", "RGBA"}:
            return _with_alpha(image, profile)
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _with_alpha(image: Image, profile: bytes) -> Image | None:
    colours = image.convert("L" if image.mode == "LA" else "RGB")
    converted = _through_profile(colours, profile)
    if converted is not None:
        converted.putalpha(image.getchannel("A"))
    return converted


def _without_profile(image: Image) -> Image:
    if image.mode == "LAB":
        from PIL import ImageCms

        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        found = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert found is not None
        return found
    return image.convert("RGBA" if has_transparency(image) else "RGB")


# ── colours without a profile ────────────────────────────────────────────────────────────────────────────────────────


def profile_of(info: Mapping[str | tuple[int, int], Any]) -> bytes | None:
    """
    Return the ICC profile of what a picture says about its colours; None where it says nothing, or that it is sRGB.

    Args:
        info: as Pillow has it: `icc_profile`, `srgb`, `gamma` and `chromaticity`; and `cicp`, the bytes of that chunk.
    """
    code = info.get("cicp")
    primaries, curve = (_PRIMARIES.get(code[0]), _CURVES.get(code[1])) if code else (None, None)
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


_CURVES: dict[int, Callable[[float], float]] = {
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
"""The functions from a value to light (white is 1), by the codes of their transfer characteristics."""


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

"""
Small versions of pictures, fast: for grids and histories, and to tell whether two files show the same picture. Those of
stored pictures are kept on disk by the hash of the picture, so that each is decoded once on a machine.

`fingerprint` says that whatever was done to the file, by a difference hash of 64 bits: the picture is brought to grey
at 9×8 pixels; each bit says whether a pixel is brighter than its right neighbour (the dHash of N. Krawetz, "Kind of
like that", 2013). Scaling, re-encoding and a change of all tones move few bits; cutting, turning and mirroring move
many. It says nothing of detail, so that likeness is a guess, never a proof.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nbbanana.images.colours import on_white, to_srgb, upright
from nbbanana.images.decoding import bytes_of, decode, exif_orientation, file_of, opened
from nbbanana.settings import cache_dir, write_private

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = [
    "ALIKE",
    "BITS",
    "SIDE",
    "distance",
    "encoded",
    "fingerprint",
    "fingerprint_of",
    "fitting",
    "keep",
    "kept_or_made",
    "shrunk",
    "thumbnail",
]

OVERSAMPLING = 2.0
"""A JPEG is decoded, and anything else reduced, to so many times the side before the last, careful step."""


def thumbnail(
    source: str | os.PathLike[str] | bytes,
    *,
    side: int,
    format: Literal["JPEG", "WEBP", "PNG"] = "JPEG",  # noqa: A002 (Pillow's own word)
    quality: int = 80,
) -> bytes:
    """
    Return a small version of a picture, upright and sRGB, without metadata; equal input gives equal bytes.

    Args:
        source: a path, or the bytes of a file.
        side: the longer side of the result in pixels; a smaller picture keeps its size.
        format: what is transparent is laid on white in JPEG and kept in WebP and PNG.
        quality: 1 to 100, for JPEG and WebP.

    Raises:
        ImageError: no picture, damaged or too large.
        ImageNotFoundError: no such file.
        ValueError: `side` below 1.
    """
    return encoded(shrunk(source, side=side), format, quality)


def shrunk(source: str | os.PathLike[str] | bytes, *, side: int) -> Image:
    """
    Return a small version of a picture as pixels, upright and sRGB; `thumbnail` says what of, and what can go wrong.

    >>> from io import BytesIO
    >>> from PIL import Image
    >>> Image.new("RGB", (400, 300)).save(file := BytesIO(), "PNG")
    >>> shrunk(file.getvalue(), side=100).size
    (100, 75)
    """
    if side < 1:
        raise ValueError(f"side is {side}; it is at least 1 pixel")
    data, shown = bytes_of(source)
    with opened(data, shown) as file:
        return _small(file, shown, side)


def _small(file: ImageFile, shown: str, side: int) -> Image:
    from PIL.Image import Resampling

    size = file.size
    if file.format == "JPEG":
        # libjpeg decodes at 1/2, 1/4 or 1/8 for a fraction of the time.
        width, height = fitting(size, side)
        file.draft(None, (int(width * OVERSAMPLING), int(height * OVERSAMPLING)))
    decode(file, shown)
    # Decoding turns a TIFF, so that only then its size and orientation belong together.
    wanted = fitting(size if file.format == "JPEG" else file.size, side)
    orientation = exif_orientation(file)
    image: Image = file
    if image.mode not in {"RGB", "L", "CMYK"} or "transparency" in image.info:
        image = to_srgb(image)
    if image.size != wanted:
        image = image.resize(wanted, Resampling.LANCZOS, reducing_gap=OVERSAMPLING)
    return upright(to_srgb(image), orientation)


def fitting(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Return the size of a picture scaled down until its longer side is at most `side` pixels."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def encoded(image: Image, format: Literal["JPEG", "WEBP", "PNG"], quality: int = 80) -> bytes:  # noqa: A002
    """Return a picture as a small file without metadata; what is transparent is laid on white in JPEG."""
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": quality, "optimize": True},
        "WEBP": {"quality": quality, "method": 2},
        "PNG": {"optimize": True},
    }
    return file_of(on_white(image) if format == "JPEG" else image, format, **options[format])


# ── kept on disk ────────────────────────────────────────────────────────────────────────────────────────────────

SIDE = 400
"""Pixels of the longer side that fit a picture of a grid on a screen with two pixels a CSS pixel."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def keep(sha256: str, data: bytes, side: int = SIDE) -> None:
    """Keep the thumbnail of a picture. A disk that is full or read-only costs time, and no picture."""
    with suppress(OSError):
        write_private(_place(sha256, side), data, is_lasting=False)


def kept_or_made(source: Path | bytes, side: int = SIDE) -> bytes:
    """
    Return the thumbnail of a picture; that of a file of a store, which has its hash as its name, is kept.

    Raises:
        ImageError: no picture, damaged or too large.
    """
    if isinstance(source, bytes) or not _SHA256.fullmatch(source.name):
        return thumbnail(source, side=side, format="WEBP")
    with suppress(OSError):
        return _place(source.name, side).read_bytes()
    found = thumbnail(source, side=side, format="WEBP")
    keep(source.name, found, side)
    return found


def _place(sha256: str, side: int) -> Path:
    return cache_dir() / "thumbnails" / sha256[:2] / f"{sha256}-{side}.webp"


# ── whether two files show the same picture ─────────────────────────────────────────────────────────────────────

BITS = 64
ALIKE = 8
"""Bits of difference up to which two pictures are taken for the same one; the documentation has the measurements."""

_ACROSS, _DOWN = 9, 8
_SIDE = 144
"""A picture is reduced to this side by the fast decoder before the careful step."""
_PLAIN = 12
"""Levels of 255 between the darkest and the brightest spot below which a picture has nothing to be known by."""


def fingerprint(source: str | os.PathLike[str] | bytes) -> int | None:
    """
    Return the difference hash of a picture, as an integer of 64 bits; None for one that is too plain to be known by it.

    Raises:
        ImageError: no picture, damaged or too large.
        ImageNotFoundError: no such file.
    """
    return fingerprint_of(shrunk(source, side=_SIDE))


def fingerprint_of(image: Image) -> int | None:
    """
    Return the difference hash of a picture in memory, in mode RGB or RGBA, as `fingerprint` does of a file.

    >>> from PIL import Image
    >>> fingerprint_of(Image.linear_gradient("L").rotate(-90).convert("RGB")) == 2**64 - 1
    True
    """
    from PIL.Image import Resampling

    grid = image.convert("RGB").convert("L").resize((_ACROSS, _DOWN), Resampling.BOX).tobytes()
    if max(grid) - min(grid) < _PLAIN:
        return None
    bits = 0
    for row in range(_DOWN):
        for column in range(_ACROSS - 1):
            at = row * _ACROSS + column
            bits = bits << 1 | (grid[at] > grid[at + 1])
    return bits


def distance(one: int, other: int) -> int:
    """
    Return how many of the 64 bits differ.

    >>> distance(0b1011, 0b0001)
    2
    """
    return (one ^ other).bit_count()

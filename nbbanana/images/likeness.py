"""
Whether two files show the same picture, whatever was done to the file: a difference hash of 64 bits.

The picture is brought to grey at 9×8 pixels; each bit says whether a pixel is brighter than its right neighbour (the
dHash of N. Krawetz, "Kind of like that", 2013). Scaling, re-encoding and a change of all tones move few bits; cutting,
turning and mirroring move many. It says nothing of detail, so that likeness is a guess, never a proof.
"""

from __future__ import annotations

import io
import os

from nbbanana.images.thumbnails import thumbnail

__all__ = ["ALIKE", "BITS", "distance", "fingerprint"]

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
    from PIL import Image

    with Image.open(io.BytesIO(thumbnail(source, side=_SIDE, format="PNG"))) as small:
        grid = small.convert("RGB").convert("L").resize((_ACROSS, _DOWN), Image.Resampling.BOX).tobytes()
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

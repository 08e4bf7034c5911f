"""Thumbnails of stored pictures, kept on disk by the hash of the picture, so that each is decoded once on a machine."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from nbbanana.images.thumbnails import thumbnail
from nbbanana.settings import cache_dir

__all__ = ["SIDE", "keep", "kept", "kept_or_made", "made"]

SIDE = 400
"""Pixels of the longer side that fit a picture of a grid on a screen with two pixels a CSS pixel."""
QUALITY = 80
_SHA256 = re.compile(r"[0-9a-f]{64}")


def kept(sha256: str, side: int = SIDE) -> bytes | None:
    """Return the thumbnail of a picture as a WebP file; None where none is kept."""
    with suppress(OSError):
        return _place(sha256, side).read_bytes()
    return None


def keep(sha256: str, data: bytes, side: int = SIDE) -> None:
    """Keep a thumbnail. A disk that is full or read-only costs time, and no picture."""
    place = _place(sha256, side)
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(place)  # no other process reads half of it


def made(source: str | os.PathLike[str] | bytes, side: int = SIDE) -> bytes:
    """
    Return the thumbnail of a picture, made anew.

    Raises:
        ImageError: no picture, damaged or too large.
    """
    return thumbnail(source, side=side, format="WEBP", quality=QUALITY)


def kept_or_made(blob: Path, side: int = SIDE) -> bytes:
    """
    Return the thumbnail of a picture of a store, whose file has its hash as its name; what is made is kept.

    Raises:
        ImageError: no picture, damaged or too large.
    """
    if not _SHA256.fullmatch(blob.name):
        return made(blob, side)
    found = kept(blob.name, side)
    if found is None:
        found = made(blob, side)
        keep(blob.name, found, side)
    return found


def _place(sha256: str, side: int) -> Path:
    return cache_dir() / "thumbnails" / sha256[:2] / f"{sha256}-{side}.webp"

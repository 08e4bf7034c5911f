"""The small pictures of a grid that grows: each is decoded once and encoded once, however often the grid is drawn."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbbanana.display.thumbs import (
    DENSITY,
    LADDER,
    TYPICAL,
    at_once,
    base64_length,
    data_uri,
    encode,
    load,
    rung_for,
    squares,
)
from nbbanana.errors import ImageError
from nbbanana.images.thumbnails import kept_or_made

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["STRIP_SIDE", "SweepImages", "shape_of", "side_by_side", "strip_tile"]

STRIP_SIDE = 36
"""CSS pixels of the longer side of a picture in a row that is one picture."""
STRIP_PICTURES = 800
"""Of rows with so many pictures in all, each has two pixels a CSS pixel; of more, fewer."""
INPUT_SIDE = 64
"""CSS pixels of an input picture beside the words."""
LINE = 2
"""Pixels between two pictures of one cell, at least."""
DECODED_AT_ONCE = 64
"""So many pictures are decoded together: their small copies alone stay."""


@dataclass(slots=True)
class SweepImages:
    """
    Small copies of the pictures of one sweep.

    A grid that grows is drawn many times. What was decoded or encoded before is not touched again; only where more
    pictures do not fit any more are all encoded anew, one step smaller, a few times in all.
    """

    _decoded: dict[tuple[Path, float], Image | None] = field(default_factory=dict)
    _files: dict[Hashable, bytes] = field(default_factory=dict)
    _rung: int | None = None
    _strips: dict[Hashable, Image] = field(default_factory=dict)
    _inputs: dict[tuple[int, ...], list[str]] = field(default_factory=dict)

    def pictures(self, sources: Sequence[Path | None], side: float) -> list[Image | None]:
        """Return pictures for boxes of so many CSS pixels; None where there is none or it cannot be read."""
        new = list(dict.fromkeys(one for one in sources if one is not None and (one, side) not in self._decoded))
        for at in range(0, len(new), DECODED_AT_ONCE):
            some = new[at : at + DECODED_AT_ONCE]
            found = load(at_once(_small_file, some), [(side, side)] * len(some))
            self._decoded.update(zip([(one, side) for one in some], found, strict=True))
        return [None if one is None else self._decoded[one, side] for one in sources]

    def together(self, cells: Sequence[Sequence[Path]], side: float) -> list[Image | None]:
        """Return the pictures of each cell as one, for a box of so many CSS pixels; None where it has none to see."""
        found: dict[tuple[Path, ...], Image | None] = {(): None}
        for count in sorted({len(sources) for sources in cells} - {0}):
            some = [tuple(sources) for sources in cells if len(sources) == count]
            images = iter(self.pictures([one for sources in some for one in sources], side / shape_of(count)[0]))
            for sources in some:
                own, key = [next(images) for _ in sources], (sources, side)
                if count == 1 or not any(own):
                    found[sources] = own[0]
                else:
                    found[sources] = self._strips[key] = self._strips.get(key) or side_by_side(own)
        return [found[tuple(sources)] for sources in cells]

    def uris(self, images: Sequence[tuple[Hashable, Image | None]], room: int) -> list[str]:
        """
        Return pictures as addresses that hold them.

        Args:
            images: each with what tells it from the others, the same at each drawing.
            room: bytes of base64 that all may take, those too that are still to come.
        """
        here = [(key, image) for key, image in images if image is not None]
        if not here:
            return [""] * len(images)
        if self._rung is None:
            pixels = sum(image.width * image.height for _, image in here) * len(images) / len(here)
            self._rung = rung_for(room / (4 / 3 * TYPICAL * pixels))
        while (weight := self._weight(here) * len(images) / len(here)) > room and self._rung < len(LADDER) - 1:
            fits = rung_for(LADDER[self._rung].weight * room / weight)
            self._rung = max(self._rung + 1, fits)
            self._files.clear()
        return [data_uri(self._files[key]) if image is not None else "" for key, image in images]

    def _weight(self, images: Sequence[tuple[Hashable, Image]]) -> int:
        """Encode what is not encoded yet; return what all weigh."""
        assert self._rung is not None
        rung = LADDER[self._rung]
        for key, image in images:
            if key not in self._files:
                self._files[key] = encode(image, scale=rung.scale, quality=rung.quality)
        keys = {key for key, _ in images}
        self._files = {key: file for key, file in self._files.items() if key in keys}
        return sum(base64_length(self._files[key]) for key, _ in images)

    def strip(self, images: Sequence[tuple[Path | None, Image | None]], ratio: float, total: int) -> Image:
        """Return the pictures of a row as one, made once."""
        key = (tuple(source for source, _ in images), ratio)
        self._strips[key] = self._strips.get(key) or _strip([image for _, image in images], ratio, total)
        return self._strips[key]

    def inputs(self, sources: Sequence[bytes | Path]) -> list[str]:
        """Return the input pictures as addresses, made once."""
        key = tuple(map(hash, sources))
        if key not in self._inputs:
            self._inputs[key] = [one["uri"] for one in squares(sources, INPUT_SIDE, 60)]
        return self._inputs[key]


def _small_file(source: Path) -> bytes | Path:
    """Return the thumbnail of a picture, from the disk where it is kept; what cannot be read stays as it is."""
    try:
        return kept_or_made(source)
    except (ImageError, OSError):
        return source


def _strip(images: Sequence[Image | None], ratio: float, total: int) -> Image:
    """
    Return the pictures of a row as one, grey where there is none.

    Args:
        images: of the row, in their order.
        ratio: width to height of most of them.
        total: how many pictures there are in all rows.
    """
    from PIL import ImageOps

    density = DENSITY if total <= STRIP_PICTURES else max(1.0, DENSITY * STRIP_PICTURES / total)
    width, height = (round(density * side) for side in strip_tile(ratio))
    small = [image and ImageOps.contain(image, (width - 2, height)) for image in images]
    return _tiled(small, (len(images), 1), (width, height), 0)


def _tiled(images: Sequence[Image | None], shape: tuple[int, int], tile: tuple[int, int], line: int) -> Image:
    """Return pictures in the middles of tiles, in columns and rows with so many pixels between them, on grey."""
    from PIL import Image

    (columns, rows), (width, height) = shape, tile
    made = Image.new("RGB", (columns * (width + line) - line, rows * (height + line) - line), "#888")
    for number, image in enumerate(images):
        if image is not None:
            left, top = number % columns * (width + line), number // columns * (height + line)
            made.paste(image, (left + (width - image.width) // 2, top + (height - image.height) // 2))
    return made


def shape_of(count: int) -> tuple[int, int]:
    """
    Return in how many columns and rows the pictures of one cell stand.

    >>> shape_of(1), shape_of(2), shape_of(3), shape_of(4), shape_of(5)
    ((1, 1), (2, 1), (2, 2), (2, 2), (3, 2))
    """
    columns = math.ceil(math.sqrt(max(1, count)))
    return columns, math.ceil(max(1, count) / columns)


def side_by_side(images: Sequence[Image | None]) -> Image:
    """Return the pictures of one cell as one, with a thin line between them; grey where one cannot be read."""
    width = max(image.width for image in images if image is not None)
    height = max(image.height for image in images if image is not None)
    return _tiled(images, shape_of(len(images)), (width, height), max(LINE, width // 80))


def strip_tile(ratio: float) -> tuple[int, int]:
    """
    Return width and height in CSS pixels of one picture in a row.

    >>> strip_tile(1.5), strip_tile(0.5)
    ((36, 24), (18, 36))
    """
    return (
        (STRIP_SIDE, max(8, round(STRIP_SIDE / ratio)))
        if ratio >= 1
        else (max(8, round(STRIP_SIDE * ratio)), STRIP_SIDE)
    )

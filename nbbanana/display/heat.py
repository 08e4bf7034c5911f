"""
A heat map laid over a picture, as one picture: where it changed, and the outline of what was to change.

Pillow alone makes it, from the small grey file that a record keeps: what was measured once can be shown where NumPy is
not installed. The picture below is grey and dark, and the colours grow brighter with what changed, so that light and
dark alone say as much as the colours do (they are those of Matplotlib's "inferno", by N. Smith and S. van der Walt,
CC0, which was made for people who see fewer colours).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from nbbanana.errors import ImageError
from nbbanana.images import open_safely
from nbbanana.measure import Affine
from nbbanana.regions import Area, mask_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from nbbanana.display.views import Change

__all__ = ["crop_pair", "heated", "laid_over", "legend"]

COLOURS = (
    *((0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51)),
    *((249, 140, 10), (249, 201, 50), (252, 255, 164)),
)
"""Nine colours at equal distances, from what is the same to another picture."""
NOTHING, PLAIN = 0.06, 0.4
"""Up to the first a place is as it was; from the second on its colour hides the picture below."""
COVER = 0.7
"""How much of the picture a colour hides at most."""
DIM, LIFT = 0.5, 14
"""What the picture below keeps of its brightness, and the grey level of its black."""
MOST_TILES = 512
"""Tiles along a side of a heat map at most; a record of others may hold anything."""
GAP = 3
"""White pixels between two crops."""


def laid_over(picture: Image, heat: bytes, frame: Mapping[str, Any], area: Area | None = None) -> Image:
    """
    Return a picture with a heat map over it, at the picture's size.

    Args:
        picture: the second of the pictures that were compared, at any size, in mode RGB.
        heat: the grey file of `Drift.heat_file`.
        frame: where the two lie upon each other: `frame` of `Drift.as_json`.
        area: what was to change, on the first picture: it is outlined.

    Raises:
        ImageError: the heat map is no picture, or no small one.
    """
    from PIL import Image as Pillow

    grid = open_safely(heat)
    if max(grid.size) > MOST_TILES:
        raise ImageError(f"A heat map of {grid.width}×{grid.height} tiles is none.", "It is a small picture.")
    levels = _in_frame(_spread(grid.convert("L"), frame), picture.size, frame)
    grey = picture.convert("L").point([round(LIFT + DIM * level) for level in range(256)]).convert("RGB")
    found = Pillow.composite(_coloured(levels), grey, levels.point(_covers()))
    if area is not None:
        _outline(found, _in_frame(mask_of(area.shapes, _compared(frame)), picture.size, frame))
    return found


def heated(picture: Image | None, change: Change) -> Image | None:
    """
    Return a picture with what was recorded of it laid over it.

    None where there is no picture, no heat map, or one that cannot be laid over it, as in a record of others.
    """
    if picture is None or change.heat is None:
        return None
    try:
        return laid_over(picture, change.heat, change.figures["frame"], change.area)
    except (ImageError, KeyError, TypeError, ValueError, ArithmeticError, IndexError):
        return None


def _compared(frame: Mapping[str, Any]) -> tuple[int, int]:
    """Return the size at which things on the first picture are drawn before they are moved to the second."""
    width, height = frame["before"]
    part = min(1.0, 640 / max(width, height))
    return max(1, round(width * part)), max(1, round(height * part))


def _spread(grid: Image, frame: Mapping[str, Any]) -> Image:
    """Return one pixel a tile as the whole first picture; the last tiles are continued to the edges."""
    from PIL.Image import Resampling

    width, height = grid.size
    wide = grid.crop((0, 0, width + 1, height + 1))
    wide.paste(grid.crop((width - 1, 0, width, height)), (width, 0))
    wide.paste(wide.crop((0, height - 1, width + 1, height)), (0, height))
    across, down = frame["reach"]
    box = (0.0, 0.0, min(width + 1.0, width / across), min(height + 1.0, height / down))
    return wide.resize(_compared(frame), Resampling.BILINEAR, box)


def _in_frame(plane: Image, size: tuple[int, int], frame: Mapping[str, Any]) -> Image:
    """Return what lies on the first picture as it lies on the second; black where the first shows nothing."""
    from PIL.Image import Resampling, Transform

    (width, height), (wide, tall) = frame["before"], frame["after"]
    to_plane = Affine.scaling(plane.width / width, plane.height / height)
    from_result = Affine.scaling(wide / size[0], tall / size[1])
    matrix = to_plane.after(Affine(*frame["matrix"]).inverse()).after(from_result)
    return plane.transform(size, Transform.AFFINE, tuple(matrix), Resampling.BILINEAR)


def _coloured(levels: Image) -> Image:
    from PIL import Image as Pillow

    return Pillow.merge("RGB", [levels.point([colour[band] for colour in _ramp()]) for band in range(3)])


@cache
def _ramp() -> tuple[tuple[int, int, int], ...]:
    """Return a colour for each of 256 levels."""
    found = []
    for level in range(256):
        place = level / 255 * (len(COLOURS) - 1)
        at = min(int(place), len(COLOURS) - 2)
        low, high, part = COLOURS[at], COLOURS[at + 1], place - at
        red, green, blue = (round(a + (b - a) * part) for a, b in zip(low, high, strict=True))
        found.append((red, green, blue))
    return tuple(found)


def _covers() -> list[int]:
    """Return how far the colour of each of 256 levels hides the picture, 0 to 255: it begins and ends softly."""
    parts = (min(1.0, max(0.0, (level / 255 - NOTHING) / (PLAIN - NOTHING))) for level in range(256))
    return [round(255 * COVER * part * part * (3 - 2 * part)) for part in parts]


def _outline(picture: Image, mask: Image) -> None:
    """Draw a white line between two dark ones around what is white in a mask: it is seen on everything."""
    from PIL import ImageChops, ImageFilter

    thick = 2 * max(1, round(max(picture.size) / 400)) + 1
    solid = mask.point([0] * 128 + [255] * 128)
    inner, outer = solid.filter(ImageFilter.MinFilter(thick)), solid.filter(ImageFilter.MaxFilter(thick))
    dark = ImageChops.subtract(outer.filter(ImageFilter.MaxFilter(3)), inner.filter(ImageFilter.MinFilter(3)))
    picture.paste((0, 0, 0), mask=dark)
    picture.paste((255, 255, 255), mask=ImageChops.subtract(outer, inner))


@cache
def legend() -> bytes:
    """Return the colours from left to right as a small PNG."""
    from PIL import Image as Pillow

    levels = Pillow.new("L", (64, 1))
    levels.putdata([round(level * 255 / 63) for level in range(64)])
    grey = Pillow.new("RGB", levels.size, (LIFT + 40,) * 3)
    file = io.BytesIO()
    Pillow.composite(_coloured(levels), grey, levels.point(_covers())).resize((64, 6)).save(file, "PNG", optimize=True)
    return file.getvalue()


def crop_pair(before: Image, after: Image, box: Sequence[float], frame: Mapping[str, Any], side: int) -> Image:
    """
    Return a place of the first picture and the same place of the second, beside each other.

    Args:
        before: the first picture, at any size.
        after: the second.
        box: left, top, right and bottom, as parts of the first picture.
        frame: where the two lie upon each other: `frame` of `Drift.as_json`.
        side: of each of the two squares, in pixels.
    """
    from PIL import Image as Pillow
    from PIL.Image import Resampling, Transform

    found = Pillow.new("RGB", (2 * side + GAP, side), "white")
    width, height = frame["before"]
    matrix, length = Affine(*frame["matrix"]), (box[2] - box[0]) * width
    corner = box[0] * width, box[1] * height
    to_before = Affine(length / side, 0.0, corner[0], 0.0, length / side, corner[1])
    for place, picture, full, to_full in (
        (0, before, frame["before"], to_before),
        (side + GAP, after, frame["after"], matrix.after(to_before)),
    ):
        shown = Affine.scaling(picture.width / full[0], picture.height / full[1]).after(to_full)
        crop = picture.transform((side, side), Transform.AFFINE, tuple(shown), Resampling.BICUBIC)
        found.paste(crop, (place, 0))
    return found

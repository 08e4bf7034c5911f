"""
A sample picture, shipped with the package, so that an example needs no file of its own.

`still_life.webp` was drawn by code of this project and is under the project's MIT licence.

>>> from nbbanana import samples
>>> samples.still_life((64, 48)).size
(64, 48)
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from nbbanana.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["still_life"]

SMALLEST, LARGEST = 16, 2048
"""Pixels of a side."""
FRAME = (256, 159, 1024, 768)
"""Left, top, width and height of the 4:3 frame inside the shipped file, which shows more of the room on all sides."""


def still_life(size: tuple[int, int] = (1024, 768)) -> Image:
    """
    Return a still life: an apple on the left, a blue bottle labelled ALPHA in the middle, a pear on the right.

    Args:
        size: width and height in pixels, each 16 to 2048. Shapes other than 4:3 show more of the room; those wider
            than 3:2 or taller than 1:1 are cut from the middle.

    Returns:
        A new RGB picture, the same pixels at every call.

    Raises:
        UsageError: the size is out of bounds.
    """
    from PIL.Image import Resampling
    from PIL.Image import open as open_picture

    if not all(SMALLEST <= side <= LARGEST for side in size):
        raise UsageError(
            f"size is {size[0]}×{size[1]}.", f"Each side has {SMALLEST} to {LARGEST} pixels.", "Use (1024, 768)."
        )
    with open_picture(str(files(__name__).joinpath("still_life.webp"))) as picture:
        whole = picture.convert("RGB")
    box = _crop(size[0] / size[1], whole.size)
    if (box[2] - box[0], box[3] - box[1]) == tuple(size):
        return whole.crop(box)
    return whole.resize(size, Resampling.LANCZOS, box)


def _crop(ratio: float, whole: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the box of this ratio (width over height) that holds the 4:3 frame, or as much of it as fits."""
    left, top, width, height = FRAME
    wide, tall = max(width, height * ratio), max(height, width / ratio)
    scale = min(1.0, whole[0] / wide, whole[1] / tall)
    wide, tall = wide * scale, tall * scale
    x = min(max(0.0, left + (width - wide) / 2), whole[0] - wide)
    y = min(max(0.0, top + (height - tall) / 2), whole[1] - tall)
    return round(x), round(y), round(x + wide), round(y + tall)

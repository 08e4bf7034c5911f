"""
Pictures to try things on, drawn on the spot, so that an example needs no file.

>>> from nbbanana import samples
>>> samples.still_life((64, 48)).size
(64, 48)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["still_life"]


def still_life(size: tuple[int, int] = (1024, 768)) -> Image:
    """
    A still life: an apple on the left, a blue bottle labelled ALPHA in the middle, a pear on the right.

    Args:
        size: width and height in pixels, each 16 to 2048; other shapes than 4:3 see more of the room.

    Returns:
        An RGB picture, the same at every call.

    Raises:
        UsageError: a size out of those bounds.
    """
    from nbbanana.samples.scene import still_life as drawn

    return drawn(size)

"""
Colours as three floats in 0..1 (sRGB values, not linear light), and the few sums the painter does with them.

Everything here is plain arithmetic, so that a picture comes out the same on any machine.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

from PIL import Image, ImageColor

__all__ = ["RGB", "bytes_of", "gradient", "luma", "mix", "parse", "ramp", "shade", "turned"]

RGB = tuple[float, float, float]
"""Red, green, blue, each 0..1."""


def parse(text: str) -> RGB:
    """
    The colour that a CSS hex value names.

    Raises:
        ValueError: not a colour.

    >>> parse("#ff0000")
    (1.0, 0.0, 0.0)
    """
    red, green, blue = ImageColor.getrgb(text)[:3]
    return red / 255, green / 255, blue / 255


def bytes_of(colour: RGB) -> tuple[int, int, int]:
    """
    The colour as Pillow takes it: three integers in 0..255.

    >>> bytes_of((1.0, 0.5, 0.0))
    (255, 128, 0)
    """
    red, green, blue = (max(0, min(255, round(255 * value))) for value in colour)
    return red, green, blue


def luma(colour: RGB) -> float:
    """How bright it looks, 0..1, by the weights of ITU-R BT.601 that Pillow's own `convert("L")` uses."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def mix(one: RGB, other: RGB, amount: float) -> RGB:
    """From `one` (0) to `other` (1)."""
    return (
        one[0] + (other[0] - one[0]) * amount,
        one[1] + (other[1] - one[1]) * amount,
        one[2] + (other[2] - one[2]) * amount,
    )


def shade(colour: RGB, amount: float) -> RGB:
    """Towards black (down to -1) or white (up to 1)."""
    return mix(colour, (0.0, 0.0, 0.0), -amount) if amount < 0 else mix(colour, (1.0, 1.0, 1.0), amount)


def turned(colour: RGB, hue: float, saturation: float = 1.0) -> RGB:
    """The same lightness, its hue turned by `hue` (1 is the whole wheel), its saturation scaled."""
    turn, light, depth = colorsys.rgb_to_hls(*colour)
    return colorsys.hls_to_rgb((turn + hue) % 1.0, light, min(1.0, depth * saturation))


def ramp(stops: Sequence[RGB], place: float) -> RGB:
    """
    The colour at `place` (0..1) of evenly spaced stops.

    >>> ramp([(0.0, 0.0, 0.0), (1.0, 1.0, 1.0)], 0.25)
    (0.25, 0.25, 0.25)
    """
    if len(stops) == 1:
        return stops[0]
    position = max(0.0, min(1.0, place)) * (len(stops) - 1)
    left = min(int(position), len(stops) - 2)
    return mix(stops[left], stops[left + 1], position - left)


def gradient(stops: Sequence[RGB], size: tuple[int, int]) -> Image.Image:
    """A picture of `size` that goes through the stops from its top to its bottom."""
    column = Image.new("RGB", (1, 64))
    column.putdata([bytes_of(ramp(stops, row / 63)) for row in range(64)])
    return column.resize(size, Image.Resampling.BICUBIC)

"""Surfaces: the grain of a plain backdrop, such as the veins of marble, laid over it at the size it is painted at."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from nbbanana.sandbox.easel.light import Size
from nbbanana.sandbox.easel.weather import noise

__all__ = ["SURFACES", "Surface"]

Surface = Callable[[Image.Image, Random], Image.Image]


def _over(picture: Image.Image, layer: Image.Image) -> Image.Image:
    """The grey layer laid over by soft light: mid grey changes nothing."""
    return ImageChops.soft_light(picture, Image.merge("RGB", (layer, layer, layer)))


def _clouds(size: Size, dice: Random, cells: tuple[int, int], depth: int) -> Image.Image:
    """Smooth noise around mid grey, with about `cells` blotches across and down."""
    blotches = ImageOps.autocontrast(noise(cells, dice)).resize(size, Image.Resampling.BICUBIC)
    return blotches.point([round(128 + (value - 128) * depth / 128) for value in range(256)])


def veins(picture: Image.Image, dice: Random) -> Image.Image:
    """Marble: soft clouds, and a few veins that wander and branch."""
    clouded = _over(picture, _clouds(picture.size, dice, (7, 5), 22))
    layer = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(layer)
    for _ in range(13):
        _vein(draw, picture.size, dice)
    unit = math.sqrt(picture.width * picture.height)
    soft = ImageChops.lighter(
        layer.filter(ImageFilter.GaussianBlur(unit / 500)), layer.filter(ImageFilter.GaussianBlur(unit / 130))
    )
    return Image.composite(Image.new("RGB", picture.size, (132, 136, 142)), clouded, soft)


def _vein(draw: ImageDraw.ImageDraw, size: Size, dice: Random) -> None:
    x, y = dice.uniform(-0.1, 1.0) * size[0], dice.uniform(-0.1, 1.1) * size[1]
    heading, step = dice.uniform(-0.9, 0.9), math.sqrt(size[0] * size[1]) / 42
    strength = dice.randint(40, 150)
    for _ in range(dice.randint(16, 44)):
        heading += dice.gauss(0.0, 0.34)
        ahead = (x + step * math.cos(heading), y + step * math.sin(heading))
        draw.line((x, y, *ahead), strength, dice.choice((1, 1, 2)))
        x, y = ahead
        strength = max(18, strength + dice.randint(-14, 10))
        heading *= 0.93


def mottle(picture: Image.Image, dice: Random) -> Image.Image:
    """Stone: blotches of two sizes and a fine grain."""
    coarse = _over(picture, _clouds(picture.size, dice, (9, 7), 44))
    fine = _over(coarse, _clouds(picture.size, dice, (60, 44), 24))
    return _over(fine, noise(picture.size, dice).filter(ImageFilter.GaussianBlur(1.2)))


def weave(picture: Image.Image, dice: Random) -> Image.Image:
    """Cloth: threads across and down, and long soft folds."""
    folded = _over(picture, _clouds(picture.size, dice, (6, 3), 46))
    across = noise((1, picture.height), dice).resize(picture.size)
    down = noise((picture.width, 1), dice).resize(picture.size)
    threads = Image.blend(across, down, 0.5).filter(ImageFilter.GaussianBlur(0.6))
    return _over(folded, threads.point([round(128 + (value - 128) * 0.55) for value in range(256)]))


def boards(picture: Image.Image, dice: Random) -> Image.Image:
    """Wood: a grain that runs across, and the gaps between a few boards."""
    fine = noise((5, max(8, picture.height // 3)), dice).resize(picture.size, Image.Resampling.BICUBIC)
    broad = noise((4, max(6, picture.height // 14)), dice).resize(picture.size, Image.Resampling.BICUBIC)
    streaks = Image.blend(fine, broad, 0.6)
    grained = _over(picture, streaks.point([round(128 + (value - 128) * 0.42) for value in range(256)]))
    gaps = Image.new("L", picture.size, 128)
    draw = ImageDraw.Draw(gaps)
    y = dice.uniform(0.06, 0.2) * picture.height
    while y < picture.height:
        draw.line((0, y, picture.width, y), 40, 2)
        y += dice.uniform(0.15, 0.22) * picture.height
    return _over(grained, gaps.filter(ImageFilter.GaussianBlur(1.2)))


def floor(picture: Image.Image, dice: Random) -> Image.Image:
    """A studio sweep: light pooled on the wall, a horizon rounded away, a soft shadow where someone stands."""
    small = (96, 96)
    layer = Image.new("L", small, 118)
    draw = ImageDraw.Draw(layer)
    middle = 48 + dice.uniform(-12, 12)
    draw.ellipse((middle - 40, -6, middle + 40, 62), 178)
    draw.rectangle((0, 76, 96, 96), 132)
    draw.ellipse((20, 84, 76, 98), 30)
    return _over(picture, layer.filter(ImageFilter.GaussianBlur(9)).resize(picture.size, Image.Resampling.BICUBIC))


SURFACES: dict[str, Surface] = {"boards": boards, "floor": floor, "mottle": mottle, "veins": veins, "weave": weave}
"""Every surface by the name that grades.json calls it."""

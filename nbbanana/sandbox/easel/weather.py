"""Weather: what falls or hangs in front of everything, painted like a light (see `light.py`), and film grain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from nbbanana.sandbox.easel.colour import RGB, bytes_of
from nbbanana.sandbox.easel.light import Light, Size, glow

__all__ = ["WEATHER", "grain", "noise"]


def noise(size: Size, dice: Random) -> Image.Image:
    """Even noise, 0..255; `Image.effect_noise` would draw on the C library's generator, which has no seed here."""
    return Image.frombytes("L", size, dice.randbytes(size[0] * size[1]))


def grain(size: Size, dice: Random, amount: float) -> Image.Image:
    """Film grain as a layer for `ImageChops.soft_light`; the amount is 0..1."""
    fine = noise(size, dice).filter(ImageFilter.GaussianBlur(0.6))
    table = [round(128 + (value - 128) * 4 * amount) for value in range(256)]
    return Image.merge("RGB", (fine.point([max(0, min(255, value)) for value in table]),) * 3)


def rain(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Streaks in three depths, all slanting the same way; the nearest are out of focus."""
    del palette
    slant = dice.choice((-1, 1)) * dice.uniform(0.06, 0.2)
    unit = math.sqrt(size[0] * size[1])
    sharp, soft = Image.new("L", size), Image.new("L", size)
    for sheet, count, length, strength in ((sharp, 260, 0.03, 70), (sharp, 120, 0.065, 110), (soft, 22, 0.13, 150)):
        draw = ImageDraw.Draw(sheet)
        for _ in range(count):
            x, y = dice.uniform(-0.1, 1.1) * size[0], dice.uniform(-0.1, 1.0) * size[1]
            reach = length * unit * dice.uniform(0.6, 1.4)
            draw.line((x, y, x + slant * reach, y + reach), round(strength * dice.uniform(0.5, 1.0)), 1)
    fallen = ImageChops.screen(sharp.filter(ImageFilter.BoxBlur(0.5)), soft.filter(ImageFilter.BoxBlur(unit / 500)))
    return ImageOps.colorize(fallen, (0, 0, 0), (214, 226, 240))


def snow(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Flakes in three depths: many small sharp ones, a few large soft ones close to the eye."""
    del palette
    layer = Image.new("RGB", size)
    unit = math.sqrt(size[0] * size[1])
    for count, radius, strength in ((190, 0.0045, 0.75), (70, 0.009, 0.65), (14, 0.026, 0.34)):
        for _ in range(count):
            at = (dice.random() * size[0], dice.random() * size[1])
            level = strength * dice.uniform(0.55, 1.0)
            glow(layer, at, radius * unit * dice.uniform(0.7, 1.4), (level, level, level), power=1.1)
    return layer


def fog(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Banks of mist, thicker towards the horizon than at the feet."""
    del palette
    small = (48, 32)
    banks = noise(small, dice).filter(ImageFilter.GaussianBlur(3.2))
    banks = ImageOps.autocontrast(banks).point([round(70 + 0.36 * value) for value in range(256)])
    veil = ImageChops.multiply(banks, _horizon(small))
    white = bytes_of((0.92, 0.94, 0.95))
    return ImageOps.colorize(veil.resize(size, Image.Resampling.BICUBIC), (0, 0, 0), white)


def _horizon(size: Size) -> Image.Image:
    """White around the upper middle, darker above and below."""
    column = Image.new("L", (1, size[1]))
    column.putdata([round(255 * math.exp(-(((row / size[1] - 0.42) / 0.5) ** 2))) for row in range(size[1])])
    return column.resize(size)


WEATHER: dict[str, Light] = {"fog": fog, "rain": rain, "snow": snow}
"""Every weather by the name that grades.json calls it."""

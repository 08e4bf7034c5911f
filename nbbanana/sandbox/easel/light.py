"""
Lights: everything that adds brightness, each painted on black at a small size and laid over by "screen".

A light takes the size to paint at in pixels, a generator and a palette, and gives an RGB picture on black.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from nbbanana.sandbox.easel.colour import RGB, bytes_of, mix, shade

__all__ = ["LIGHTS", "Light", "Size", "glow", "key_light", "painted", "spread"]

Size = tuple[int, int]
Light = Callable[[Size, Random, Sequence[RGB]], Image.Image]
Point = tuple[float, float]

BLACK: RGB = (0.0, 0.0, 0.0)


def painted(
    names: Sequence[str], table: dict[str, Light], size: Size, palette: Sequence[RGB], dice: Random
) -> Image.Image:
    """The named lights over one another."""
    layer = Image.new("RGB", size)
    for name in names:
        layer = ImageChops.screen(layer, table[name](size, dice, palette))
    return layer


@cache
def _falloff(power: float) -> Image.Image:
    """A round spot of 256×256, white in its middle and black from its rim on; the power narrows it."""
    curve = [round(255 * (1 - value / 255) ** power) for value in range(256)]
    return Image.radial_gradient("L").point(curve)


def glow(layer: Image.Image, at: Point, radius: float, colour: RGB, *, power: float = 2.0, flat: float = 1.0) -> None:
    """Add a soft spot to `layer`, in pixels: its centre, its radius, its height over its width."""
    width, height = max(2, round(2 * radius)), max(2, round(2 * radius * flat))
    spot = _falloff(power).resize((width, height), Image.Resampling.BILINEAR)
    left, top = round(at[0] - width / 2), round(at[1] - height / 2)
    box = (left, top, left + width, top + height)
    tinted = ImageOps.colorize(spot, (0, 0, 0), bytes_of(colour))
    layer.paste(ImageChops.screen(layer.crop(box), tinted), (left, top))


def key_light(size: Size, turn: float, palette: Sequence[RGB], amount: float, vignette: float) -> Image.Image:
    """
    Light from one side, as a layer for `ImageChops.soft_light`: mid grey leaves a picture as it is.

    Args:
        size: in pixels; a small picture will do, it holds no detail.
        turn: where the light comes from, 0..1 around the picture.
        palette: its first colour is the lit side, its second the other.
        amount: how strong, 0..1.
        vignette: how dark the corners become, 0..1.
    """
    lit, other = palette[0], palette[min(1, len(palette) - 1)]
    bright = mix((0.5, 0.5, 0.5), shade(lit, 0.1), amount)
    dim = mix((0.5, 0.5, 0.5), shade(other, -0.75), amount)
    slope = _slope(turn, size)
    layer = ImageOps.colorize(slope, bytes_of(dim), bytes_of(bright), mid=(128, 128, 128))
    if vignette:
        corners = Image.radial_gradient("L").resize(size, Image.Resampling.BILINEAR)
        shadow = corners.point([round(255 * vignette * (value / 255) ** 2.2) for value in range(256)])
        layer.paste((24, 24, 26), (0, 0), shadow)
    return layer


def _slope(turn: float, size: Size) -> Image.Image:
    """A linear gradient, black to white, in any direction."""
    square = Image.linear_gradient("L").rotate(360 * turn, Image.Resampling.BILINEAR, fillcolor=128)
    inner = 256 / math.sqrt(8)
    return square.crop((round(128 - inner), round(128 - inner), round(128 + inner), round(128 + inner))).resize(
        size, Image.Resampling.BICUBIC
    )


def _short(size: Size) -> float:
    """The side that all measures are parts of: the mean keeps a panorama's lights from becoming dots."""
    return math.sqrt(size[0] * size[1])


def haze(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """A few wide clouds of colour."""
    layer = Image.new("RGB", size)
    for number in range(4):
        at = (dice.uniform(-0.05, 1.05) * size[0], dice.uniform(0.05, 0.9) * size[1])
        colour = mix(BLACK, palette[number % len(palette)], dice.uniform(0.28, 0.5))
        glow(layer, at, dice.uniform(0.35, 0.65) * _short(size), colour, power=1.6)
    return layer


def bokeh(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Points of light out of focus: discs of a few sizes, the large ones fainter."""
    layer = Image.new("RGB", size)
    unit = _short(size)
    for _ in range(64):
        near = dice.random() ** 2.5
        radius = (0.007 + 0.04 * near) * unit
        at = (dice.random() * size[0], (0.1 + 0.75 * dice.random() ** 0.8) * size[1])
        colour = mix(BLACK, dice.choice(palette), dice.uniform(0.3, 0.75) * (1 - 0.55 * near))
        _disc(layer, at, radius, colour)
    return layer.filter(ImageFilter.GaussianBlur(unit / 500))


def _disc(layer: Image.Image, at: Point, radius: float, colour: RGB) -> None:
    """An even disc with a slightly brighter rim, as a lens draws it."""
    side = 2 * math.ceil(radius) + 4
    disc = Image.new("RGB", (side, side))
    middle = side / 2
    box = (middle - radius, middle - radius, middle + radius, middle + radius)
    ImageDraw.Draw(disc).ellipse(box, bytes_of(colour), bytes_of(shade(colour, 0.12)), max(1, round(radius / 9)))
    corner = (round(at[0] - middle), round(at[1] - middle))
    place = (*corner, corner[0] + side, corner[1] + side)
    layer.paste(ImageChops.screen(layer.crop(place), disc), corner)


def signs(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Upright lit signs on both sides, with the light they spill."""
    layer = Image.new("RGB", size)
    draw = ImageDraw.Draw(layer)
    unit = _short(size)
    for number in range(9):
        side = dice.uniform(0.0, 0.3) if number % 2 else dice.uniform(0.7, 1.0)
        left, top = side * size[0], dice.uniform(0.1, 0.62) * size[1]
        wide, tall = dice.uniform(0.012, 0.034) * unit, dice.uniform(0.07, 0.24) * unit
        colour = mix(BLACK, palette[number % len(palette)], dice.uniform(0.55, 0.95))
        draw.rounded_rectangle((left, top, left + wide, top + tall), wide / 2, bytes_of(colour))
    core = layer.filter(ImageFilter.GaussianBlur(unit / 110))
    spill = spread(layer, unit / 22).point([min(255, round(2.2 * value)) for value in range(256)] * 3)
    return ImageChops.screen(core, spill)


def spread(layer: Image.Image, radius: float) -> Image.Image:
    """A wide blur, made at a quarter of the size: nobody can tell."""
    small = layer.reduce(4).filter(ImageFilter.GaussianBlur(radius / 4))
    return small.resize(layer.size, Image.Resampling.BILINEAR)


def trails(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Streaks that passing lamps leave, towards a vanishing point."""
    layer = Image.new("RGB", size)
    draw = ImageDraw.Draw(layer)
    unit = _short(size)
    for number in range(6):
        outward = -1 if number % 2 else 1
        start = (0.5 + outward * dice.uniform(0.22, 0.34), dice.uniform(0.56, 0.66))
        end = (0.5 + outward * dice.uniform(0.44, 0.62), start[1] + dice.uniform(-0.02, 0.13))
        line = [(x * size[0], y * size[1]) for x, y in (start, end)]
        colour = mix(BLACK, shade(dice.choice(palette), 0.25), dice.uniform(0.5, 0.85))
        draw.line(line, bytes_of(colour), max(1, round(unit / 160)))
    soft = layer.filter(ImageFilter.GaussianBlur(unit / 200))
    return ImageChops.screen(soft, spread(layer, unit / 40))


def stars(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """A clear sky: many faint stars, a few bright ones, thinning towards the ground."""
    layer = Image.new("RGB", size)
    unit = _short(size)
    for _ in range(170):
        at = (dice.random() * size[0], dice.random() ** 1.5 * size[1])
        bright = dice.random() ** 4
        colour = mix(BLACK, shade(dice.choice(palette), 0.6), 0.35 + 0.65 * bright)
        glow(layer, at, unit * (0.0035 + 0.007 * bright), colour, power=2.5)
    return layer


def moon(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """A small moon in one of the upper corners, and its halo."""
    layer = Image.new("RGB", size)
    unit = _short(size)
    at = (
        dice.choice((dice.uniform(0.08, 0.24), dice.uniform(0.76, 0.92))) * size[0],
        dice.uniform(0.09, 0.2) * size[1],
    )
    glow(layer, at, 0.5 * unit, mix(BLACK, palette[0], 0.42), power=2.6)
    glow(layer, at, 0.1 * unit, mix(BLACK, palette[0], 0.6), power=2.0)
    _disc(layer, at, 0.026 * unit, (0.96, 0.96, 0.9))
    return layer.filter(ImageFilter.GaussianBlur(unit / 420))


def sun(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """A low sun beyond one of the sides: a wide warm veil and a bright heart."""
    layer = Image.new("RGB", size)
    unit = _short(size)
    at = (
        dice.choice((dice.uniform(-0.06, 0.12), dice.uniform(0.88, 1.06))) * size[0],
        dice.uniform(0.04, 0.42) * size[1],
    )
    glow(layer, at, 1.15 * unit, mix(BLACK, palette[0], 0.6), power=1.8)
    glow(layer, at, 0.42 * unit, mix(BLACK, palette[-1], 0.75), power=2.4)
    return layer


def rays(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Shafts of light falling from above."""
    layer = Image.new("RGB", size)
    source = (dice.uniform(0.1, 0.9) * size[0], -0.25 * size[1])
    draw = ImageDraw.Draw(layer)
    for number in range(7):
        foot = (-0.3 + 0.24 * number + dice.uniform(-0.06, 0.06)) * size[0]
        wide = dice.uniform(0.03, 0.1) * size[0]
        colour = bytes_of(mix(BLACK, dice.choice(palette), dice.uniform(0.1, 0.26)))
        draw.polygon([source, (foot, 1.1 * size[1]), (foot + wide, 1.1 * size[1])], colour)
    fade = Image.linear_gradient("L").resize(size).point([round(255 - 0.85 * value) for value in range(256)])
    return ImageChops.multiply(spread(layer, _short(size) / 45), Image.merge("RGB", (fade, fade, fade)))


def blinds(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Light through a venetian blind, slanting."""
    side = math.ceil(math.hypot(*size))
    bars = Image.new("L", (side, side))
    draw = ImageDraw.Draw(bars)
    pitch = side / 13
    for number in range(2, 11):
        draw.rectangle((side * 0.12, number * pitch, side * 0.88, number * pitch + 0.5 * pitch), 92)
    slanted = bars.rotate(dice.choice((-1, 1)) * dice.uniform(9, 24), Image.Resampling.BILINEAR)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    soft = slanted.crop((left, top, left + size[0], top + size[1])).filter(ImageFilter.GaussianBlur(side / 130))
    return ImageOps.colorize(soft, (0, 0, 0), bytes_of(palette[0]))


def dust(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Specks that float in the light."""
    layer = Image.new("RGB", size)
    for _ in range(46):
        at = (dice.random() * size[0], dice.random() * size[1])
        colour = mix(BLACK, dice.choice(palette), dice.uniform(0.15, 0.6))
        glow(layer, at, _short(size) * dice.uniform(0.004, 0.013), colour, power=1.6)
    return layer


def leak(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Light that leaked into the camera along one edge."""
    layer = Image.new("RGB", size)
    edge = dice.choice((0.0, 1.0)) * size[0]
    for number in range(3):
        at = (edge, dice.uniform(0.0, 1.0) * size[1])
        colour = mix(BLACK, palette[number % len(palette)], dice.uniform(0.4, 0.75))
        glow(layer, at, dice.uniform(0.22, 0.5) * _short(size), colour, power=1.9, flat=1.9)
    return layer


LIGHTS: dict[str, Light] = {
    "blinds": blinds,
    "bokeh": bokeh,
    "dust": dust,
    "haze": haze,
    "leak": leak,
    "moon": moon,
    "rays": rays,
    "signs": signs,
    "stars": stars,
    "sun": sun,
    "trails": trails,
}
"""Every light by the name that grades.json calls it."""

"""
Layers: lights and weather to screen over a picture, styles that redraw it, masks, and what fills a gap.

A light takes the size to paint at in pixels, a generator and a palette, and returns an RGB picture on black. Everything
soft is painted small and scaled up.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from nbbanana.sandbox.painter.canvas import Size
from nbbanana.sandbox.painter.prompt import BLACK, GREY, RGB, WHITE, Box, Look, mixed

Light = Callable[[Size, Random, Sequence[RGB]], Image.Image]
Disc = tuple[int, float, float]
"""How many discs, their radius as a part of the mean side, and their strength, 0..1."""


def _unit(size: Size) -> float:
    """Return the mean side, of which all measures are parts: a panorama's lights keep their size."""
    return math.sqrt(size[0] * size[1])


def within(size: Size, side: int) -> Size:
    """Return the size scaled down until its mean side is at most `side` pixels."""
    scale = min(1.0, side / _unit(size))
    return max(8, round(size[0] * scale)), max(8, round(size[1] * scale))


def shifted(colour: RGB, turn: float) -> RGB:
    """Return the colour with its hue turned by a part of the whole wheel."""
    hue, light, depth = colorsys.rgb_to_hls(*(value / 255 for value in colour))
    red, green, blue = (round(255 * value) for value in colorsys.hls_to_rgb((hue + turn) % 1.0, light, depth))
    return red, green, blue


def gradient(colours: Sequence[RGB], size: tuple[int, int]) -> Image.Image:
    """Return a picture that goes through three colours from its top to its bottom."""
    top, middle, bottom = colours
    return ImageOps.colorize(Image.linear_gradient("L"), top, bottom, middle).resize(size, Image.Resampling.BICUBIC)


def toned(picture: Image.Image, look: Look, strength: float) -> Image.Image:
    """Return the picture with the look's brightness, contrast, colour and tint, at a strength of 0 to 1."""
    changed = ImageEnhance.Brightness(picture).enhance(look.brightness)
    changed = ImageEnhance.Contrast(changed).enhance(look.contrast)
    changed = ImageEnhance.Color(changed).enhance(look.colour)
    if look.tint:
        dark, light = look.tint
        changed = Image.blend(changed, ImageOps.colorize(changed.convert("L"), dark, light), look.amount)
    return Image.blend(picture, changed, strength)


def _glow(layer: Image.Image, at: tuple[float, float], radius: float, colour: RGB) -> None:
    """Add a soft spot to `layer`; centre and radius are in pixels."""
    side = max(2, round(2 * radius))
    left, top = round(at[0] - side / 2), round(at[1] - side / 2)
    box = (left, top, left + side, top + side)
    fading = Image.radial_gradient("L").point(lambda value: (255 - value) ** 2 / 255).resize((side, side), 2)
    layer.paste(ImageChops.screen(layer.crop(box), ImageOps.colorize(fading, BLACK, colour)), (left, top))


def _discs(size: Size, dice: Random, colours: Sequence[RGB], soft: float, *kinds: Disc) -> Image.Image:
    """Return discs at random places, blurred by a part of their radius."""
    sheets = []
    for number, radius, strength in kinds:
        sheet = Image.new("RGB", size)
        for _ in range(number):
            x, y = dice.random() * size[0], dice.random() * size[1]
            reach = radius * dice.uniform(0.6, 1.4) * _unit(size)
            colour = mixed(BLACK, dice.choice(colours), strength * dice.uniform(0.5, 1.0))
            rim = mixed(colour, WHITE, 0.1)
            ImageDraw.Draw(sheet).ellipse((x - reach, y - reach, x + reach, y + reach), colour, rim)
        sheets.append(sheet.filter(ImageFilter.GaussianBlur(soft * radius * _unit(size))))
    return reduce(ImageChops.screen, sheets)


def _haze(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Paint a few wide clouds of colour."""
    layer = Image.new("RGB", size)
    for number in range(4):
        at = (dice.uniform(-0.05, 1.05) * size[0], dice.uniform(0.0, 0.75) * size[1])
        colour = mixed(BLACK, palette[number % len(palette)], dice.uniform(0.35, 0.6))
        _glow(layer, at, dice.uniform(0.4, 0.7) * _unit(size), colour)
    return layer


def _bokeh(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Paint points of light out of focus, the large ones fainter."""
    return _discs(size, dice, palette, 0.08, (36, 0.008, 0.8), (22, 0.018, 0.6), (9, 0.038, 0.4))


def _signs(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Paint upright lit signs on both sides, and the light they spill."""
    layer = Image.new("RGB", size)
    draw = ImageDraw.Draw(layer)
    for number in range(10):
        x = (dice.uniform(0.0, 0.3) if number % 2 else dice.uniform(0.7, 1.0)) * size[0]
        y, wide = dice.uniform(0.1, 0.55) * size[1], dice.uniform(0.012, 0.034) * _unit(size)
        colour = mixed(BLACK, palette[number % len(palette)], dice.uniform(0.55, 0.95))
        draw.rounded_rectangle((x, y, x + wide, y + dice.uniform(0.08, 0.26) * _unit(size)), wide / 2, colour)
    core = layer.filter(ImageFilter.GaussianBlur(_unit(size) / 110))
    spill = layer.filter(ImageFilter.GaussianBlur(_unit(size) / 22)).point(lambda value: 2.4 * value)
    return ImageChops.screen(core, spill)


def _stars(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Paint stars, and a moon in an upper corner."""
    pale = [mixed(colour, WHITE, 0.6) for colour in palette]
    layer = _discs(size, dice, pale, 0.5, (110, 0.0016, 0.8), (16, 0.003, 1.0))
    at = (dice.choice((0.14, 0.84)) * size[0], dice.uniform(0.1, 0.2) * size[1])
    for radius, strength in ((0.5, 0.45), (0.11, 0.7), (0.03, 1.0), (0.03, 1.0)):
        _glow(layer, at, radius * _unit(size), mixed(BLACK, palette[0], strength))
    return layer


def _sun(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Paint a low sun at one of the sides: a wide veil and a bright heart."""
    layer = Image.new("RGB", size)
    at = (dice.choice((0.03, 0.97)) * size[0], dice.uniform(0.04, 0.42) * size[1])
    _glow(layer, at, 1.2 * _unit(size), mixed(BLACK, palette[0], 0.6))
    _glow(layer, at, 0.45 * _unit(size), mixed(BLACK, palette[-1], 0.75))
    return layer


def _rain(size: Size, dice: Random, _palette: Sequence[RGB]) -> Image.Image:
    """Paint streaks in three depths that slant the same way."""
    layer = Image.new("L", size)
    draw, slant = ImageDraw.Draw(layer), dice.choice((-1, 1)) * dice.uniform(0.06, 0.2)
    for number, length, strength in ((280, 0.03, 60), (120, 0.065, 95), (22, 0.12, 120)):
        for _ in range(number):
            x, y = dice.uniform(-0.1, 1.1) * size[0], dice.uniform(-0.1, 1.0) * size[1]
            reach = length * _unit(size) * dice.uniform(0.6, 1.4)
            draw.line((x, y, x + slant * reach, y + reach), round(strength * dice.uniform(0.5, 1.0)), 1)
    return ImageOps.colorize(layer.filter(ImageFilter.BoxBlur(0.5)), BLACK, (214, 226, 240))


def _snow(size: Size, dice: Random, _palette: Sequence[RGB]) -> Image.Image:
    """Paint flakes in three depths: many small ones, a few large soft ones close to the eye."""
    return _discs(size, dice, [WHITE], 0.5, (190, 0.0026, 0.8), (70, 0.005, 0.7), (14, 0.017, 0.4))


LIGHTS: Mapping[str, Light] = {
    light.__name__.strip("_"): light for light in (_haze, _bokeh, _signs, _stars, _sun, _rain, _snow)
}
"""Lights, weather and, below, styles by the names that looks.json calls them."""


def _lines(grey: Image.Image, radius: float, gain: float) -> Image.Image:
    """Return pencil lines, black on white, where a grey picture is darker than its surroundings."""
    dark = ImageChops.subtract(grey.filter(ImageFilter.GaussianBlur(radius)), grey)
    return ImageOps.invert(dark.point(lambda value: gain * value))


def _sketch(picture: Image.Image) -> Image.Image:
    """Redraw a picture in graphite on paper: fine and broad lines, and tone in the shadows."""
    grey, unit = ImageOps.autocontrast(picture.convert("L"), cutoff=1), _unit(picture.size)
    drawn = ImageChops.multiply(_lines(grey, unit / 300, 7.0), _lines(grey, unit / 60, 2.4))
    shade = grey.filter(ImageFilter.GaussianBlur(unit / 200)).point(lambda value: 120 + 1.3 * value)
    return ImageOps.colorize(ImageChops.multiply(drawn, shade), (38, 36, 40), (250, 247, 240))


def _watercolour(picture: Image.Image) -> Image.Image:
    """Redraw a picture in washes that pool at their edges, on paper that stays white at the rim."""
    unit = _unit(picture.size)
    small = picture.resize(within(picture.size, 380), Image.Resampling.BOX).filter(ImageFilter.MedianFilter(5))
    washes = small.resize(picture.size, Image.Resampling.BICUBIC)
    for grey, radius, gain in ((washes.convert("L"), unit / 110, 2.2), (picture.convert("L"), unit / 420, 2.0)):
        washes = ImageChops.multiply(washes, _lines(grey, radius, gain).convert("RGB"))
    rim = box_mask(picture.size, (0.04, 0.04, 0.96, 0.96), 0.015)
    return Image.composite(washes, Image.new("RGB", picture.size, (250, 247, 241)), rim)


STYLES = {style.__name__.strip("_"): style for style in (_sketch, _watercolour)}


def key_light(turn: float, lit: RGB, dim: RGB) -> Image.Image:
    """Return light from one side (0..1 around the picture) as 180×180 pixels for `ImageChops.soft_light`."""
    slope = Image.linear_gradient("L").rotate(360 * turn, Image.Resampling.BILINEAR, fillcolor=128)
    return ImageOps.colorize(slope, dim, lit, GREY).crop((38, 38, 218, 218))


def floor() -> Image.Image:
    """Return a studio's light on its wall and shadow on its floor as 96×96 pixels for `ImageChops.soft_light`."""
    layer = Image.new("RGB", (96, 96), (116, 116, 116))
    draw = ImageDraw.Draw(layer)
    draw.ellipse((4, -10, 92, 66), (176, 176, 176))
    draw.rectangle((0, 78, 96, 96), (134, 134, 134))
    draw.ellipse((16, 84, 80, 97), (44, 44, 44))
    return layer.filter(ImageFilter.GaussianBlur(7))


def box_mask(size: Size, box: Box, softness: float) -> Image.Image:
    """Return a mask, white inside a box, its edges soft (a part of the mean side) except along the frame."""
    width, height = within(size, 128)
    pad = round(4 * softness * 128) + 1
    mask = Image.new("L", (width + 2 * pad, height + 2 * pad))
    left, top = (-1 if edge <= 0 else edge for edge in box[:2])
    right, bottom = (2 if edge >= 1 else edge for edge in box[2:])
    edges = (left * width + pad, top * height + pad, right * width + pad, bottom * height + pad)
    ImageDraw.Draw(mask).rectangle(edges, 255)
    soft = mask.filter(ImageFilter.GaussianBlur(softness * 128)).crop((pad, pad, width + pad, height + pad))
    return soft.resize(size, Image.Resampling.BICUBIC)


def middle_mask(picture: Image.Image) -> Image.Image:
    """Return a mask, white where colours differ from those along the upper edges and, if these are lively, inside."""
    small = picture.resize(within(picture.size, 200), Image.Resampling.BOX).convert("YCbCr")
    width, height = small.size
    wide, upper = max(1, width // 14), round(0.56 * height)
    key = Image.new("L", small.size, 255)
    for box in ((0, 0, width, max(1, height // 14)), (0, 0, wide, upper), (width - wide, 0, width, upper)):
        edge = small.crop(box).resize((4, 4), Image.Resampling.BOX).resize(small.size, Image.Resampling.BILINEAR)
        light, blue, red = ImageChops.difference(small, edge).split()
        colour = ImageChops.lighter(blue, red).point(lambda value: 2.6 * value)
        key = ImageChops.darker(key, ImageChops.lighter(light, colour))
    rest = ImageChops.subtract(key, box_mask(small.size, (0.25, 0.2, 0.75, 1), 0.12))
    lively = min(1.0, rest.reduce(small.size).tobytes()[0] / 16)
    key = key.filter(ImageFilter.GaussianBlur(1 + 4 * lively)).point(lambda value: 5 * (value - 20))
    below = box_mask(small.size, (0, 0.6, 1, 1), 0.06)
    near = ImageChops.lighter(below, box_mask(small.size, (0.12, 0.05, 0.88, 1), 0.05))
    oval = ImageOps.invert(Image.radial_gradient("L")).point(lambda value: 3 * lively * (value - 40))
    middle = Image.new("L", small.size)
    middle.paste(oval.resize((round(0.7 * width), round(1.1 * height))), (round(0.15 * width), 0))
    mask = ImageChops.screen(middle, ImageChops.multiply(key, near)).filter(ImageFilter.GaussianBlur(0.6 + 4 * lively))
    return mask.resize(picture.size, Image.Resampling.BICUBIC)


def landscape(size: Size, sky: Sequence[RGB], dice: Random) -> Image.Image:
    """Return a quiet scene for requests without an input: sky, a low light, and ranges of hills."""
    width, height = large = within((2 * size[0], 2 * size[1]), 1448)
    picture = gradient(sky, large)
    horizon = dice.uniform(0.5, 0.62) * height
    x, y, radius = dice.uniform(0.2, 0.8) * width, dice.uniform(0.4, 0.8) * horizon, 0.05 * _unit(large)
    warm = mixed(sky[2], (255, 232, 190), 0.6)
    _glow(picture, (x, y), 15 * radius, mixed(BLACK, warm, 0.5))
    ImageDraw.Draw(picture).ellipse((x - radius, y - radius, x + radius, y + radius), mixed(warm, WHITE, 0.5))
    for depth in (0.0, 0.25, 0.5, 0.75, 1.0):
        base = horizon + (height - horizon) * 0.9 * depth
        noise = Image.frombytes("L", (12, 1), dice.randbytes(12)).resize((200, 1), Image.Resampling.BICUBIC).tobytes()
        hills = [(x / 199 * width, base - level / 3200 * height) for x, level in enumerate(noise)]
        colour = mixed(mixed(sky[2], BLACK, 0.1), mixed(sky[0], BLACK, 0.6), 0.16 + 0.84 * depth)
        ImageDraw.Draw(picture).polygon([(0, height), *hills, (width, height)], colour)
    return picture.resize(size, Image.Resampling.LANCZOS)

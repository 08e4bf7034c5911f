"""
Textures: pictures redrawn by a hand, at a size of about a megapixel and scaled up from there.

A texture takes the picture, the palette and a generator, and gives a picture of the same size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from nbbanana.sandbox.easel.colour import RGB, bytes_of, ramp
from nbbanana.sandbox.easel.weather import noise

__all__ = ["TEXTURES", "Texture"]

Texture = Callable[[Image.Image, Sequence[RGB], Random], Image.Image]


def _unit(picture: Image.Image) -> float:
    return math.sqrt(picture.width * picture.height)


def _stretched(low: int, high: int) -> list[int]:
    """A lookup table that takes `low` to black and `high` to white."""
    return [max(0, min(255, round(255 * (value - low) / (high - low)))) for value in range(256)]


def _lines(picture: Image.Image, radius: float, gain: float) -> Image.Image:
    """Pencil lines, black on white: where a grey picture is darker than its surroundings."""
    around = picture.filter(ImageFilter.GaussianBlur(radius))
    return ImageOps.invert(ImageChops.subtract(around, picture).point([min(255, round(v * gain)) for v in range(256)]))


def sketch(picture: Image.Image, palette: Sequence[RGB], dice: Random) -> Image.Image:
    """Graphite on paper: fine and broad lines, hatching in the shadows."""
    del palette
    unit = _unit(picture)
    grey = ImageOps.autocontrast(picture.convert("L"), cutoff=1)
    fine, broad = _lines(grey, unit / 300, 7.0), _lines(grey, unit / 60, 2.4)
    drawn = ImageChops.multiply(fine, broad)
    shadow = grey.filter(ImageFilter.GaussianBlur(unit / 200)).point(_stretched(-40, 120))
    hatched = ImageChops.lighter(shadow, _hatching(picture.size, dice))
    drawn = ImageChops.multiply(drawn, hatched)
    paper = (
        noise(picture.size, dice)
        .filter(ImageFilter.GaussianBlur(1.0))
        .point([round(226 + v * 0.11) for v in range(256)])
    )
    return ImageOps.colorize(ImageChops.multiply(drawn, paper), (38, 36, 40), (250, 247, 240))


def _hatching(size: tuple[int, int], dice: Random) -> Image.Image:
    """Parallel strokes of uneven strength, slanting."""
    side = math.ceil(math.hypot(*size))
    strokes = noise((1, side // 3), dice).resize((side, side), Image.Resampling.BICUBIC)
    slanted = strokes.rotate(dice.choice((38, 45, 52)), Image.Resampling.BILINEAR)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    return slanted.crop((left, top, left + size[0], top + size[1])).point(
        [round(128 + value * 0.5) for value in range(256)]
    )


def watercolour(picture: Image.Image, palette: Sequence[RGB], dice: Random) -> Image.Image:
    """Washes that pool at their edges, on rough paper that stays white at the rim."""
    del palette
    unit = _unit(picture)
    small = picture.resize(_within(picture.size, 380), Image.Resampling.BOX).filter(ImageFilter.MedianFilter(5))
    washes = small.resize(picture.size, Image.Resampling.BICUBIC)
    grey = washes.convert("L")
    edges = _lines(grey, unit / 110, 2.2)
    pencil = _lines(picture.convert("L"), unit / 420, 2.0)
    tooth = noise(picture.size, dice).filter(ImageFilter.GaussianBlur(unit / 700))
    tooth = ImageOps.autocontrast(tooth).point([round(222 + value * 0.13) for value in range(256)])
    for layer in (edges, pencil, tooth):
        washes = ImageChops.multiply(washes, Image.merge("RGB", (layer, layer, layer)))
    paper = Image.new("RGB", picture.size, (250, 247, 241))
    return Image.composite(washes, paper, _ragged(picture.size, dice))


def _within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(size))
    return max(8, round(size[0] * scale)), max(8, round(size[1] * scale))


def _ragged(size: tuple[int, int], dice: Random) -> Image.Image:
    """White inside, black at the rim, with the edge a loaded brush leaves."""
    small = _within(size, 220)
    mask = Image.new("L", small, 0)
    inset = 0.045 * math.sqrt(small[0] * small[1])
    ImageDraw.Draw(mask).rectangle((inset, inset, small[0] - inset, small[1] - inset), 255)
    soft = mask.filter(ImageFilter.GaussianBlur(inset * 0.8))
    rough = ImageOps.autocontrast(noise((small[0] // 5, small[1] // 5), dice)).resize(small, Image.Resampling.BICUBIC)
    edge = Image.blend(soft, ImageChops.add(soft, rough, 2.0, 0), 0.42)
    return edge.resize(size, Image.Resampling.BICUBIC).point(_stretched(54, 176))


def oil(picture: Image.Image, palette: Sequence[RGB], dice: Random) -> Image.Image:
    """Short flat strokes: the most frequent colour around each point, with the ridges the paint stands in."""
    del palette
    strokes = _dabs(picture.resize(_within(picture.size, 440), Image.Resampling.BOX)).resize(
        picture.size, Image.Resampling.BICUBIC
    )
    bristle = noise((picture.width // 3, picture.height // 12), dice).resize(picture.size, Image.Resampling.BICUBIC)
    bristle = bristle.rotate(dice.choice((-24, 24)), Image.Resampling.BILINEAR, fillcolor=128)
    relief = Image.blend(strokes.convert("L"), bristle, 0.16).filter(ImageFilter.EMBOSS)
    relief = relief.filter(ImageFilter.GaussianBlur(0.8)).point(
        [max(0, min(255, round(128 + (v - 128) * 1.4))) for v in range(256)]
    )
    return ImageChops.soft_light(strokes, Image.merge("RGB", (relief, relief, relief)))


def _dabs(small: Image.Image) -> Image.Image:
    """Each place in the most frequent of 72 paints around it; counted by paint, for bands counted apart tint edges."""
    paints = small.quantize(72, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    chosen = Image.frombytes("L", small.size, paints.tobytes()).filter(ImageFilter.ModeFilter(5))
    paints.frombytes(chosen.tobytes())
    return paints.convert("RGB")


def pop_art(picture: Image.Image, palette: Sequence[RGB], dice: Random) -> Image.Image:
    """Three flat inks, the middle one in dots."""
    grey = ImageOps.autocontrast(picture.convert("L"), cutoff=2)
    grey = grey.filter(ImageFilter.GaussianBlur(_unit(picture) / 420))
    dots = _dots(picture.size, max(5, round(_unit(picture) / 110)), dice)
    levels = Image.blend(grey, dots, 0.3).point([0 if v < 84 else 128 if v < 148 else 255 for v in range(256)])
    dark, middle, light = (bytes_of(ramp(palette[:3], place)) for place in (0.0, 0.5, 1.0))
    return ImageOps.colorize(levels.filter(ImageFilter.GaussianBlur(0.6)), dark, light, mid=middle)


def _dots(size: tuple[int, int], pitch: int, dice: Random) -> Image.Image:
    """A screen of round spots, in rows that run at a slant."""
    spot = ImageOps.invert(Image.radial_gradient("L")).resize((pitch, pitch), Image.Resampling.BOX)
    side = math.ceil(math.hypot(*size)) + pitch
    sheet = Image.new("L", (side, side))
    sheet.paste(spot)
    filled = pitch
    while filled < side:
        sheet.paste(sheet.crop((0, 0, filled, pitch)), (filled, 0))
        filled *= 2
    filled = pitch
    while filled < side:
        sheet.paste(sheet.crop((0, 0, side, filled)), (0, filled))
        filled *= 2
    turned = sheet.rotate(dice.choice((15, 30, 45)), Image.Resampling.BILINEAR)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    return turned.crop((left, top, left + size[0], top + size[1]))


TEXTURES: dict[str, Texture] = {"oil": oil, "pop_art": pop_art, "sketch": sketch, "watercolour": watercolour}
"""Every texture by the name that grades.json calls it."""

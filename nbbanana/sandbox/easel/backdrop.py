"""
Where a change lands: soft masks, and what is painted inside them.

Nothing here knows a subject from its background, and no outline is looked for. The middle of a picture stays near to
the original, more of it where its colours are unlike those along the rim; the rest is painted over, and the one fades
into the other. A region that words name is a soft-edged box.
"""

from __future__ import annotations

import math

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps, ImageStat

from nbbanana.sandbox.easel.colour import gradient
from nbbanana.sandbox.easel.dice import Dice
from nbbanana.sandbox.easel.grades import Look
from nbbanana.sandbox.easel.light import Size, key_light, spread
from nbbanana.sandbox.easel.surface import SURFACES
from nbbanana.sandbox.easel.tone import cube

__all__ = ["Box", "dissolved", "middle_mask", "region_mask", "surroundings"]

Box = tuple[float, float, float, float]
"""Left, top, right and bottom as parts of the frame, 0..1."""

COARSE = 96
"""The longer side of the masks: they hold no detail."""


def _small(size: Size, longest: int) -> Size:
    scale = longest / max(size)
    return max(4, round(size[0] * scale)), max(4, round(size[1] * scale))


def middle_mask(picture: Image.Image) -> Image.Image:
    """White where the picture stays, black where its surroundings are painted: a small L picture."""
    small = picture.resize(_small(picture.size, COARSE), Image.Resampling.BOX)
    unlike = _unlike_the_rim(small)
    middle = _balance(unlike)
    inner = _oval(small.size, (middle, 0.46), 0.23, 0.47)
    presence = _presence(unlike, inner)
    inner = inner.point([round(value * presence) for value in range(256)])
    head = _oval(small.size, (middle, 0.42), 0.47, 0.66)
    foot = _oval(small.size, (middle, 0.98), 0.95, 0.78)
    near = ImageChops.lighter(head, foot)
    lively = ImageChops.multiply(near, unlike.point(_step(0.08, 0.5)))
    joined = ImageChops.screen(inner, lively).filter(ImageFilter.GaussianBlur(COARSE / 26))
    return joined.point(_step(0.14, 0.82))


def _step(low: float, high: float) -> list[int]:
    """A lookup table with a soft step from black at `low` to white at `high`, both 0..1."""
    return [round(255 * _eased(value / 255, low, high)) for value in range(256)]


def _unlike_the_rim(small: Image.Image) -> Image.Image:
    """How far each place is from every colour along the upper edges, blurred until no outline is left."""
    least = Image.new("L", small.size, 255)
    # Hue tells things apart better than brightness does: a face before a pale wall.
    bands = list(range(256)) + 2 * [max(0, min(255, round(128 + 2.6 * (value - 128)))) for value in range(256)]
    seen = small.convert("YCbCr").point(bands)
    for colour in _rim(seen):
        apart = ImageChops.difference(seen, Image.new("YCbCr", small.size, colour))
        light, blue, red = apart.split()
        least = ImageChops.darker(least, ImageChops.lighter(ImageChops.lighter(light, blue), red))
    return ImageOps.autocontrast(least.filter(ImageFilter.GaussianBlur(COARSE / 30)), cutoff=1)


def _presence(unlike: Image.Image, inner: Image.Image) -> float:
    """How much there is in the middle that is not all around as well: 0.25 for an empty sky, 1 for a face."""
    mean = ImageStat.Stat(unlike, inner.point([0] * 128 + [255] * 128)).mean[0]
    return max(0.25, min(1.0, mean / 110))


def _rim(small: Image.Image) -> list[tuple[int, int, int]]:
    """A few colours that stand for the top edge and the upper half of the sides."""
    width, height = small.size
    wide, tall = max(1, width // 14), max(1, height // 14)
    down = round(0.56 * height)
    strip = Image.new(small.mode, (width + 2 * down, max(wide, tall)))
    strip.paste(small.crop((0, 0, width, tall)).resize((width, strip.height)), (0, 0))
    for place, left in ((width, 0), (width + down, width - wide)):
        side = small.crop((left, 0, left + wide, down)).transpose(Image.Transpose.ROTATE_90)
        strip.paste(side.resize((down, strip.height)), (place, 0))
    few = Image.merge("RGB", strip.split()).quantize(8, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    flat = few.getpalette() or []
    return [(flat[at], flat[at + 1], flat[at + 2]) for at in range(0, len(flat) - 2, 3)][:8]


def _balance(weights: Image.Image) -> float:
    """Where across the frame the weights are in balance, 0..1, held near its middle."""
    across = weights.resize((16, 1), Image.Resampling.BOX).tobytes()
    total = sum(across)
    place = sum(value * (column + 0.5) for column, value in enumerate(across)) / (16 * total) if total else 0.5
    return 0.5 + max(-0.14, min(0.14, 1.2 * (place - 0.5)))


def _oval(size: Size, centre: tuple[float, float], across: float, down: float) -> Image.Image:
    """A soft oval, its radii as parts of the frame: full up to about half of them, nothing beyond."""
    layer = Image.new("L", size)
    curve = [round(255 * _eased(1 - value / 255, 0.05, 0.62)) for value in range(256)]
    wide, tall = max(2, round(2 * across * size[0])), max(2, round(2 * down * size[1]))
    spot = Image.radial_gradient("L").point(curve).resize((wide, tall), Image.Resampling.BILINEAR)
    layer.paste(spot, (round(centre[0] * size[0] - wide / 2), round(centre[1] * size[1] - tall / 2)))
    return layer


def _eased(value: float, low: float, high: float) -> float:
    place = max(0.0, min(1.0, (value - low) / (high - low)))
    return place * place * (3 - 2 * place)


def region_mask(size: Size, box: Box, softness: float) -> Image.Image:
    """
    White inside the box, with soft edges except along the frame: a small L picture.

    Args:
        size: of the picture that it is for.
        box: the region.
        softness: of its edges, as a part of the mean side.
    """
    width, height = _small(size, COARSE)
    feather = softness * math.sqrt(width * height)
    padding = round(4 * feather)
    mask = Image.new("L", (width + 2 * padding, height + 2 * padding))
    left, top, right, bottom = box
    edges = (
        padding + left * width - (padding if left <= 0 else 0),
        padding + top * height - (padding if top <= 0 else 0),
        padding + right * width + (padding if right >= 1 else 0),
        padding + bottom * height + (padding if bottom >= 1 else 0),
    )
    ImageDraw.Draw(mask).rounded_rectangle(edges, 2.5 * feather, 255)
    soft = mask.filter(ImageFilter.GaussianBlur(feather))
    return soft.crop((padding, padding, padding + width, padding + height))


def dissolved(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture with what the mask covers melted into the colours along its edge: a small picture, all of it soft."""
    small = picture.resize(mask.size, Image.Resampling.BOX)
    hole = mask.point([0] * 48 + [255] * 208).getbbox()
    if hole is None:
        return small
    left, top, right, bottom = hole
    pixels = small.tobytes()
    rows = (_between(pixels, small.size, hole, (x, y)) for y in range(top, bottom) for x in range(left, right))
    fill = Image.frombytes("RGB", (right - left, bottom - top), b"".join(rows))
    small.paste(fill.filter(ImageFilter.GaussianBlur(COARSE / 34)), (left, top))
    return small


def _between(pixels: bytes, size: Size, hole: tuple[int, int, int, int], at: tuple[int, int]) -> bytes:
    """The colours beside, above and below the hole, each by its nearness; what is beside goes on, as a horizon does."""
    (width, height), (left, top, right, bottom), (x, y) = size, hole, at
    sources = (
        (left > 0, left - 1, y, 2.5 / (x - left + 1)),
        (right < width, right, y, 2.5 / (right - x)),
        (top > 0, x, top - 1, 1 / (y - top + 1)),
        (bottom < height, x, bottom, 1 / (bottom - y)),
    )
    found = [(3 * (row * width + column), weight**1.5) for there, column, row, weight in sources if there]
    total = sum(weight for _, weight in found) or 1.0
    return bytes(round(sum(pixels[start + band] * weight for start, weight in found) / total) for band in range(3))


def surroundings(picture: Image.Image, look: Look, texture: Image.Image | None, dice: Dice) -> Image.Image:
    """
    What stands behind: the picture blurred and graded, the look's colours over it. As large as `picture`.

    Args:
        picture: the input at the size to paint at.
        look: grades, colours and surface.
        texture: the picture redrawn, where the look redraws it; it is not blurred then.
        dice: places the light.
    """
    behind = look.backdrop
    unit = math.sqrt(picture.width * picture.height)
    soft = texture or spread(picture, behind.blur * unit)
    graded = soft.filter(cube(look.far))
    if behind.cover <= 0:
        return graded
    sheet = gradient(behind.colours, picture.size)
    if look.surface:
        sheet = SURFACES[look.surface](sheet, dice.random("surface"))
    side = key_light((64, 64), dice.place, look.palette, 0.6, 0.0)
    sheet = ImageChops.soft_light(sheet, side.resize(picture.size, Image.Resampling.BICUBIC))
    return Image.blend(graded, sheet, behind.cover)

"""The still life: an apple, a bottle with a label and a pear, apart from one another on a table."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from nbbanana.errors import UsageError
from nbbanana.samples.lathe import (
    LAMP,
    STAGE,
    TILT,
    Band,
    Body,
    Colour,
    Spot,
    Stage,
    eased,
    linear,
    lit,
    mixed,
    pixel,
    placed,
    silhouette,
)

__all__ = ["still_life"]

HORIZON = 196.0
"""Where the table ends, in units."""
LARGEST = 2048


def still_life(size: tuple[int, int] = (1024, 768)) -> Image.Image:
    """
    An apple on the left, a blue bottle labelled ALPHA in the middle, a pear on the right.

    Args:
        size: width and height in pixels, each 16 to 2048; other shapes than 4:3 see more of the room.

    Returns:
        An RGB picture, the same at every call.

    Raises:
        UsageError: a size out of those bounds.

    >>> still_life((64, 48)).size
    (64, 48)
    """
    if not all(16 <= side <= LARGEST for side in size):
        raise UsageError(f"size is {size[0]}×{size[1]}.", f"Each side has 16 to {LARGEST} pixels.", "Use (1024, 768).")
    stage = Stage.of(size)
    picture = _room(stage)
    bodies = (_apple(), _bottle(), _pear())
    for body in bodies:
        picture = _shadowed(picture, stage, body)
    for body in bodies:
        _mirrored(picture, stage, body)
    for body in bodies:
        placed(picture, stage, body)
    return picture.resize(size, Image.Resampling.LANCZOS)


def _shadowed(picture: Image.Image, stage: Stage, body: Body) -> Image.Image:
    """The body's shadow on the table: its silhouette laid down to the right, softer the farther it falls."""
    x, y = stage.point(body.at[0], body.at[1] + 0.3 * TILT * body.foot)
    cast = _laid_down(silhouette(stage, body), y)
    near, far = stage.blur(cast, 1.6), stage.blur(cast, 6.0)
    reach = round(70 * stage.scale)
    close = Image.new("L", cast.size, 255)
    close.paste(0, (round(x), 0, stage.width, stage.height))
    close.paste(Image.linear_gradient("L").rotate(-90).resize((reach, stage.height)), (round(x), 0))
    soft = Image.composite(near, far, close).point([round(0.6 * value) for value in range(256)])
    foot = body.foot * stage.scale
    contact = Image.new("L", cast.size)
    ImageDraw.Draw(contact).ellipse((x - 1.02 * foot, y - 0.15 * foot, x + 1.12 * foot, y + 0.26 * foot), 215)
    soft = ImageChops.lighter(soft, stage.blur(contact, 1.5))
    picture = Image.composite(Image.new("RGB", picture.size, "#3d2619"), picture, soft)
    return _glowing(picture, stage, cast, body) if body.glow else picture


def _glowing(picture: Image.Image, stage: Stage, cast: Image.Image, body: Body) -> Image.Image:
    """Light that fell through the body and colours its shadow, where it comes out from behind."""
    beyond = round(stage.point(body.at[0], 0)[0])
    cast.paste(0, (0, 0, beyond, stage.height))
    light = stage.blur(cast, 5.0).point([round(0.42 * value) for value in range(256)])
    return ImageChops.screen(picture, ImageOps.colorize(light, "black", body.glow or "black"))


def _laid_down(mask: Image.Image, ground: float) -> Image.Image:
    """A silhouette as the shadow it throws from the row `ground` backwards and to the right."""
    lean, flat = 0.7, 0.16
    # The transform asks the other way round: which point casts this one of the shadow.
    back = (1, lean / flat, -lean / flat * ground, 0, 1 / flat, ground - ground / flat)
    return mask.transform(mask.size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR)


def _mirrored(picture: Image.Image, stage: Stage, body: Body) -> None:
    """A faint reflection in the polish of the table."""
    ground = round(stage.point(0, body.at[1] + 0.7 * TILT * body.foot)[1])
    depth = min(stage.height - ground, round(26 * stage.scale))
    mask = silhouette(stage, body)
    above = mask.crop((0, ground - depth, stage.width, ground)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    fade = ImageOps.invert(Image.linear_gradient("L")).resize((stage.width, depth))
    layer = Image.new("L", mask.size)
    layer.paste(ImageChops.multiply(above, fade.point([round(0.3 * value) for value in range(256)])), (0, ground))
    tint = pixel(body.bands[-1].colour(Spot(0.6, 0.0, (0.0, 0.0, 1.0))))
    picture.paste((tint[0], tint[1], tint[2]), (0, 0, *picture.size), stage.blur(layer, 1.2))


def _room(stage: Stage) -> Image.Image:
    """Wall and table, with the lamp's pool of light on both."""
    chance = Random(20)  # noqa: S311
    wall = _graded(stage, "#7f9290", "#a9b5ae", 0.0, HORIZON)
    table = _graded(stage, "#b98a5c", "#dcb283", HORIZON, STAGE[1])
    grain = Image.frombytes("L", (6, 220), chance.randbytes(6 * 220)).resize(table.size, Image.Resampling.BICUBIC)
    table = ImageChops.soft_light(
        table, Image.merge("RGB", (grain.point([round(116 + 0.1 * v) for v in range(256)]),) * 3)
    )
    edge = Image.new("L", table.size)
    line = stage.point(0, HORIZON)[1]
    ImageDraw.Draw(edge).rectangle((0, line, stage.width, stage.height), 255)
    picture = Image.composite(table, wall, stage.blur(edge, 0.7))
    return _pooled(picture, stage)


def _graded(stage: Stage, upper: str, lower: str, top: float, bottom: float) -> Image.Image:
    """A vertical gradient between two heights in units."""
    first, last = stage.point(0, top)[1], stage.point(0, bottom)[1]
    column = Image.new("L", (1, stage.height))
    column.putdata([round(255 * max(0.0, min(1.0, (row - first) / (last - first)))) for row in range(stage.height)])
    return ImageOps.colorize(column.resize((stage.width, stage.height)), upper, lower)


def _pooled(picture: Image.Image, stage: Stage) -> Image.Image:
    """Brighter around the middle left, darker towards the right and the corners."""
    pool = Image.new("L", (200, 150), 84)
    spot = Image.radial_gradient("L").point([round(178 - 94 * value / 255) for value in range(256)])
    pool.paste(spot.resize((300, 250)), (-80, -70))
    soft = pool.filter(ImageFilter.GaussianBlur(8)).resize((stage.width, stage.height), Image.Resampling.BICUBIC)
    return ImageChops.soft_light(picture, Image.merge("RGB", (soft, soft, soft)))


def _apple() -> Body:
    """Red, with a yellow flush around the stalk and fine stripes down its sides."""
    red, deep, yellow = linear("#c3202a"), linear("#7e0d1c"), linear("#dc9c38")

    def colour(spot: Spot) -> Colour:
        turn = math.asin(spot.across)
        stripes = 0.5 + 0.28 * math.sin(31 * turn + 1.3) + 0.22 * math.sin(53 * turn + 4 * spot.down)
        flush = eased(0.2 - spot.down + 0.16 * stripes, 0.0, 0.34)
        skin = mixed(mixed(red, deep, 0.3 * stripes * eased(spot.down, 0.1, 0.6)), yellow, 0.8 * flush)
        return lit(skin, spot, gloss=0.42, sharpness=44, soft=0.16)

    profile = ((0, 0.3), (0.02, 0.5), (0.07, 0.7), (0.16, 0.87), (0.28, 0.97), (0.42, 1.0), (0.57, 0.96), (0.72, 0.86))
    foot = ((0.84, 0.74), (0.93, 0.6), (1, 0.44))
    return Body((94, 250), 74, 43, (*profile, *foot), (Band(0, 1, colour),), _stalked)


def _pear() -> Body:
    """Yellow, green towards its neck, with a blush on the far side and specks."""
    yellow, green, blush = linear("#e4b93f"), linear("#9fae3c"), linear("#c96a2c")
    chance = Random(7)  # noqa: S311  specks, not secrets
    specks = {(chance.randrange(2, 118), chance.randrange(4, 76)) for _ in range(150)}

    def colour(spot: Spot) -> Colour:
        turn = math.asin(spot.across)
        ripe = 0.7 * eased(0.6 - spot.down, 0.0, 0.55) + 0.12 * math.sin(5 * turn + 6 * spot.down)
        skin = mixed(yellow, green, max(0.0, ripe))
        skin = mixed(skin, blush, 0.6 * eased(0.8 * math.sin(turn - 0.4) + 0.7 * spot.down, 0.35, 1.1))
        if (int(120 * spot.down), int(40 * spot.across + 40)) in specks:
            skin = mixed(skin, blush, 0.34)
        return lit(skin, spot, gloss=0.3, sharpness=30, soft=0.24)

    profile = (
        (0, 0.12),
        (0.02, 0.22),
        (0.06, 0.31),
        (0.14, 0.38),
        (0.26, 0.46),
        (0.38, 0.6),
        (0.5, 0.79),
        (0.62, 0.94),
    )
    foot = ((0.73, 1.0), (0.83, 0.96), (0.91, 0.83), (0.96, 0.7), (1, 0.52))
    return Body((306, 252), 112, 42, (*profile, *foot), (Band(0, 1, colour),), _stalked)


def _bottle() -> Body:
    """Blue glass with a black label and a stopper; glass shows what is around it, so its reflections are painted."""
    deep, clear, paper, cork = linear("#0c2466"), linear("#3f86ea"), linear("#17181c"), linear("#d2b78e")

    def glass(spot: Spot) -> Colour:
        u = spot.across
        through = math.exp(-(((u - 0.38) / 0.32) ** 2)) * (0.35 + 0.65 * eased(spot.down, 0.15, 1.0))
        body = mixed(mixed(deep, clear, 0.85 * through + 0.06), (0.002, 0.006, 0.03), 0.85 * eased(abs(u), 0.7, 1.0))
        shown = lit(body, spot, gloss=0.0, sharpness=1, soft=0.9)
        window = eased(u, -0.74, -0.66) * eased(-u, 0.42, 0.5) * (0.92 - 0.5 * spot.down)
        strip = 0.3 * eased(u, 0.76, 0.82) * eased(-u, -0.92, -0.86)
        return mixed(shown, LAMP, min(1.0, 0.66 * window + strip))

    def matt(base: Colour, gloss: float) -> Callable[[Spot], Colour]:
        return lambda spot: lit(base, spot, gloss=gloss, sharpness=9, soft=0.3)

    profile = (
        (0, 0.28),
        (0.075, 0.29),
        (0.08, 0.37),
        (0.105, 0.37),
        (0.11, 0.31),
        (0.26, 0.32),
        (0.33, 0.42),
        (0.4, 0.68),
    )
    foot = ((0.46, 0.88), (0.52, 0.98), (0.58, 1.0), (0.96, 1.0), (1, 0.95))
    bands = (
        Band(0, 0.078, matt(cork, 0.05)),
        Band(0.078, 0.61, glass),
        Band(0.61, 0.85, matt(paper, 0.1)),
        Band(0.85, 1, glass),
    )
    return Body((200, 246), 194, 36, (*profile, *foot), bands, _stoppered, ("ALPHA", 0.73), "#2f6fe0")


def _stalked(picture: Image.Image, stage: Stage, body: Body) -> None:
    """The hollow at the top of a fruit, and its stalk."""
    x, y, wide = body.at[0], body.top, body.radii[0]
    hollow = Image.new("L", picture.size)
    ImageDraw.Draw(hollow).ellipse(
        (*stage.point(x - wide, y - 0.26 * wide), *stage.point(x + wide, y + 0.3 * wide)), 255
    )
    across, down = stage.point(x, y + 0.5 * wide + 1)
    skin = picture.getpixel((round(across), round(down)))
    assert isinstance(skin, tuple)
    picture.paste(tuple(round(0.8 * part) for part in skin), (0, 0, *picture.size), hollow)
    deep = ImageChops.multiply(stage.blur(hollow.point([round(0.8 * v) for v in range(256)]), 0.22 * wide), hollow)
    picture.paste("#3a1c10", (0, 0, *picture.size), deep.point([max(0, round(1.9 * (v - 120))) for v in range(256)]))
    curve = [(x + 5.0 * step**1.7, y + 1.0 - 19 * step) for step in (place / 12 for place in range(13))]
    draw = ImageDraw.Draw(picture)
    for shift, width, colour in ((0.5, 2.9, "#3a2416"), (-0.2, 1.9, "#6b4529"), (-0.6, 0.7, "#a9794c")):
        points = [stage.point(px + shift, py) for px, py in curve]
        draw.line(points, colour, max(1, round(width * stage.scale)), "curve")


def _stoppered(picture: Image.Image, stage: Stage, body: Body) -> None:
    """The top of the stopper, seen from a little above."""
    x, y, wide = body.at[0], body.top, body.radii[0]
    ImageDraw.Draw(picture).ellipse(
        (*stage.point(x - wide, y - 0.2 * wide), *stage.point(x + wide, y + 0.24 * wide)), "#e6d3b0"
    )

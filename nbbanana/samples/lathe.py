"""
Solids of revolution, as a potter's wheel makes them: a profile, what it is made of, and light from the upper left.

Every point is lit by its normal, as in any textbook on rendering (Lambert's law for the body, Blinn's for the
highlight), in linear light. Lengths are in a stage of 400 × 300 units, y down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFilter, ImageFont

__all__ = [
    "LAMP",
    "STAGE",
    "TILT",
    "Band",
    "Body",
    "Colour",
    "Spot",
    "Stage",
    "eased",
    "linear",
    "lit",
    "mixed",
    "pixel",
    "placed",
    "silhouette",
]

STAGE = (400.0, 300.0)
LIGHT = (-0.52, -0.62, 0.59)
"""Towards the lamp: left, up and in front; length 1."""
SUPERSAMPLING = 2
"""Pixels are drawn this many times as fine as they come out."""
TILT = 0.2
"""How far the eye looks down on things: the sine of the angle."""
SKIN = 480
"""Pixels across the unrolled surface of a body, which is twice as high."""
COARSE = 8
"""Light is worked out at every so many of them: it changes slowly."""

Colour = tuple[float, float, float]
"""Red, green, blue in linear light, 0..1."""


class Spot(NamedTuple):
    """A point of a surface: where it is, 0..1 down the body and -1..1 across, and its normal."""

    down: float
    across: float
    normal: tuple[float, float, float]


class Stage(NamedTuple):
    """From units to pixels of the larger picture that is drawn and then scaled down."""

    width: int
    height: int
    scale: float
    left: float
    top: float

    @classmethod
    def of(cls, size: tuple[int, int]) -> Stage:
        """The stage for a picture of `size` pixels, as large as fits."""
        width, height = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
        scale = min(width / STAGE[0], height / STAGE[1])
        # Where the frame is taller than the stage, most of what is more is wall.
        return cls(width, height, scale, (width - scale * STAGE[0]) / 2, (height - scale * STAGE[1]) * 0.62)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Where a point in units lies, in pixels."""
        return self.left + x * self.scale, self.top + y * self.scale

    def blur(self, picture: Image.Image, radius: float) -> Image.Image:
        """Blurred by a radius in units; a wide blur is made at a smaller size, where it costs little."""
        step = max(1, min(8, int(radius * self.scale / 3)))
        soft = picture.reduce(step).filter(ImageFilter.GaussianBlur(radius * self.scale / step))
        return soft.resize(picture.size, Image.Resampling.BICUBIC)


@dataclass(frozen=True)
class Band:
    """One material of a body, from a height to another (0..1), and what colour it is at a spot, lit."""

    top: float
    bottom: float
    colour: Callable[[Spot], Colour]


@dataclass(frozen=True)
class Body:
    """
    A solid of revolution.

    Args:
        at: its axis and the ground it stands on, in units.
        height, radius: in units.
        profile: pairs of 0..1 from top to bottom and 0..1 of the radius, joined by a smooth curve.
        bands: its materials.
        finish: draws what is not round: a stalk, a stopper's top.
        word: what is written around it, and at what height, 0..1.
        glow: the colour of the light that falls through it onto the table.
    """

    at: tuple[float, float]
    height: float
    radius: float
    profile: Sequence[tuple[float, float]]
    bands: Sequence[Band]
    finish: Callable[[Image.Image, Stage, Body], None]
    word: tuple[str, float] | None = None
    glow: str | None = None

    ROWS = 240

    @cached_property
    def radii(self) -> list[float]:
        """The radius in units at each of `ROWS` + 1 heights."""
        return [self.radius * _curve(self.profile, row / self.ROWS) for row in range(self.ROWS + 1)]

    def row(self, down: float) -> tuple[float, float]:
        """Radius and slope (units across for each unit down) at 0..1 of the height."""
        place = max(0.0, min(1.0, down)) * self.ROWS
        index = min(int(place), self.ROWS - 1)
        before, after = self.radii[max(0, index - 2)], self.radii[min(self.ROWS, index + 3)]
        radius = self.radii[index] + (self.radii[index + 1] - self.radii[index]) * (place - index)
        return radius, (after - before) * self.ROWS / (5 * self.height)

    @property
    def top(self) -> float:
        """Where it ends above, in units."""
        return self.at[1] - self.height

    @property
    def foot(self) -> float:
        """The radius that it stands on, in units."""
        return self.radii[-1]

    def outline(self) -> list[tuple[float, float]]:
        """The silhouette in units, its foot rounded as a circle seen from above is."""
        rows = [(self.top + self.height * row / self.ROWS, self.radii[row]) for row in range(self.ROWS + 1)]
        arc = [math.pi * step / 32 for step in range(33)]
        return [
            *((self.at[0] - radius, y) for y, radius in rows),
            *(
                (self.at[0] - self.foot * math.cos(turn), self.at[1] + TILT * self.foot * math.sin(turn))
                for turn in arc
            ),
            *((self.at[0] + radius, y) for y, radius in reversed(rows)),
        ]

    def seen(self, x: float, y: float) -> tuple[float, float]:
        """How far down (0..1) and across (-1..1) the point lies that is seen at `x`, `y` in units."""
        beside, below = x - self.at[0], y - self.top
        down = below / self.height
        for _ in range(3):
            # The near side of a ring lies lower in the picture than its ends.
            radius, _slope = self.row(down)
            drop = TILT * math.sqrt(max(0.0, radius * radius - beside * beside))
            down = (below - drop * eased(down, 0.0, 0.25)) / self.height
        radius, _slope = self.row(down)
        return max(0.0, min(1.0, down)), max(-1.0, min(1.0, beside / max(radius, 0.01)))


def _curve(points: Sequence[tuple[float, float]], place: float) -> float:
    """A smooth curve through points (Catmull-Rom's tangents, flat where the points turn)."""
    index = max(1, next((at for at, (x, _) in enumerate(points) if x >= place), len(points) - 1))
    (left, low), (right, high) = points[index - 1], points[index]
    span = right - left
    start, end = _tangent(points, index - 1) * span, _tangent(points, index) * span
    t = (place - left) / span
    return (
        low * (1 + 2 * t) * (1 - t) ** 2 + start * t * (1 - t) ** 2 + high * t * t * (3 - 2 * t) + end * t * t * (t - 1)
    )


def _tangent(points: Sequence[tuple[float, float]], index: int) -> float:
    """The slope at a point, never so steep that the curve swings beyond its neighbours (Fritsch and Carlson, 1980)."""
    slopes = [
        (points[at + 1][1] - points[at][1]) / (points[at + 1][0] - points[at][0])
        for at in (index - 1, index)
        if 0 <= at < len(points) - 1
    ]
    if len(slopes) == 1:
        return slopes[0]
    before, after = slopes
    return 0.0 if before * after <= 0 else 2 * before * after / (before + after)


def eased(value: float, low: float, high: float) -> float:
    """0 below `low`, 1 above `high`, smooth between."""
    place = max(0.0, min(1.0, (value - low) / (high - low)))
    return place * place * (3 - 2 * place)


def mixed(one: Colour, other: Colour, amount: float) -> Colour:
    """From `one` (0) to `other` (1)."""
    return (
        one[0] + (other[0] - one[0]) * amount,
        one[1] + (other[1] - one[1]) * amount,
        one[2] + (other[2] - one[2]) * amount,
    )


def linear(text: str) -> Colour:
    """A hex colour in linear light; 2.2 stands for the sRGB curve."""
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red**2.2, green**2.2, blue**2.2


SKY, BOUNCE, LAMP = linear("#b9c6d4"), linear("#c99a66"), linear("#fff0d8")


def _half() -> tuple[float, float, float]:
    """Half way between the lamp and the eye: where a mirror would have to point."""
    length = math.sqrt(LIGHT[0] ** 2 + LIGHT[1] ** 2 + (LIGHT[2] + 1) ** 2)
    return LIGHT[0] / length, LIGHT[1] / length, (LIGHT[2] + 1) / length


HALF = _half()


def lit(base: Colour, spot: Spot, *, gloss: float, sharpness: float, soft: float) -> Colour:
    """A base colour under the lamp, the sky above and the table below; `soft` lets light creep round the edge."""
    x, y, z = spot.normal
    body = 1.25 * max(0.0, (x * LIGHT[0] + y * LIGHT[1] + z * LIGHT[2] + soft) / (1 + soft)) ** 1.2
    above, below = 0.34 * (0.5 - 0.5 * y), 0.3 * max(0.0, y) * (1 - 0.4 * x)
    shaded = 0.45 + 0.55 * eased(1 - spot.down, 0.0, 0.22)
    shine = gloss * max(0.0, x * HALF[0] + y * HALF[1] + z * HALF[2]) ** sharpness
    edge = 0.1 * gloss * (1 - z) ** 3
    red, green, blue = (
        part * (body * lamp + above * sky + below * bounce) * shaded + (shine + edge * sky) * lamp
        for part, lamp, sky, bounce in zip(base, LAMP, SKY, BOUNCE, strict=True)
    )
    return red, green, blue


def pixel(colour: Colour) -> bytes:
    """The three bytes of a colour in a picture."""
    return bytes(round(255 * max(0.0, min(1.0, part)) ** (1 / 2.2)) for part in colour)


def _skin(body: Body) -> Image.Image:
    """The lit surface unrolled: -1..1 across from left to right, 0..1 down."""
    skin = Image.new("RGB", (SKIN, SKIN * 2))
    for band in body.bands:
        top, bottom = round(band.top * skin.height), round(band.bottom * skin.height)
        rows = max(2, round((bottom - top) / COARSE))
        colours = bytearray()
        for row in range(rows):
            down = band.top + (band.bottom - band.top) * (row + 0.5) / rows
            colours += b"".join(pixel(band.colour(spot)) for spot in _ring(body, down, SKIN // COARSE))
        small = Image.frombytes("RGB", (SKIN // COARSE, rows), bytes(colours))
        skin.paste(small.resize((SKIN, bottom - top), Image.Resampling.BICUBIC), (0, top))
    if body.word:
        _written(skin, body, *body.word)
    return skin


def _ring(body: Body, down: float, count: int) -> Iterator[Spot]:
    """The spots around the near half of a ring."""
    _, slope = body.row(down)
    length = math.sqrt(1 + slope * slope)
    for column in range(count):
        across = (2 * column + 1) / count - 1
        yield Spot(down, across, (across / length, -slope / length, math.sqrt(1 - across * across) / length))


def _written(skin: Image.Image, body: Body, word: str, down: float) -> None:
    """White letters around the body, drawn flat and then gathered towards the edges."""
    stretch = skin.height / body.height
    flat = Image.new("L", (round(math.pi * body.radius * stretch), round(20 * stretch)))
    face = ImageFont.load_default(size=round(16 * stretch))
    middle = (flat.width / 2, flat.height / 2)
    ImageDraw.Draw(flat).text(middle, word, 240, face, anchor="mm", stroke_width=round(0.3 * stretch))
    bounds = [flat.width * (0.5 + math.asin(2 * column / 48 - 1) / math.pi) for column in range(49)]
    strips = [
        (
            (column * SKIN // 48, 0, (column + 1) * SKIN // 48, flat.height),
            (left, 0, left, flat.height, right, flat.height, right, 0),
        )
        for column, (left, right) in enumerate(pairwise(bounds))
    ]
    around = flat.transform((SKIN, flat.height), Image.Transform.MESH, strips, Image.Resampling.BILINEAR)
    top = round(down * skin.height - flat.height / 2)
    skin.paste((240, 239, 234), (0, top, SKIN, top + flat.height), around)


def silhouette(stage: Stage, body: Body) -> Image.Image:
    """The body's outline, white on black, as large as the stage."""
    # Drawn at twice the size again: an outline shows its steps before anything else does.
    mask = Image.new("L", (stage.width * 2, stage.height * 2))
    points = (stage.point(x, y) for x, y in body.outline())
    ImageDraw.Draw(mask).polygon([(2 * x, 2 * y) for x, y in points], 255)
    return mask.reduce(2)


def placed(picture: Image.Image, stage: Stage, body: Body) -> None:
    """The body in the picture: its skin drawn over a net of small squares, within its outline."""
    left, top = (math.floor(part) for part in stage.point(body.at[0] - body.radius, body.top))
    right, bottom = (math.ceil(part) for part in stage.point(body.at[0] + body.radius, body.at[1] + TILT * body.radius))
    skin = _skin(body)
    step = max(2, round(2.5 * stage.scale))

    def source(x: int, y: int) -> tuple[float, float]:
        down, across = body.seen((left + x - stage.left) / stage.scale, (top + y - stage.top) / stage.scale)
        # A little inside: beyond its rim the skin is black.
        return 2 + (across + 1) / 2 * (skin.width - 4), 2 + down * (skin.height - 4)

    net = {
        (x, y): source(x, y) for x in range(0, right - left + step, step) for y in range(0, bottom - top + step, step)
    }
    squares = [
        ((x, y, x + step, y + step), (*corner, *net[x, y + step], *net[x + step, y + step], *net[x + step, y]))
        for (x, y), corner in net.items()
        if (x + step, y + step) in net
    ]
    drawn = skin.transform((right - left, bottom - top), Image.Transform.MESH, squares, Image.Resampling.BICUBIC)
    box = (left, top, right, bottom)
    picture.paste(drawn, box, silhouette(stage, body).crop(box))
    body.finish(picture, stage, body)

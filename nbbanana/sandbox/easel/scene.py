"""
Scenes: what is painted where no picture was sent, a quiet landscape that follows from the words.

Sky, a light, and a few ranges one behind the other; or a skyline, or the sea, where the words name one. It stands in
for a picture that a model would have made and does not try to depict what the words describe.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw, ImageFilter

from nbbanana.sandbox.easel.colour import RGB, bytes_of, gradient, mix, ramp, shade, turned
from nbbanana.sandbox.easel.dice import Dice
from nbbanana.sandbox.easel.grades import Grade, table
from nbbanana.sandbox.easel.light import Size, glow
from nbbanana.sandbox.easel.wish import Wish

__all__ = ["scene"]

Ground = Callable[[Image.Image, float, tuple[RGB, ...], Random], None]

RANGES = 5
"""Ranges from the horizon to the eye."""
LONGEST = 1536
"""Pixels that a scene is painted at; larger frames are scaled up, it has no fine detail."""


def scene(size: Size, wish: Wish, dice: Dice) -> Image.Image:
    """The scene for a wish, RGB, as large as `size`."""
    scale = min(1.0, LONGEST / max(size))
    small = (max(8, round(size[0] * scale)), max(8, round(size[1] * scale)))
    sky = _sky(wish, dice)
    chance = dice.random("scene")
    picture = gradient(sky, small)
    horizon = chance.uniform(0.46, 0.62) * small[1]
    light = (chance.uniform(0.2, 0.8) * small[0], horizon * chance.uniform(0.4, 0.85))
    _lit(picture, light, sky)
    _ground(wish, dice)(picture, horizon, sky, chance)
    return picture.resize(size, Image.Resampling.BICUBIC)


def _ground(wish: Wish, dice: Dice) -> Ground:
    """What stands before the sky: what a grade asks for, or what the words come to."""
    named = (ground for name, ground in GROUNDS.items() if table()[name] in wish.grades)
    return next(named, _sea if dice.hue < 0.3 else _hills)


def _sky(wish: Wish, dice: Dice) -> tuple[RGB, ...]:
    """Three colours from the zenith to the horizon: the grade's, the named colour's, or the words' own."""
    behind = next((grade.backdrop for grade in wish.grades if _is_sky(grade)), None)
    drift = 0.07 * (dice.place - 0.5)
    if behind:
        return tuple(turned(colour, drift) for colour in behind.colours[:3])
    base = wish.colours[0] if wish.colours else turned((0.42, 0.52, 0.72), dice.hue)
    base = turned(base, drift)
    return shade(base, -0.25), shade(turned(base, 0.05), 0.32), shade(turned(base, 0.13, 0.9), 0.66)


def _is_sky(grade: Grade) -> bool:
    return grade.backdrop is not None and len(grade.backdrop.colours) >= 3 and not grade.plain


def _lit(picture: Image.Image, at: tuple[float, float], sky: tuple[RGB, ...]) -> None:
    unit = math.sqrt(picture.width * picture.height)
    warm = mix(sky[-1], (1.0, 0.9, 0.72), 0.6)
    glow(picture, at, 0.75 * unit, mix((0.0, 0.0, 0.0), warm, 0.5), power=2.0)
    disc = Image.new("L", (4 * round(0.055 * unit),) * 2)
    ImageDraw.Draw(disc).ellipse((0, 0, disc.width - 1, disc.height - 1), 235)
    disc = disc.resize((disc.width // 2, disc.height // 2), Image.Resampling.BOX)
    picture.paste(bytes_of(shade(warm, 0.5)), (round(at[0] - disc.width / 2), round(at[1] - disc.height / 2)), disc)


def _ridge(chance: Random, rough: float) -> list[float]:
    """A line of hills, about -1..1 at each of 160 places: slow waves and quicker, smaller ones."""
    waves = [
        (chance.uniform(0.6, 1.6) * 2**octave, chance.uniform(0, math.tau), 0.5 ** (octave * rough))
        for octave in range(5)
    ]
    total = sum(height for _, _, height in waves)
    places = [place / 160 for place in range(161)]
    return [sum(h * math.sin(math.tau * f * place + p) for f, p, h in waves) / total for place in places]


def _hills(picture: Image.Image, horizon: float, sky: tuple[RGB, ...], chance: Random) -> None:
    """Ranges that grow darker and nearer."""
    width, height = picture.size
    near = shade(turned(sky[0], 0.04, 1.6), -0.6)
    for number in range(RANGES):
        depth = number / (RANGES - 1)
        base = horizon + (height - horizon) * 0.92 * depth**1.25
        swing = (0.05 + 0.05 * depth) * height
        ridge = _ridge(chance, 1.25 - 0.35 * depth)
        line = [(place / 160 * width, base - swing * (0.6 + level)) for place, level in enumerate(ridge)]
        _filled(picture, [(0, height), *line, (width, height)], mix(shade(sky[-1], -0.12), near, 0.16 + 0.84 * depth))


def _filled(picture: Image.Image, outline: list[tuple[float, float]], colour: RGB) -> None:
    """A polygon with smooth edges that gathers a little mist at its foot."""
    mask = Image.new("L", (picture.width * 2, picture.height * 2))
    ImageDraw.Draw(mask).polygon([(2 * x, 2 * y) for x, y in outline], 255)
    mask = mask.resize(picture.size, Image.Resampling.BOX)
    top = max(0.0, min(y for _, y in outline)) / picture.height
    stops = [
        colour if place / 12 <= top else mix(colour, shade(colour, 0.34), min(1.0, (place / 12 - top) * 2.6))
        for place in range(13)
    ]
    picture.paste(gradient(stops, picture.size), (0, 0), mask)


def _city(picture: Image.Image, horizon: float, sky: tuple[RGB, ...], chance: Random) -> None:
    """Rows of plain towers, the nearer ones darker, a few windows lit."""
    width, height = picture.size
    far, near = shade(sky[1], 0.16), shade(sky[0], -0.35)
    for row in range(3):
        depth = row / 2
        colour = mix(far, near, depth)
        left, layer = -0.05 * width, ImageDraw.Draw(picture)
        while left < width:
            wide = chance.uniform(0.05, 0.1) * width * (0.8 + 0.9 * depth)
            top = horizon + 0.24 * depth * height - chance.uniform(0.05, 0.36) * height
            layer.rectangle((left, top, left + wide, height), bytes_of(colour))
            _windows(layer, (left, top, left + wide, height), colour, chance)
            left += wide * chance.uniform(0.85, 1.25)


def _windows(draw: ImageDraw.ImageDraw, tower: tuple[float, float, float, float], wall: RGB, chance: Random) -> None:
    left, top, right, bottom = tower
    step = (right - left) / 5
    y = top + step
    while y < bottom - step:
        for column in range(1, 4):
            if chance.random() < 0.13:
                x = left + (column + 0.2) * step
                lit = mix(wall, (1.0, 0.84, 0.55), chance.uniform(0.25, 0.85))
                draw.rectangle((x, y, x + 0.55 * step, y + 0.6 * step), bytes_of(lit))
        y += 1.5 * step


def _sea(picture: Image.Image, horizon: float, sky: tuple[RGB, ...], chance: Random) -> None:
    """Water that gives the sky back upside down, broken by ripples."""
    width, height = picture.size
    top = round(horizon)
    deep = shade(sky[0], -0.35)
    below = picture.crop((0, max(0, 2 * top - height), width, top)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    water = Image.blend(
        below.resize((width, height - top)), Image.new("RGB", (width, height - top), bytes_of(deep)), 0.38
    )
    water = water.filter(ImageFilter.BoxBlur((width / 50, 1)))
    draw = ImageDraw.Draw(water, "RGBA")
    for _ in range(240):
        depth = chance.random() ** 0.6
        reach = (0.01 + 0.07 * depth) * width
        x, y = chance.uniform(-0.05, 1.0) * width, depth * (height - top)
        tint = bytes_of(ramp(sky, chance.random()))
        draw.line((x, y, x + reach, y), (*tint, round(30 + 60 * chance.random())), max(1, round(2.5 * depth)))
    picture.paste(water, (0, top))


GROUNDS: dict[str, Ground] = {
    **dict.fromkeys(("neon", "street", "interior"), _city),
    **dict.fromkeys(("sea", "underwater"), _sea),
    **dict.fromkeys(("mountain", "forest", "desert", "autumn", "spring"), _hills),
}
"""The ground that a grade asks for, by its name in grades.json."""

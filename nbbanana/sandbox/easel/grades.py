"""
Grades: the looks the painter knows, as grades.json holds them, and how the named ones become one look.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from nbbanana.sandbox.easel.colour import RGB, luma, mix, parse, shade, turned
from nbbanana.sandbox.easel.dice import Dice
from nbbanana.sandbox.easel.tone import Tone

__all__ = ["Backdrop", "Grade", "Look", "look_of", "table", "wash"]

STRENGTHS = (1.0, 0.6, 0.4)
"""How much each further tone counts: three at full strength would leave little of the picture."""
DAYLIGHT: tuple[tuple[RGB, ...], ...] = (((1.0, 0.86, 0.66), (0.66, 0.78, 1.0)),)
"""The palette of a look that has none: warm from one side, cool from the other."""


PLAIN = Tone()
"""The tone that leaves every colour as it is."""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """
    What stands behind.

    Args:
        colours: from top to bottom.
        cover: how much of the blurred picture they hide, 0..1.
        blur: the radius of that blur over the picture's shorter side.
    """

    colours: tuple[RGB, ...]
    cover: float
    blur: float


@dataclass(frozen=True, slots=True)
class Grade:
    """
    One look: its words, its tone, its lights.

    Args:
        words: what names it, in lower case.
        tone: what it does to colour.
        near: how much of the tone the middle of the picture takes when only the backdrop is meant, 0..1.
        backdrop: what it puts behind, if anything.
        surface: the grain of that backdrop, a name in `surface.SURFACES`.
        plain: the backdrop takes the colour that is named with it.
        lights, weather: names in `light.LIGHTS` and `weather.WEATHER`, painted in this order.
        palettes: the colours of its lights, in several versions.
        texture: a name in `texture.TEXTURES`.
        vignette, grain: darker corners and film grain, 0..1.
    """

    words: tuple[str, ...] = ()
    tone: Tone = PLAIN
    near: float = 0.3
    backdrop: Backdrop | None = None
    surface: str | None = None
    plain: bool = False
    lights: tuple[str, ...] = ()
    weather: tuple[str, ...] = ()
    palettes: tuple[tuple[RGB, ...], ...] = ()
    texture: str | None = None
    vignette: float = 0.0
    grain: float = 0.0

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Grade:
        """A grade as grades.json writes it."""
        values = dict(data)
        values["tone"] = Tone.read(values.get("tone", {}))
        if "backdrop" in values:
            behind = values["backdrop"]
            values["backdrop"] = Backdrop(_colours(behind["colours"]), behind["cover"], behind["blur"])
        values["palettes"] = tuple(_colours(palette) for palette in values.get("palettes", ()))
        for name in ("words", "lights", "weather"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Look:
    """What the named grades come to: the tones of the whole and of the middle, and everything painted over them."""

    far: tuple[Tone, ...]
    near: tuple[Tone, ...]
    backdrop: Backdrop
    surface: str | None
    lights: tuple[str, ...]
    weather: tuple[str, ...]
    palette: tuple[RGB, ...]
    texture: str | None
    vignette: float
    grain: float


def _colours(values: Iterable[str]) -> tuple[RGB, ...]:
    return tuple(parse(value) for value in values)


@cache
def table() -> dict[str, Grade]:
    """The grades of grades.json by name, the most telling first."""
    text = resources.files(__package__).joinpath("grades.json").read_text(encoding="utf-8")
    return {name: Grade.read(data) for name, data in json.loads(text).items() if not name.startswith("$")}


def wash(colour: RGB) -> Grade:
    """The grade that a colour's name stands for: a duotone in it, and a plain backdrop of it."""
    light = luma(colour)
    lift = 0.35 * (light - 0.45)
    tone = Tone(
        exposure=lift * 1.6,
        stops=(mix(shade(colour, -0.86), (0.0, 0.0, 0.0), 0.2), colour, shade(colour, 0.82)),
        amount=0.62,
    )
    behind = (shade(colour, -0.22), shade(colour, 0.1), shade(colour, -0.1))
    return Grade(tone=tone, backdrop=Backdrop(behind, 0.86, 0.045), plain=True)


def look_of(grades: Sequence[Grade], colours: Sequence[RGB], cues: Sequence[RGB], dice: Dice) -> Look:
    """
    The one look of several grades and colours.

    Args:
        grades: those that were named, the most telling first.
        colours: those that were named.
        cues: colours of the reference images, which tint the lights.
        dice: decides hue and palette.
    """
    takes_colour = any(grade.plain or grade.lights for grade in grades)
    washes = [] if takes_colour else [wash(colour) for colour in colours[:1]]
    chosen = [*grades, *washes] or [_calm(dice)]
    tilt = 0.07 * (dice.place - 0.5)
    strong = list(zip(chosen, STRENGTHS, strict=False))
    drift = _drift(cues, dice)
    return Look(
        far=(*(grade.tone.scaled(strength).tilted(tilt) for grade, strength in strong), drift),
        near=(*(grade.tone.scaled(strength * grade.near).tilted(tilt) for grade, strength in strong), drift),
        backdrop=_backdrop(chosen, colours, dice),
        surface=next((grade.surface for grade in chosen if grade.surface), None),
        lights=tuple(dict.fromkeys(name for grade in chosen for name in grade.lights)),
        weather=tuple(dict.fromkeys(name for grade in chosen for name in grade.weather)),
        palette=_palette(chosen, colours, cues, dice),
        texture=next((grade.texture for grade in chosen if grade.texture), None),
        vignette=max(grade.vignette for grade in chosen),
        grain=max(grade.grain for grade in chosen),
    )


def _drift(cues: Sequence[RGB], dice: Dice) -> Tone:
    """A last small move, so that no two outputs are developed quite alike, with a breath of the reference images."""
    breath = (cues[0], 0.3) if cues else None
    return Tone(exposure=0.34 * (dice.mood - 0.5), warmth=0.26 * math.sin(math.tau * dice.place), highlights=breath)


def _calm(dice: Dice) -> Grade:
    """What words that name no look give: a quiet split of two hues, which follow from the words."""
    base = _base(dice)
    other = turned(base, 0.46)
    tone = Tone(contrast=0.06, shadows=(shade(base, -0.35), 0.35), highlights=(shade(other, 0.3), 0.3))
    return Grade(tone=tone, backdrop=Backdrop(_behind(base), 0.55, 0.04), vignette=0.18)


def _base(dice: Dice) -> RGB:
    return turned((0.62, 0.42, 0.36), dice.hue + 0.12 * (dice.place - 0.5))


def _behind(base: RGB) -> tuple[RGB, ...]:
    return shade(base, -0.3), shade(turned(base, 0.06, 0.6), 0.28), shade(base, -0.45)


def _backdrop(chosen: Sequence[Grade], colours: Sequence[RGB], dice: Dice) -> Backdrop:
    """The first that is there, slightly turned in hue; a plain one in the colour that is named with it."""
    first = next((grade for grade in chosen if grade.backdrop), None)
    if first is None or first.backdrop is None:
        # A texture redraws what is there; anything else is only blurred and tinted.
        cover = 0.0 if any(grade.texture for grade in chosen) else 0.2
        return Backdrop(_behind(_base(dice)), cover, 0.04)
    if first.plain and colours:
        colour = shade(colours[0], 0.2 * (dice.place - 0.5))
        return replace(first.backdrop, colours=(shade(colour, -0.3), shade(colour, 0.22), shade(colour, -0.02)))
    hue = 0.05 * (dice.place - 0.5)
    return replace(first.backdrop, colours=tuple(turned(colour, hue) for colour in first.backdrop.colours))


def _palette(chosen: Sequence[Grade], colours: Sequence[RGB], cues: Sequence[RGB], dice: Dice) -> tuple[RGB, ...]:
    """The colours of the lights: named ones first, then the look's own, then what the reference images lend."""
    versions = next((grade.palettes for grade in chosen if grade.palettes), DAYLIGHT)
    own = dice.version(versions)
    named = tuple(shade(colour, 0.15) for colour in colours)
    if len(versions) == 1:
        own = tuple(turned(colour, 0.1 * (dice.place - 0.5)) for colour in own)
    return (*named, *named, *own, *cues)

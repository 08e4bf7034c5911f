"""
Tones: what a grade does to colour, as one lookup cube, so that any number of moves costs one pass over the pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from PIL import ImageFilter

from nbbanana.sandbox.easel.colour import RGB, luma, mix, parse, ramp, turned

__all__ = ["Tint", "Tone", "cube"]

NODES = 10
"""Nodes along each side of the cube; the curves are smooth, so that straight lines between them do."""

Tint = tuple[RGB, float]
"""A colour and how much of it, 0..1."""


@dataclass(frozen=True, slots=True)
class Tone:
    """
    Moves on one colour, applied in this order.

    Args:
        exposure: stops, by a curve that keeps black and white where they are.
        contrast: -1 (flat) to 1 (hard), around the middle.
        warmth: -1 (blue) to 1 (orange).
        saturation: 0 is grey, 1 leaves it.
        stops: colours that shadows to highlights are mapped to.
        amount: how much of that map, 0..1.
        shadows, highlights: a tint for the dark and the bright half, lightness kept.
        fade: how far black is lifted, 0..1.
    """

    exposure: float = 0.0
    contrast: float = 0.0
    warmth: float = 0.0
    saturation: float = 1.0
    stops: tuple[RGB, ...] = ()
    amount: float = 0.0
    shadows: Tint | None = None
    highlights: Tint | None = None
    fade: float = 0.0

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Tone:
        """A tone as grades.json writes it: colours in hex, the stops under `map`."""
        values = dict(data)
        values["stops"] = tuple(parse(colour) for colour in values.pop("map", ()))
        for name in ("shadows", "highlights"):
            if name in values:
                colour, amount = values[name]
                values[name] = (parse(colour), amount)
        return cls(**values)

    def scaled(self, amount: float) -> Tone:
        """The same tone at `amount` of its strength (0 leaves every colour as it is)."""
        return Tone(
            exposure=self.exposure * amount,
            contrast=self.contrast * amount,
            warmth=self.warmth * amount,
            saturation=1 + (self.saturation - 1) * amount,
            stops=self.stops,
            amount=self.amount * amount,
            shadows=self.shadows and (self.shadows[0], self.shadows[1] * amount),
            highlights=self.highlights and (self.highlights[0], self.highlights[1] * amount),
            fade=self.fade * amount,
        )

    def tilted(self, hue: float) -> Tone:
        """The same tone with its tints turned by `hue` of the colour wheel."""
        shadows = self.shadows and (turned(self.shadows[0], hue), self.shadows[1])
        highlights = self.highlights and (turned(self.highlights[0], hue), self.highlights[1])
        return replace(self, shadows=shadows, highlights=highlights)

    def __call__(self, colour: RGB) -> RGB:
        """The colour after all moves; called for each node of a cube, so written out: generators cost more here."""
        red, green, blue = self._exposed(colour)
        light = max(0.0, min(1.0, 0.299 * red + 0.587 * green + 0.114 * blue))
        depth = self.saturation
        red, green, blue = (
            light + (red - light) * depth,
            light + (green - light) * depth,
            light + (blue - light) * depth,
        )
        if self.stops:
            red, green, blue = mix((red, green, blue), ramp(self.stops, light), self.amount)
        if self.shadows:
            red, green, blue = _tinted(red, green, blue, self.shadows, (1 - light) ** 1.5)
        if self.highlights:
            red, green, blue = _tinted(red, green, blue, self.highlights, light**1.5)
        fade, rest = self.fade, 1 - self.fade
        return (
            fade + rest * min(1.0, max(0.0, red)),
            fade + rest * min(1.0, max(0.0, green)),
            fade + rest * min(1.0, max(0.0, blue)),
        )

    def _exposed(self, colour: RGB) -> RGB:
        power = 2.0**-self.exposure
        # A darker scene also loses its whites, as a gamma alone would not show.
        ceiling = 2.0 ** (min(0.0, self.exposure) * 0.35)
        return (
            self._bent(ceiling * colour[0] ** power) * (1 + 0.16 * self.warmth),
            self._bent(ceiling * colour[1] ** power) * (1 + 0.02 * self.warmth),
            self._bent(ceiling * colour[2] ** power) * (1 - 0.2 * self.warmth),
        )

    def _bent(self, value: float) -> float:
        if self.contrast < 0:
            return value + (0.5 - value) * -self.contrast * 0.6
        return value + (value * value * (3 - 2 * value) - value) * self.contrast


def _tinted(red: float, green: float, blue: float, tint: Tint, weight: float) -> RGB:
    """The tint's colour, not its lightness, laid over in proportion to `weight`."""
    hue, amount = tint
    level, part = luma(hue), weight * amount * 0.8
    return red + (hue[0] - level) * part, green + (hue[1] - level) * part, blue + (hue[2] - level) * part


def cube(tones: tuple[Tone, ...]) -> ImageFilter.Color3DLUT:
    """The tones, one after the other, as a filter for RGB pictures."""

    def through(red: float, green: float, blue: float) -> RGB:
        colour: RGB = (red, green, blue)
        for tone in tones:
            colour = tone(colour)
        return colour

    return ImageFilter.Color3DLUT.generate(NODES, through)

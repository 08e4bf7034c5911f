"""
Colours: how different two are, and the one change of tone that explains most of what happened to a picture.

The change of tone is a quadratic function of red, green and blue for each channel, fitted to the mean colours of tiles
so that tiles that do not follow it weigh nothing; it holds brightness, contrast, white balance and saturation. A gamma
alone, which such a function misses where it is dark, is taken as the power of each channel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nbbanana.measure.pixels import Floats, biweight

__all__ = ["Tone", "delta_e", "fitted_tone", "lab"]

LEAST_SPREAD = 0.6
"""Levels of 255 by which tiles may differ from the change of tone and still follow it: what JPEG does to a mean."""
STEPS = 12
CLEARLY = 0.7
"""Part of what the quadratic function leaves that a power alone must leave at most to be taken instead."""
STIFF = 1e-3
"""How strongly the function is drawn to "no change" where colours are missing, in parts of a tile."""


def lab(colours: Floats) -> Floats:
    """
    Return sRGB colours, 0 to 255 in the last axis, as CIE L*a*b* under D65.

    >>> lab(np.asarray([255.0, 255.0, 255.0])).round().tolist()
    [100.0, 0.0, 0.0]
    """
    part = np.clip(np.asarray(colours, np.float64) / 255, 0, 1)
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T / _TO_XYZ.sum(axis=1)
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


_TO_XYZ = np.asarray([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
"""From linear sRGB to XYZ (ITU-R BT.709 primaries, D65)."""


def delta_e(one: Floats, other: Floats) -> Floats:
    """
    Return ΔE00 (CIEDE2000) of L*a*b* colours, as G. Sharma, W. Wu and E. Dalal write it (2005).

    >>> float(delta_e(np.asarray([50.0, 2.6772, -79.7751]), np.asarray([50.0, 0.0, -82.7485])).round(4))
    2.0425
    """
    first, second = _greyed(one, other)
    chroma, hue = (np.hypot(first[1], first[2]), np.hypot(second[1], second[2])), (_hue(first), _hue(second))
    mean_l, mean_c = (first[0] + second[0]) / 2, (chroma[0] + chroma[1]) / 2
    turn = hue[1] - hue[0]
    turn = np.where(chroma[0] * chroma[1] == 0, 0.0, turn - 360 * np.sign(turn) * (np.abs(turn) > 180))
    across = np.abs(hue[0] - hue[1]) > 180
    sums = hue[0] + hue[1]
    mean_h = np.where(across, np.where(sums < 360, sums + 360, sums - 360), sums) / 2
    mean_h = np.where(chroma[0] * chroma[1] == 0, sums, mean_h)
    by_hue = (
        2 * np.sqrt(chroma[0] * chroma[1]) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * mean_c * _hue_weight(mean_h))
    )
    away = (mean_l - 50) ** 2
    by_light = (second[0] - first[0]) / (1 + 0.015 * away / np.sqrt(20 + away))
    by_chroma = (chroma[1] - chroma[0]) / (1 + 0.045 * mean_c)
    blue = -2 * _saturated(mean_c) * np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2))))
    squared = by_light**2 + by_chroma**2 + by_hue**2 + blue * by_chroma * by_hue
    found: Floats = np.sqrt(np.clip(squared, 0, None))
    return found


def _greyed(one: Floats, other: Floats) -> tuple[list[Floats], list[Floats]]:
    """Return L, a and b of both, with a corrected near grey."""
    mean = (np.hypot(one[..., 1], one[..., 2]) + np.hypot(other[..., 1], other[..., 2])) / 2
    more = 1 + (1 - _saturated(mean)) / 2
    first, second = ([colours[..., 0], colours[..., 1] * more, colours[..., 2]] for colours in (one, other))
    return first, second


def _saturated(chroma: Floats) -> Floats:
    seventh = np.power(chroma, 7)
    return np.sqrt(seventh / (seventh + 25.0**7))


def _hue(colour: list[Floats]) -> Floats:
    return np.degrees(np.arctan2(colour[2], colour[1])) % 360


def _hue_weight(hue: Floats) -> Floats:
    terms = ((-0.17, 1, -30.0), (0.24, 2, 0.0), (0.32, 3, 6.0), (-0.20, 4, -63.0))
    found = np.ones_like(hue)
    for weight, times, offset in terms:
        found += weight * np.cos(np.radians(times * hue + offset))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Tone:
    """
    A change of tone.

    Args:
        numbers: 10×3: what each channel becomes, by `1, r, g, b, r², g², b², rg, gb, rb` with channels from 0 to 1.
        powers: to which the three channels are taken first; None of one.
    """

    numbers: Floats
    powers: Floats | None = None

    def __call__(self, colours: Floats) -> Floats:
        """Return colours, 0 to 255 in the last axis, as they are after the change."""
        channels = colours / 255 if self.powers is None else np.clip(colours / 255, 0, 1) ** self.powers
        return np.clip(_terms(channels) @ self.numbers, 0, 1) * 255

    def greys(self, steps: int = 5) -> tuple[int, ...]:
        """Return what greys from black to white become, 0 to 255: the curve."""
        levels = np.linspace(0, 255, steps)
        return tuple(round(float(level)) for level in self(np.stack([levels] * 3, axis=-1)).mean(axis=-1))


def _terms(colours: Floats) -> Floats:
    r, g, b = colours[..., 0], colours[..., 1], colours[..., 2]
    return np.stack([np.ones_like(r), r, g, b, r * r, g * g, b * b, r * g, g * b, r * b], axis=-1)


def fitted_tone(before: Floats, after: Floats, weights: Floats) -> Tone:
    """
    Return the change of tone that most tiles followed.

    Args:
        before: mean colours of tiles, N×3, 0 to 255.
        after: those of the same tiles in the second picture.
        weights: of the tiles, 0 for those that are not to count.

    >>> grey = np.linspace(0, 255, 50)[:, None] * np.ones(3)
    >>> fitted_tone(grey, grey * 0.5 + 20, np.ones(50)).greys(3)
    (20, 84, 147)
    """
    terms, wanted = _terms(before / 255), after / 255
    start: Floats = np.zeros((10, 3))
    start[1:4] = np.eye(3)
    numbers = start
    stiff = np.diag([0.0, 0.1, 0.1, 0.1, 1, 1, 1, 1, 1, 1]) * STIFF * max(1.0, float(weights.sum()))
    stiff += 1e-9 * np.eye(10)
    # From "no change" on: where most tiles kept their colours, those that did not never weigh anything.
    for _ in range(STEPS):
        off = np.abs(terms @ numbers - wanted).max(axis=1) * 255
        among = off[weights > 0]
        spread = max(LEAST_SPREAD, 1.4826 * float(np.median(among))) if len(among) else LEAST_SPREAD
        weight = weights * biweight(off, spread)
        left = (terms * weight[:, None]).T @ terms + stiff
        right = (terms * weight[:, None]).T @ wanted + stiff @ start
        numbers = np.linalg.solve(left, right)
    quadratic, power = Tone(numbers), Tone(start, _powers(before, after, weights))
    left_over = [_off(tone, before, after, weights) for tone in (quadratic, power)]
    return power if left_over[1] < CLEARLY * left_over[0] else quadratic


def _powers(before: Floats, after: Floats, weights: Floats) -> Floats:
    """Return the power of each channel that explains the middle tile best: 1 where it is unchanged."""
    found = np.ones(3)
    for channel in range(3):
        x, y = before[:, channel] / 255, after[:, channel] / 255
        clear = (weights > 0) & (np.minimum(x, y) > 0.05) & (np.maximum(x, y) < 0.95)
        if clear.sum() > 20:
            found[channel] = np.median(np.log(y[clear]) / np.log(x[clear]))
    return found


def _off(tone: Tone, before: Floats, after: Floats, weights: Floats) -> float:
    """Return by how many levels of 255 tiles differ from a change of tone: the mean, so that all of them count."""
    off = np.abs(tone(before) - after).max(axis=1)[weights > 0]
    return float(np.mean(off)) if len(off) else 0.0

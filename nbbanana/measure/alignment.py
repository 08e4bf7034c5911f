"""
Two planes laid on each other: roughly by the correlation over all shifts at once, exactly by steps of refinement.

The correlation also says whether a plane repeats itself. The refinement makes a map between two pictures exact by
inverse compositional Gauss-Newton steps for its six numbers (S. Baker and I. Matthews, "Lucas-Kanade 20 Years On",
IJCV 2004). Several planes of the same pictures take part at once, each with the weight of its own noise, so that sharp
pictures are registered by their fine detail and pictures out of focus by what they have. Pixels that do not fit weigh
nothing (Tukey's biweight).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nbbanana.measure.geometry import Affine
from nbbanana.measure.pixels import Bools, Floats, biweight, fast_length, gradients, inside, warped

__all__ = ["REPEATED", "Level", "overlap_peaks", "refined", "repetition"]

WHITENING = 0.6
"""How far the spectrum is made flat: 1 is phase correlation, which a scale of a few percent destroys; 0 is none."""
REPEATED = 0.5
"""Correlation of a picture with itself at a distance, from which on it may be a pattern that repeats."""
SLOPE, LEAST_OVERLAP = 12.0, 0.25
"""
Pixels of distance that belong to the peak at no shift, and the part of the window that must still overlap. A finer
pattern is found by a multiple of its period.
"""
LEAST_STRENGTH = 1e-20
"""Keeps a plane without any texture from being divided by nothing."""
WINDOW = 256
"""Pixels of a side of the part that is looked at for repetition."""
INFLATION = 5.0
"""By how much errors of neighbouring pixels, which are not independent, widen the uncertainty."""
MOST_PIXELS, LEAST_PIXELS = 60_000, 50
"""Pixels with the strongest edges that are looked at, and below which nothing is said."""
ONE_WAY = 1e5
"""The condition of the equations from which on there are edges in one direction only."""
ENOUGH = 1e-3
"""A step of so many pixels is the last."""


def overlap_peaks(before: Floats, after: Floats, count: int) -> list[tuple[float, tuple[float, float]]]:
    """
    Return the shifts by which places of one plane are most alike those of another: strength, (right, down) in pixels.

    >>> rng = np.random.default_rng(0)
    >>> scene = rng.normal(size=(48, 64))
    >>> [(_, shift)] = overlap_peaks(scene[:40, :60], scene[3:43, 4:64], 1)
    >>> [round(part) for part in shift]
    [-4, -3]
    """
    size = tuple(fast_length(before.shape[axis] + after.shape[axis]) for axis in (0, 1))
    spectra = [np.fft.rfft2(plane * _hann(plane.shape), size) for plane in (before, after)]
    product = np.conj(spectra[0]) * spectra[1]
    strength = np.abs(product)
    product /= np.power(strength + 1e-3 * strength.max() + LEAST_STRENGTH, WHITENING)
    surface = np.fft.irfft2(product, size)
    scale = float(np.sqrt(np.mean(surface * surface))) + 1e-12
    return [(value / scale, place) for value, place in _peaks(surface, count)]


def _peaks(surface: Floats, count: int) -> list[tuple[float, tuple[float, float]]]:
    """Return the highest places of a surface and how high they are; it is changed where they were taken out."""
    found = []
    for _ in range(count):
        row, column = divmod(int(surface.argmax()), surface.shape[1])
        value = float(surface[row, column])
        down, across = (_centred(at, length) for at, length in zip((row, column), surface.shape, strict=True))
        offsets = _parabola(surface, row, column)
        found.append((value, (across + offsets[1], down + offsets[0])))
        rows, columns = (
            np.arange(at - 3, at + 4) % length for at, length in zip((row, column), surface.shape, strict=True)
        )
        surface[np.ix_(rows, columns)] = -np.inf
    return found


def _parabola(surface: Floats, row: int, column: int) -> tuple[float, float]:
    """Return by which part of a pixel the top of a peak is off its highest pixel, down and to the right."""
    height, width = surface.shape
    offsets = []
    for low, high in (
        (surface[row - 1, column], surface[(row + 1) % height, column]),
        (surface[row, column - 1], surface[row, (column + 1) % width]),
    ):
        bend = 2 * surface[row, column] - low - high
        offset = (high - low) / (2 * bend) if np.isfinite(bend) and bend > 0 else 0.0
        offsets.append(float(np.clip(offset, -0.5, 0.5)))
    return offsets[0], offsets[1]


def _centred(at: int, length: int) -> int:
    return at - length if at > length // 2 else at


def _hann(shape: tuple[int, ...]) -> Floats:
    down, across = (np.hanning(length + 2)[1:-1].astype(np.float32) for length in shape)
    return down[:, None] * across


def repetition(plane: Floats, texture: Bools) -> tuple[float, tuple[int, int]]:
    """
    Return how alike a normalised plane is to itself at another place, at most 1, and where: (right, down) in pixels.

    >>> stripes = np.tile(np.sin(np.arange(128.0) * np.pi / 8), (128, 1))
    >>> likeness, (right, down) = repetition(stripes, np.ones_like(stripes, bool))
    >>> likeness > 0.99, right % 16
    (True, 0)
    """
    top, left = (max(0, (length - WINDOW) // 2) for length in plane.shape)
    part = (plane * texture)[top : top + WINDOW, left : left + WINDOW].astype(np.float64)
    size = tuple(fast_length(2 * length) for length in part.shape)
    spectrum, energy, ones = (np.fft.rfft2(values, size) for values in (part, part * part, np.ones_like(part)))
    # By the energy of what overlaps at each shift, of both copies.
    first = np.fft.irfft2(energy * np.conj(ones), size)
    second = np.fft.irfft2(np.conj(energy) * ones, size)
    overlap = np.fft.irfft2(np.abs(ones) ** 2, size) / part.size
    likeness = np.fft.irfft2(np.abs(spectrum) ** 2, size) / np.sqrt(np.clip(first * second, 1e-9, None))
    likeness[(overlap < LEAST_OVERLAP) | (np.minimum(first, second) < 0.1 * energy[0, 0].real)] = 0.0
    return _beyond_main_peak(likeness)


def _beyond_main_peak(likeness: Floats) -> tuple[float, tuple[int, int]]:
    """Return the highest value that is not on the slope of the peak at no shift, and where it is."""
    height, width = likeness.shape
    rows, columns = np.arange(height), np.arange(width)
    away = np.hypot(np.minimum(rows, height - rows)[:, None], np.minimum(columns, width - columns))
    likeness = np.where(away < SLOPE, 0.0, likeness)
    row, column = divmod(int(likeness.argmax()), width)
    return float(likeness[row, column]), (_centred(column, width), _centred(row, height))


class Level(NamedTuple):
    """
    Both pictures at one size: normalised planes, and how places of the pictures map to theirs.

    `texture` is where the first has some, `textured` which part of the plainer of the two has.
    """

    before: Floats
    after: Floats
    texture: Bools
    textured: float
    to_before: Affine
    to_after: Affine

    def matrix(self, whole: Affine) -> Affine:
        """Return a map between the pictures as one between the planes."""
        return self.to_after.after(whole).after(self.to_before.inverse())

    def whole(self, matrix: Affine) -> Affine:
        """Return a map between the planes as one between the pictures."""
        return self.to_after.inverse().after(matrix).after(self.to_before)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first plane."""
        return self.before.shape[1], self.before.shape[0]

    @property
    def margin(self) -> int:
        """Pixels along the edges where the local mean is of half a window, so that the planes differ."""
        return max(2, min(16, min(*self.size, *self.within) // 12))

    @property
    def within(self) -> tuple[int, int]:
        """Width and height of the second plane."""
        return self.after.shape[1], self.after.shape[0]


def refined(levels: Sequence[Level], whole: Affine, weights: Floats, steps: int) -> tuple[Affine, float]:
    """
    Return a map after some steps, and how far off a corner may be: two standard errors in pixels of the first picture.

    Args:
        levels: planes of the two pictures, all of the same sizes.
        whole: the map between the pictures to begin with.
        weights: how far each place of the first is to be trusted, H×W at any size.
        steps: at most so many.

    The map is the first one, and the error infinite, where the planes say too little.
    """
    first = levels[0]
    matrix = first.matrix(whole)
    systems = [_Equations(level, weights) for level in levels]
    hessian = np.zeros((6, 6))
    for _ in range(steps):
        parts = [part for system in systems if (part := system.at(matrix)) is not None]
        hessian = np.sum([part[0] for part in parts], axis=0) if parts else np.zeros((6, 6))
        if not parts or np.linalg.cond(hessian) > ONE_WAY:
            return whole, math.inf
        change = np.linalg.solve(hessian, np.sum([part[1] for part in parts], axis=0))
        matrix = matrix.after(_step(change, first.size).inverse())
        if np.abs(change).max() < ENOUGH:
            break
    return first.whole(matrix), _corner_error(hessian, first)


class _Equations:
    """The pixels of a level with the strongest edges, and what they say of the six numbers of a step."""

    def __init__(self, level: Level, weights: Floats) -> None:
        self.level = level
        self.rows, self.columns, self.steepest = _steepest(level)
        self.target = level.before[self.rows, self.columns]
        height, width = weights.shape
        self.trust = weights[self.rows * height // level.size[1], self.columns * width // level.size[0]]

    def at(self, matrix: Affine) -> tuple[Floats, Floats] | None:
        """Return both sides of the normal equations at a map, in parts of the noise; None of too few pixels."""
        level, place = self.level, (self.rows, self.columns)
        seen = inside(matrix, level.size, level.within, level.margin)[place] * self.trust
        if (seen > 0.1).sum() < LEAST_PIXELS:
            return None
        residual = warped(level.after, matrix, level.size)[place] - self.target
        spread = 1.4826 * float(np.median(np.abs(residual[seen > 0.1]))) + 1e-3
        weight = seen * biweight(residual, spread) / spread**2
        return (self.steepest * weight[:, None]).T @ self.steepest, self.steepest.T @ (weight * residual)


def _steepest(level: Level) -> tuple[np.ndarray, np.ndarray, Floats]:
    """Return rows and columns of the pixels with the strongest edges, and how each changes with the six numbers."""
    down, across = gradients(level.before)
    strength = (across * across + down * down) * level.texture
    edge = level.margin
    strength[:edge], strength[-edge:], strength[:, :edge], strength[:, -edge:] = 0, 0, 0, 0
    rows, columns = np.nonzero(strength > max(1e-6, float(strength.mean())))
    stride = max(1, len(rows) // MOST_PIXELS)
    rows, columns = rows[::stride], columns[::stride]
    half = max(level.size) / 2
    u = ((columns + 0.5 - level.size[0] / 2) / half).astype(np.float32)
    v = ((rows + 0.5 - level.size[1] / 2) / half).astype(np.float32)
    gx, gy = across[rows, columns], down[rows, columns]
    return rows, columns, np.stack([gx, gx * u, gx * v, gy, gy * u, gy * v], axis=1)


def _step(change: Floats, size: tuple[int, int]) -> Affine:
    """Return the map of a step, whose numbers are about the middle and in halves of the longer side."""
    half, x, y = max(size) / 2, size[0] / 2, size[1] / 2
    p, q, r, s, t, w = (float(value) for value in change)
    return Affine(
        1 + q / half, r / half, p - (q * x + r * y) / half, t / half, 1 + w / half, s - (t * x + w * y) / half
    )


def _corner_error(hessian: Floats, level: Level) -> float:
    half = max(level.size) / 2
    corner = np.array([1.0, level.size[0] / 2 / half, level.size[1] / 2 / half])
    errors = np.linalg.inv(hessian) * INFLATION**2
    across, down = (corner @ errors[part, part] @ corner for part in (slice(0, 3), slice(3, 6)))
    scale = max(level.to_before.a, level.to_before.e)
    return 2.0 * math.sqrt(max(0.0, across + down)) / scale

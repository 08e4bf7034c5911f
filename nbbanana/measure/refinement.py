"""
Refinement: a map between two pictures made exact by inverse compositional Gauss-Newton steps for its six numbers.

S. Baker and I. Matthews, "Lucas-Kanade 20 Years On" (IJCV 2004). Several planes of the same pictures take part at once,
each with the weight of its own noise, so that sharp pictures are registered by their fine detail and pictures out of
focus by what they have. Pixels that do not fit weigh nothing (Tukey's biweight).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nbbanana.measure.geometry import Affine
from nbbanana.measure.pixels import Bools, Floats, gradients, inside, warped

__all__ = ["Level", "refined"]

TUKEY = 4.685
"""Residuals beyond so many deviations weigh nothing; 95 % efficient on normal ones."""
INFLATION = 5.0
"""By how much errors of neighbouring pixels, which are not independent, widen the uncertainty."""
MOST_PIXELS, LEAST_PIXELS = 60_000, 50
"""Pixels with the strongest edges that are looked at, and below which nothing is said."""
ONE_WAY = 1e5
"""The condition of the equations from which on there are edges in one direction only."""
ENOUGH = 1e-3
"""A step of so many pixels is the last."""


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


def refined(levels: Sequence[Level], whole: Affine, weights: Floats | None, steps: int) -> tuple[Affine, float]:
    """
    Return a map after some steps, and how far off a corner may be: two standard errors in pixels of the first picture.

    Args:
        levels: planes of the two pictures, all of the same sizes.
        whole: the map between the pictures to begin with.
        weights: how far each place of the first is to be trusted, H×W at any size; all alike without it.
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

    def __init__(self, level: Level, weights: Floats | None) -> None:
        self.level = level
        self.rows, self.columns, self.steepest = _steepest(level)
        self.target = level.before[self.rows, self.columns]
        self.trust = _at(weights, level, self.rows, self.columns)

    def at(self, matrix: Affine) -> tuple[Floats, Floats] | None:
        """Return both sides of the normal equations at a map, in parts of the noise; None of too few pixels."""
        level, place = self.level, (self.rows, self.columns)
        seen = inside(matrix, level.size, level.within, level.margin)[place] * self.trust
        if (seen > 0.1).sum() < LEAST_PIXELS:
            return None
        residual = warped(level.after, matrix, level.size)[place] - self.target
        spread = 1.4826 * float(np.median(np.abs(residual[seen > 0.1]))) + 1e-3
        weight = seen * np.square(np.clip(1.0 - np.square(residual / (TUKEY * spread)), 0.0, None)) / spread**2
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


def _at(weights: Floats | None, level: Level, rows: np.ndarray, columns: np.ndarray) -> Floats:
    if weights is None:
        return np.ones(len(rows), np.float32)
    height, width = weights.shape
    found: Floats = weights[rows * height // level.size[1], columns * width // level.size[0]]
    return found


def _corner_error(hessian: Floats, level: Level) -> float:
    half = max(level.size) / 2
    corner = np.array([1.0, level.size[0] / 2 / half, level.size[1] / 2 / half])
    errors = np.linalg.inv(hessian) * INFLATION**2
    across, down = (corner @ errors[part, part] @ corner for part in (slice(0, 3), slice(3, 6)))
    scale = max(level.to_before.a, level.to_before.e)
    return 2.0 * math.sqrt(max(0.0, across + down)) / scale

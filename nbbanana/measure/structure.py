"""
Structure: what of a picture was drawn anew, tile by tile, whatever happened to its tone; and SSIM.

In each tile the second picture is explained by the first: as much of its contrast (half to twice), moved by up to a
pixel (one step of Lucas and Kanade). What is left, in parts of what both show and of what encoding alone does to the
tile, is how far it was redrawn: near 0 for the same thing, near 1 for another.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nbbanana.measure.pixels import Bools, Floats, gradients, tiled

__all__ = ["Structure", "redrawn_parts", "ssim"]

GAINS = (0.5, 2.0)
"""Contrast may change so far and the structure is the same."""
NUDGE = 1.0
"""Pixels that a tile may have moved on its own."""
NOISE_WEIGHT = 6.0
"""How much of a tile's noise, as a variance, counts as what both show: noise alone then gives less than 1/6."""
BAND = 8
"""Rows of tiles that are calculated at a time."""
LEAST_VARIANCE = 3.0
"""Variance in levels of 255 that nobody sees: rounding, and a little grain."""


class Structure(NamedTuple):
    """How far each tile was redrawn, 0 to 1, and how far encoding alone would redraw it."""

    redrawn: Floats
    floor: Floats


def redrawn_parts(before: NDArray[Any], after: NDArray[Any], encoded: NDArray[Any], side: int) -> Structure:
    """
    Return how far each tile of side×side pixels was redrawn.

    Args:
        before: luma, H×W, 0 to 255, at least a tile each way.
        after: the same of the second picture, registered.
        encoded: what encoding and resampling alone make of `before`.
        side: pixels of a tile.
    """
    rows = before.shape[0] // side * side
    middle = np.float32(before.mean())
    parts = []
    # A band of tiles at a time: it stays in the processor's cache, and a large picture does not fill the memory.
    for top in range(0, rows, BAND * side):
        bottom = min(rows, top + BAND * side)
        above, below = min(1, top), min(1, before.shape[0] - bottom)
        around = before[top - above : bottom + below].astype(np.float32) - middle
        slopes = [plane[above : above + bottom - top] for plane in gradients(around)]
        basis = _Basis(around[above : above + bottom - top], slopes[0], slopes[1], side)
        others = (plane[top:bottom].astype(np.float32) - middle for plane in (after, encoded))
        parts.append(_parts(basis, *others))
    return Structure(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _parts(basis: _Basis, after: Floats, encoded: Floats) -> tuple[Floats, Floats]:
    noise, _, own = basis.left(encoded)
    left, of_first, of_second = basis.left(after)
    both = of_first + of_second + NOISE_WEIGHT * noise + LEAST_VARIANCE
    floor = noise / (2 * own + NOISE_WEIGHT * noise + LEAST_VARIANCE)
    return np.clip(left / both, 0, 1), np.clip(floor, 0, 1)


class _Basis:
    """What tiles of a picture are explained by: the picture, and its change to the right and down."""

    def __init__(self, before: Floats, down: Floats, across: Floats, side: int) -> None:
        self.side = side
        self.planes = [before, across, down]
        self.means = [tiled(plane, side) for plane in self.planes]
        products = np.empty((*self.means[0].shape, 3, 3), np.float64)
        for row in range(3):
            for column in range(row, 3):
                product = tiled(self.planes[row] * self.planes[column], side) - self.means[row] * self.means[column]
                products[..., row, column] = products[..., column, row] = product
        self.products = products

    def left(self, other: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the variance in each tile that is not explained, that of the first as explained, that of the other."""
        mean = tiled(other, self.side)
        own = np.clip(tiled(other * other, self.side) - mean * mean, 0, None)
        pairs = zip(self.planes, self.means, strict=True)
        shared = np.stack([tiled(plane * other, self.side) - mean * own_mean for plane, own_mean in pairs], axis=-1)
        # Solved for the difference from "the same", so that the ridge pulls to that and the same leaves nothing.
        ridge = np.eye(3) * LEAST_VARIANCE / 10
        numbers = np.linalg.solve(self.products + ridge, (shared - self.products[..., 0])[..., None])[..., 0]
        numbers[..., 0] += 1.0
        gain = np.clip(numbers[..., 0], *GAINS)
        # A move by d adds d times the gradient, of the picture at its new contrast.
        nudges = np.clip(numbers[..., 1:] / gain[..., None], -NUDGE, NUDGE) * gain[..., None]
        numbers = np.concatenate([gain[..., None], nudges], axis=-1)
        explained = np.einsum("...i,...ij,...j->...", numbers, self.products, numbers)
        left = own - 2 * (numbers * shared).sum(axis=-1) + explained
        return np.clip(left, 0, None), explained, own


def ssim(one: Floats, other: Floats, seen: Bools | None = None) -> float:
    """
    Return the mean structural similarity of two planes, 0 to 255 (Z. Wang and others, 2004).

    The window is a Gaussian of 1.5 pixels, 11 across; windows that reach over the edge are left out.

    Args:
        one: H×W, both sides at least 11.
        other: of the same shape.
        seen: windows whose middle is not in it are left out as well.

    >>> flat = np.zeros((16, 16))
    >>> ssim(flat, flat)
    1.0
    """
    steady, contrast = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    one, other = one.astype(np.float32), other.astype(np.float32)
    mean, other_mean = _windowed(one), _windowed(other)
    variance = _windowed(one * one) - mean * mean
    other_variance = _windowed(other * other) - other_mean * other_mean
    shared = _windowed(one * other) - mean * other_mean
    parts = (2 * mean * other_mean + steady) * (2 * shared + contrast)
    parts /= (mean * mean + other_mean * other_mean + steady) * (variance + other_variance + contrast)
    if seen is not None and seen[5:-5, 5:-5].any():
        parts = parts[seen[5:-5, 5:-5]]
    return float(parts.mean(dtype=np.float64))


_KERNEL = np.exp(-0.5 * np.square(np.arange(-5, 6) / 1.5))
_KERNEL /= _KERNEL.sum()


def _windowed(plane: Floats) -> Floats:
    """Return the weighted means of 11×11 pixels, wherever the window fits."""
    height, width = plane.shape[0] - 10, plane.shape[1] - 10
    rows = np.zeros((height, plane.shape[1]), np.float32)
    for at, part in enumerate(_KERNEL):
        rows += np.float32(part) * plane[at : at + height]
    found = np.zeros((height, width), np.float32)
    for at, part in enumerate(_KERNEL):
        found += np.float32(part) * rows[:, at : at + width]
    return found

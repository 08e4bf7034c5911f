"""Correlation over all shifts at once: where one plane lies on another, and whether a plane repeats itself."""

from __future__ import annotations

import numpy as np

from nbbanana.measure.pixels import Bools, Floats, fast_length

__all__ = ["REPEATED", "overlap_peaks", "repetition"]

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
    surface = surface.copy()
    found = []
    for _ in range(count):
        row, column = (int(value) for value in np.unravel_index(int(surface.argmax()), surface.shape))
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
    window: Floats = down[:, None] * across
    return window


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
    row, column = (int(value) for value in np.unravel_index(int(likeness.argmax()), likeness.shape))
    return float(likeness[row, column]), (_centred(column, width), _centred(row, height))

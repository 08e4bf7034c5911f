"""How alike some pictures are: each pair registered, then SSIM; and how many bits of their fingerprints differ."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from nbbanana.errors import MeasureError, UsageError
from nbbanana.images import fingerprint_of
from nbbanana.images.thumbnails import distance
from nbbanana.measure.comparison import Aligned, aligned
from nbbanana.measure.figures import Likeness
from nbbanana.measure.pixels import Bools, Floats, grey, picture_of
from nbbanana.measure.registration import register

__all__ = ["compared", "ssim"]

LARGEST = 512
"""The longest side in pixels at which pairs are compared, so that SSIM means the same for pictures of any size."""


def compared(pictures: list[object]) -> Likeness:
    """
    Measure how alike pictures are.

    Raises:
        UsageError: fewer than two.
    """
    if len(pictures) < 2:
        raise UsageError(
            f"{len(pictures) or 'No'} picture{'s' * (len(pictures) != 1)} cannot be compared.",
            "How alike pictures are is said of at least two.",
            "Give the pictures of several seeds, or of the same seed several times.",
        )
    small = [_reduced(picture_of(picture)) for picture in pictures]
    marks = [fingerprint_of(picture) for picture in small]
    count = len(small)
    values, fits = np.eye(count), np.eye(count, dtype=bool)
    bits: list[list[int | None]] = [[None if mark is None else 0] * count for mark in marks]
    for one, other in combinations(range(count), 2):
        values[one, other], fits[one, other] = values[other, one], fits[other, one] = pair_likeness(
            small[one], small[other]
        )
        first, second = marks[one], marks[other]
        bits[one][other] = bits[other][one] = None if first is None or second is None else distance(first, second)
    pairs = values[np.triu_indices(count, 1)]
    return Likeness(
        ssim=tuple(tuple(float(value) for value in row) for row in values),
        bits=tuple(tuple(row) for row in bits),
        registered=tuple(tuple(bool(fit) for fit in row) for row in fits),
        mean=float(pairs.mean()),
        deviation=float(pairs.std(ddof=1)) if len(pairs) > 1 else None,
        standard_error=_left_out(values),
    )


def pair_likeness(one: Image.Image, other: Image.Image) -> tuple[float, bool]:
    """Return SSIM of two pictures once they are registered, and whether they could be; otherwise as they lie."""
    try:
        pair = aligned(one, other, register(one, other), LARGEST)
    except MeasureError:
        size = min(one.size[0], other.size[0]), min(one.size[1], other.size[1])
        shown = np.ones((size[1], size[0]), bool)
        return _ssim(Aligned(one.resize(size), other.resize(size), shown)), False
    return _ssim(pair), True


def _ssim(pair: Aligned) -> float:
    first, second = grey(pair.before), grey(pair.after)
    if min(first.shape) < 11:
        return ssim(_wide(first), _wide(second))
    return ssim(first, second, pair.shown)


def _wide(plane: Floats) -> Floats:
    """Return a plane that is too small for a window with its edges repeated."""
    padding = [(6, 6 + max(0, 11 - length)) for length in plane.shape]
    return np.pad(plane, padding, "edge")


def _reduced(image: Image.Image) -> Image.Image:
    small = image.copy()
    small.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return small


def _left_out(values: Floats) -> float | None:
    """Return the jackknife's standard error of the mean over pairs: pairs that share a picture are not independent."""
    count = len(values)
    if count < 3:
        return None
    means = []
    for at in range(count):
        rest = np.delete(np.delete(values, at, 0), at, 1)
        means.append(rest[np.triu_indices(count - 1, 1)].mean())
    return float(np.sqrt((count - 1) * np.var(means)))


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


_WEIGHTS = np.exp(-0.5 * np.square(np.arange(-5, 6) / 1.5))
_KERNEL = (_WEIGHTS / _WEIGHTS.sum()).astype(np.float32)


def _windowed(plane: Floats) -> Floats:
    """Return the weighted means of 11×11 pixels, wherever the window fits."""
    rows = sliding_window_view(plane, len(_KERNEL), axis=0) @ _KERNEL
    found: Floats = sliding_window_view(rows, len(_KERNEL), axis=1) @ _KERNEL
    return found

"""How alike some pictures are: each pair registered, then SSIM; and how many bits of their fingerprints differ."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from nbbanana.errors import MeasureError, UsageError
from nbbanana.images import fingerprint_of
from nbbanana.images.thumbnails import distance
from nbbanana.measure.comparison import Aligned, aligned
from nbbanana.measure.figures import Likeness
from nbbanana.measure.pixels import Floats, grey, picture_of
from nbbanana.measure.registration import register
from nbbanana.measure.structure import ssim

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["compared", "pair_likeness"]

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
        spread=float(pairs.std(ddof=1)) if len(pairs) > 1 else None,
        error=_left_out(values),
    )


def pair_likeness(one: Image, other: Image) -> tuple[float, bool]:
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


def _reduced(image: Image) -> Image:
    from PIL.Image import Resampling

    small = image.copy()
    small.thumbnail((LARGEST, LARGEST), Resampling.LANCZOS, reducing_gap=3.0)
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

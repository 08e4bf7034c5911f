"""Pairs of which everything is known, drawn from photographs by fixed seeds, and the numbers that are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from nbbanana.images import fingerprint_of
from nbbanana.images.thumbnails import distance
from nbbanana.measure import Drift, drift
from nbbanana.measure.pixels import grey
from nbbanana.measure.similarity import ssim
from nbbanana.measure.tone import delta_e, lab
from support.measuring.edits import Pair, jpeg, moved, patched, removed, reread, retoned, retyped

__all__ = ["SEED", "Scored", "mean_colour", "naive", "patch_pairs", "redrawn", "score", "text_pairs", "tone_pairs"]

SEED = 20261130
"""Fixed before the rule was made."""


class Scored(NamedTuple):
    """The numbers of one pair: those of `drift`, and the naive ones of the same pair."""

    drift: Drift
    numbers: dict[str, float]


def naive(pair: Pair) -> dict[str, float]:
    """SSIM, mean absolute error and fingerprint of the pictures as they lie, each growing with the difference."""
    one, other = grey(pair.before), grey(pair.after)
    first, second = fingerprint_of(pair.before), fingerprint_of(pair.after)
    bits = 64 if first is None or second is None else distance(first, second)
    return {"naive SSIM": 1 - ssim(one, other), "MAE": float(np.abs(one - other).mean()), "pHash": float(bits)}


def redrawn(found: Drift) -> tuple[float, float]:
    """How far the most changed place was redrawn, inside or outside, and which part of the picture was."""
    parts = [part for part in (found.outside, found.inside) if part]
    return max(part.redrawn.value for part in parts), sum(part.redrawn_area * part.area for part in parts)


def score(pair: Pair) -> Scored:
    """All numbers of a pair, without a region."""
    found = drift(pair.before, pair.after)
    strength, area = redrawn(found)
    parts = [part for part in (found.outside, found.inside) if part and part.recoloured]
    weights = [part.area for part in parts]
    colour = float(np.average([part.recoloured.value for part in parts], weights=weights)) if parts else 0.0
    numbers = {"moved": found.moved.corner.value, "recoloured": colour, "redrawn": strength, "area": area}
    return Scored(found, numbers | naive(pair))


def patch_pairs(
    photographs: dict[str, Image.Image], times: int, part: float = 0.03, kind: str = "patch"
) -> Iterator[tuple[str, Pair, Pair]]:
    """
    For each photograph, pairs with and without a redrawn patch under the same JPEG q85, 2 px shift and change of tone.

    The patch is of another photograph, from a random place to a random place; or the place is painted over.
    """
    names = sorted(photographs)
    for name in names:
        rng = np.random.default_rng([SEED, *name.encode(), *kind.encode()])
        for _ in range(times):
            pair = moved(photographs[name], 0.06, shift=(2.0, 0.0))
            other = photographs[str(rng.choice([one for one in names if one != name]))]
            edited = patched(pair, other, rng, part) if kind == "patch" else removed(pair, rng, part)
            seed = int(rng.integers(1 << 30))
            yield name, disturbed(pair, seed), disturbed(edited, seed)


def disturbed(pair: Pair, seed: int) -> Pair:
    """The second picture after a change of tone and JPEG q85."""
    return reread(pair, lambda image: jpeg(retoned(image, np.random.default_rng(seed))))


def text_pairs(photographs: dict[str, Image.Image], times: int) -> Iterator[tuple[str, Pair, Pair]]:
    """Pairs with a label of which the words are the same or others, under JPEG q85 and a change of tone."""
    for name in sorted(photographs):
        rng = np.random.default_rng([SEED, *name.encode(), 7])
        for _ in range(times):
            pair, seed = moved(photographs[name], 0.06), int(rng.integers(1 << 30))
            same = retyped(pair, "OPEN DAILY", "OPEN DAILY", np.random.default_rng(seed))
            other = retyped(pair, "OPEN DAILY", "SOLD AGAIN", np.random.default_rng(seed))
            yield name, disturbed(same, seed), disturbed(other, seed)


def tone_pairs(photographs: dict[str, Image.Image], times: int) -> Iterator[tuple[str, Pair, Pair, float]]:
    """Pairs with and without a change of tone under JPEG q85 and a shift, and the true mean ΔE00 of that change."""
    for name in sorted(photographs):
        rng = np.random.default_rng([SEED, *name.encode(), 9])
        for _ in range(times):
            pair = moved(photographs[name], 0.06, shift=tuple(rng.uniform(-4, 4, 2)))
            seed, strength = int(rng.integers(1 << 30)), float(rng.uniform(0.2, 1.0))
            change = toned(seed, strength)
            true = mean_colour(pair.after, change(pair.after))
            yield name, reread(pair, jpeg), reread(pair, lambda image, change=change: jpeg(change(image))), true


def toned(seed: int, strength: float) -> Callable[[Image.Image], Image.Image]:
    """A change of tone by its seed."""
    return lambda image: retoned(image, np.random.default_rng(seed), strength)


def mean_colour(one: Image.Image, other: Image.Image, mask: np.ndarray | None = None) -> float:
    """Mean ΔE00 between two pictures of the same size: of 8×8 pixels each, or of the pixels of a mask."""
    if mask is not None:
        first, second = (lab(np.asarray(image)[mask]) for image in (one, other))
    else:
        first, second = (lab(np.asarray(image.reduce(8))) for image in (one, other))
    return float(delta_e(first, second).mean())

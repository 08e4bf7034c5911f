"""The original's pixels back where nothing should have changed, and the edit beside them without a visible seam."""

from __future__ import annotations

import numpy as np
from PIL import Image

from nbbanana.errors import MeasureError, UsageError
from nbbanana.images.thumbnails import fitting
from nbbanana.measure.comparison import LEAST_TILE, RECOLOURED, Aligned, aligned, encoded
from nbbanana.measure.figures import Figure, Protected
from nbbanana.measure.pixels import (
    Bools,
    Floats,
    Region,
    averaged,
    covered,
    opaque,
    picture_of,
    region_of,
    resized,
    tiled,
    whole_picture_of,
)
from nbbanana.measure.registration import register
from nbbanana.measure.tone import Tone, delta_e, fitted_tone, lab

__all__ = ["protected"]

WORST_CORNER = 0.75
"""Pixels by which a corner may be off: with more, a seam through an edge shows a step."""
LEAST_CONFIDENCE = 0.55
WORST_SEAM = RECOLOURED
"""Mean ΔE00 along the seam that it may have: from there on a place counts as recoloured, and is seen as a step."""
MOST_UNCOVERED = 0.15
"""Part of what is to change that the edited picture may lack."""
SEAM = 2
"""Pixels from the seam that belong to it."""
FEATHER = 0.012
"""Width of the blend as a part of the longer side; it lies in what changes, so that what is kept is exact."""
AT_ONCE = 32_768
"""Pixels of which the tone is calculated at a time, so that a large picture does not fill the memory."""
SMALL = 1024
"""Longest side in pixels at which the seam is looked at and the blend is calculated."""


def protected(given: object, made: object, keep: object) -> Protected:
    """
    Lay the edited picture into the original where it is not to be kept.

    Args:
        given: the original.
        made: what was made from it.
        keep: what is to be the original's.

    Raises:
        MeasureError: not well enough registered, or a seam that would show.
        UsageError: nothing, or everything, is to be kept.
    """
    whole, edited = whole_picture_of(given), picture_of(made)
    original = opaque(whole)
    mask = _full_mask(region_of(keep, original.size), original.size)
    registration = register(original, edited, ~mask)
    if registration.uncertainty > WORST_CORNER or registration.confidence < LEAST_CONFIDENCE:
        raise MeasureError(
            "The edited picture cannot be laid exactly on the original.",
            f"A corner may be {registration.uncertainty:.1f} px off, and {registration.fit:.0%} of the texture fits.",
            "Keep a larger part, or edit again from the original.",
            reason="uncertain",
        )
    pair = aligned(original, edited, registration, max(original.size))
    if pair.before.size != original.size:
        pair = _enlarged(pair, original)
    uncovered = float((~pair.shown & ~mask).sum() / (~mask).sum())
    if uncovered > MOST_UNCOVERED:
        raise MeasureError(
            "The edited picture does not show all of what was to change.",
            f"{uncovered:.0%} of it is outside of its frame.",
            "Edit again with the aspect ratio of the original.",
            reason="uncovered",
        )
    tone = _tone(pair, mask)
    seam = _seam(pair, mask, tone)
    if seam.value > WORST_SEAM:
        raise MeasureError(
            "The seam would show.",
            f"Along it the edited picture differs from the original by {seam.value:.1f} ΔE, also in its own tone.",
            "Keep less, so that the seam runs through what did not change.",
            reason="seam",
        )
    image = _blended(pair, mask, tone)
    if whole.mode == "RGBA":
        image = _as_transparent(image, whole, mask | ~pair.shown)
    return Protected(image, seam, float(mask.mean()), uncovered, registration)


def _as_transparent(image: Image.Image, whole: Image.Image, own: Bools) -> Image.Image:
    """Return a picture that is as transparent as the original where it is the original's own, and opaque elsewhere."""
    found = image.convert("RGBA")
    found.paste(whole, mask=Image.fromarray(own.view(np.uint8) * np.uint8(255)))
    return found


def _full_mask(keep: Region | None, size: tuple[int, int]) -> Bools:
    if keep is None:
        raise _unusable("Nothing was named.")
    mask = keep.mask
    if mask.shape != (size[1], size[0]):
        mask = covered(mask, size) > 0.5
    if mask.all() or not mask.any():
        raise _unusable("It covers all of the picture." if mask.all() else "It covers nothing of the picture.")
    return mask


def _unusable(why: str) -> UsageError:
    return UsageError("This part cannot be kept.", why, "Name the part that is to be the original's.")


def _enlarged(pair: Aligned, original: Image.Image) -> Aligned:
    """Return the pair at the original's size, where the edited picture has fewer pixels."""
    after = pair.after.resize(original.size, Image.Resampling.BICUBIC)
    return Aligned(original, after, covered(pair.shown, original.size) > 0.998)


def _tone(pair: Aligned, mask: Bools) -> Tone:
    """Return the change of tone from the edited picture to the original, of what is kept."""
    side = max(1, min(*pair.before.size, max(LEAST_TILE, max(pair.before.size) // 64)))
    first, second = (tiled(np.asarray(image), side).reshape(-1, 3) for image in (pair.before, pair.after))
    weights = (tiled(mask & pair.shown, side) > 0.98).astype(float).ravel()
    return fitted_tone(second, first, weights)


def _seam(pair: Aligned, mask: Bools, tone: Tone) -> Figure:
    """Return the mean ΔE00 between original and edited in its tone, in what is kept along the seam."""
    size = fitting(pair.before.size, SMALL)
    first, second = (resized(image, size) for image in (pair.before, pair.after))
    kept, shown = (covered(one, size, Image.Resampling.BOX) > 0.99 for one in (mask, pair.shown))
    band = (averaged(kept.astype(np.float32), SEAM) < 0.999) & kept & shown
    rows, columns = np.nonzero(band)
    if not len(rows):
        return Figure(0.0, 0.0)
    here, there, noisy = (_means(np.asarray(image), rows, columns) for image in (first, second, encoded(first)))
    own = lab(here)
    return Figure(float(delta_e(own, lab(tone(there))).mean()), float(delta_e(own, lab(noisy)).mean()))


def _means(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> Floats:
    """Return the mean colours of 3×3 pixels around places."""
    height, width = pixels.shape[:2]
    total = np.zeros((len(rows), 3))
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            total += pixels[np.clip(rows + down, 0, height - 1), np.clip(columns + across, 0, width - 1)]
    return total / 9


def _blended(pair: Aligned, mask: Bools, tone: Tone) -> Image.Image:
    """Return the original, and where it is not kept the edited picture in its tone, blended towards the seam."""
    first, second = np.asarray(pair.before), np.asarray(pair.after)
    parts, found = _parts(pair, mask), first.copy()
    strip = max(1, AT_ONCE // first.shape[1])
    for top in range(0, len(first), strip):
        rows = slice(top, top + strip)
        # What is kept is taken out, so that it is exact.
        changes = ~mask[rows] & pair.shown[rows] & (parts[rows] > 0)
        if not changes.any():
            continue
        weight = (parts[rows][changes] / np.float32(255))[:, None]
        mixed = first[rows][changes] * (1 - weight) + tone(second[rows][changes]) * weight
        found[rows][changes] = np.round(mixed).astype(np.uint8)
    return Image.fromarray(found)


def _parts(pair: Aligned, mask: Bools) -> np.ndarray:
    """Return how much of the edited picture there is at each pixel, 0 to 255, rising away from the seam."""
    size = fitting(pair.before.size, SMALL)
    own = covered(mask | ~pair.shown, size, Image.Resampling.BOX)
    width = max(1, round(FEATHER * max(size)))
    part = np.clip(1.0 - 2.0 * averaged(averaged(own, width), width), 0.0, 1.0)
    smooth = Image.fromarray(np.round(255 * part * part * (3 - 2 * part)).astype(np.uint8))
    return np.asarray(smooth.resize(pair.before.size, Image.Resampling.BILINEAR))

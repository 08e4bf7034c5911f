"""
Registration: where the scene of one picture is in another.

A few scales that the two sizes suggest (and, where none fits, a ladder of scales and turns) are tried small by phase
correlation. What comes out is refined from small to large on pictures of which the local mean is taken away and the
local contrast made one, so that tone does not matter. Places that do not fit, by their local correlation, weigh
nothing, so that what was edited does not pull.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from nbbanana.errors import MeasureError
from nbbanana.measure.alignment import REPEATED, Level, overlap_peaks, refined, repetition
from nbbanana.measure.geometry import IDENTITY, Affine, Registration, nominal_scales
from nbbanana.measure.pixels import GAP, Bools, Floats, averaged, banded, grey, inside, warped

__all__ = ["register"]

SMALLEST = 32
"""Pixels of a side below which there is too little to register by."""
LEVELS = (64, 128, 256)
"""Longest sides in pixels at which a map is looked for."""
FINEST = 512
"""The longest side at which it is refined last."""
SURE_FIT, LEAST_FIT = 0.65, 0.24
"""Part of the texture that must fit to stop looking for another map, and to believe one at all."""
AS_WELL = 0.8
"""Part of the best fit from which on another place fits as well: nothing says which is the right one."""
CLEARLY = 0.55
"""Part of the texture that must fit in a picture that repeats itself in part: less may be one period off."""
SURELY = 0.6
"""Part of the texture that fits from which on the map is as sure as can be."""
CLEARER = 1.25
"""How many times as well a mirrored picture must fit to be taken for one: things with an axis fit both ways alike."""
HOPELESS, HOPELESS_AT = 0.06, 128
"""Part of the texture that fits at one of the levels below which a map is not followed further."""
LEAST_TEXTURE = 0.004
"""Part of a picture that must have texture."""
RADIUS = {64: 4, 128: 6, 256: 8}
"""Half a window of the local mean, by level."""
FINE_RADII = (12, 6)
"""
The same at the finest: the narrower one finds sharp detail to a hundredth of a pixel, and what was edited spoils less
around it; the wider one holds what is out of focus.
"""
CONTRAST, FINE_CONTRAST = 3.0, 1.0
"""Levels of 255 of local deviation that are noise, and at the finest."""
ROUGH, FINE_ROUGH = 3.0, 1.5
"""Levels of 255 of local deviation; what has less is flat."""
STRETCHES = (1.0, 0.93, 1.075, 0.86, 1.16, 0.79, 1.27)
TURNS = (0.0, -4.0, 4.0, -8.0, 8.0)
"""The ladder of scales and degrees where the sizes' own scales do not fit."""
FINE = 0.7
"""
Deviation in pixels of the Gaussian that takes away the finest detail before the last refinement, which interpolation
blurs more between pixels than on them.
"""
SMALLEST_BASE = 128
"""Pixels of a side down to which a picture is brought at once."""
LITTLE = 0.8
"""Down to this part of its size a plane is not resized."""


class _Found(NamedTuple):
    matrix: Affine
    fit: float
    weights: Floats


def register(before: Image.Image, after: Image.Image, ignore: Bools | None = None) -> Registration:
    """
    Find the map from places in one RGB picture to the same places of the scene in another.

    Args:
        before: an RGB picture.
        after: another of any size.
        ignore: what of the first picture was meant to change and should not be looked at, H×W at any size.

    Raises:
        MeasureError: nothing can be said: too small, no texture, a pattern that fits in many places, nothing in common.
    """
    if before.size == after.size and before.tobytes() == after.tobytes():
        return Registration(IDENTITY, before.size, after.size, 1.0, 1.0, 0.0)
    if min(*before.size, *after.size) < SMALLEST:
        raise MeasureError(
            "The pictures are too small to compare.",
            f"{before.width}×{before.height} and {after.width}×{after.height} pixels: "
            f"a side has less than {SMALLEST} pixels.",
            "Compare larger ones.",
            reason="small",
        )
    pair = _Pair(before, after, ignore)
    found = pair.coarse()
    if found.fit < LEAST_FIT:
        raise MeasureError(
            "The two pictures do not show the same scene.",
            f"No scale, shift or small turn makes more than {found.fit:.0%} of them fit.",
            "Compare a picture with what was made from it.",
            reason="unrelated",
        )
    pair.check_not_mirrored(found)
    return pair.fine(found)


class _Pair:
    """Two pictures that are being registered."""

    def __init__(self, before: Image.Image, after: Image.Image, ignore: Bools | None) -> None:
        self.sizes = before.size, after.size
        self.planes = _base(before), _base(after)
        self.ignore = np.zeros((1, 1), bool) if ignore is None else ignore
        self.levels: dict[tuple[int, tuple[float, float]], Level] = {}
        self.scales = nominal_scales(*self.sizes)

    def level(self, side: int, scales: tuple[float, float]) -> Level:
        """Return both at a longest side below the finest, the second at the scales that it is thought to have."""
        if (side, scales) not in self.levels:
            small, other = self._resized(side, scales, _rough)
            self.levels[side, scales] = self._made(small, other, RADIUS[side])
        return self.levels[side, scales]

    def _finest(self, scales: tuple[float, float]) -> list[Level]:
        """Return both at the finest size: the wider planes, then the narrower ones."""
        small, other = self._resized(FINEST, scales, _small)
        return [self._made(small, other, radius, is_fine=True) for radius in FINE_RADII]

    def _resized(
        self, side: int, scales: tuple[float, float], resize: Callable[[Image.Image, tuple[float, float]], Floats]
    ) -> tuple[Floats, Floats]:
        (width, height), (other_width, other_height) = self.sizes
        pitch = min(1.0, side / max(width, height), *scales)
        small = resize(self.planes[0], (width * pitch, height * pitch))
        return small, resize(self.planes[1], (other_width * pitch / scales[0], other_height * pitch / scales[1]))

    def _made(self, small: Floats, other: Floats, radius: int, *, is_fine: bool = False) -> Level:
        (width, height), (other_width, other_height) = self.sizes
        (one, rough), (two, other_rough) = (_normalised(plane, radius, is_fine=is_fine) for plane in (small, other))
        texture = rough & self._seen(rough)
        return Level(
            one,
            two,
            texture,
            min(float(texture.mean()), float(other_rough.mean())),
            Affine.scaling(one.shape[1] / width, one.shape[0] / height),
            Affine.scaling(two.shape[1] / other_width, two.shape[0] / other_height),
        )

    def _seen(self, like: Bools) -> Bools:
        rows = np.arange(like.shape[0]) * self.ignore.shape[0] // like.shape[0]
        columns = np.arange(like.shape[1]) * self.ignore.shape[1] // like.shape[1]
        seen: Bools = ~self.ignore[np.ix_(rows, columns)]
        return seen if (like & seen).sum() > 0.1 * like.sum() else np.ones_like(like)

    def coarse(self) -> _Found:
        """Return the best map among those that the sizes suggest, or else of the ladder."""
        best = self.best(self.scales, (0.0,))
        if best.fit < SURE_FIT:
            ladder = [(across * by, down * by) for across, down in self.scales for by in STRETCHES]
            best = max(best, self.best(ladder, TURNS), key=lambda found: found.fit)
        return best

    def check_not_mirrored(self, found: _Found) -> None:
        """Raise a MeasureError where a mirrored second picture fits clearly better than it does as it is."""
        if found.fit > 1 / CLEARER:
            return
        for way in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180):
            other = copy.copy(self)
            other.planes, other.levels = (self.planes[0], self.planes[1].transpose(way)), {}
            if other.best(self.scales, (0.0,)).fit > max(SURE_FIT, CLEARER * found.fit):
                raise MeasureError(
                    "The second picture is mirrored or upside down.",
                    f"It fits once it is turned over; as it is, {found.fit:.0%} of it fits by chance.",
                    "Turn it over, and compare again.",
                    reason="unrelated",
                )

    def best(self, scales: list[tuple[float, float]], turns: tuple[float, ...]) -> _Found:
        """Return the best map at some scales and turns."""
        guesses = [(peak, one) for one in scales for peak in self._guesses(one, turns)]
        guesses.sort(key=lambda guess: -guess[0][0])
        found = []
        for (_, matrix), one in guesses[: 3 if len(turns) == 1 else 6]:
            found.append(self._climbed(matrix, one))
            if found[-1].fit > 0.7:
                break
        return max(found, key=lambda one: one.fit)

    def _guesses(self, scales: tuple[float, float], turns: tuple[float, ...]) -> list[tuple[float, Affine]]:
        level = self.level(LEVELS[0], scales)
        if level.textured < LEAST_TEXTURE:
            raise MeasureError(
                "There is nothing to compare the pictures by.",
                "One of them is plain: it has no edges or texture outside the region.",
                "Compare pictures of something.",
                reason="plain",
            )
        found = []
        for turn in turns:
            about = _turned(turn, level.within)
            other = level.after if turn == 0 else warped(level.after, about, level.within)
            for strength, (x, y) in overlap_peaks(level.before, other, 2):
                shifted = about.after(Affine(1.0, 0.0, x, 0.0, 1.0, y))
                found.append((strength, level.whole(shifted)))
        return found

    def _climbed(self, matrix: Affine, scales: tuple[float, float]) -> _Found:
        """Return a map refined from small to large, and how well it fits."""
        start, weights = matrix, np.ones((1, 1), np.float32)
        for side in LEVELS:
            level = self.level(side, scales)
            matrix, _ = refined([level], matrix, weights, steps=8)
            if not _is_sane(matrix, start) or (side == HOPELESS_AT and _fit(level, matrix)[0] < HOPELESS):
                return _Found(start, 0.0, np.zeros((1, 1), np.float32))
        fit, weights = _fit(level, matrix)
        matrix, _ = refined([level], matrix, weights, steps=4)
        fit, weights = _fit(level, matrix)
        return _Found(matrix, fit, weights)

    def fine(self, found: _Found) -> Registration:
        """Return the map at the finest size, if it is the only one."""
        levels = self._finest(found.matrix.scales)
        self._check_unique(levels[0], found)
        matrix, uncertainty = refined(levels, found.matrix, found.weights, steps=12)
        if not _is_sane(matrix, found.matrix) or not math.isfinite(uncertainty):
            raise _repeated("What they share has edges in one direction only, so that it fits all along them.")
        confidence = min(1.0, 0.5 + 0.5 * (found.fit - LEAST_FIT) / (SURELY - LEAST_FIT))
        return Registration(matrix, *self.sizes, found.fit, confidence, uncertainty)

    def _check_unique(self, level: Level, found: _Found) -> None:
        """Raise a MeasureError where the scene, laid on itself at another place, makes the pictures fit as well."""
        likeness, (across, down) = repetition(level.before, level.texture)
        if likeness < REPEATED:
            return
        if found.fit < CLEARLY:
            raise _repeated(f"It repeats itself in part, and only {found.fit:.0%} of it fits.")
        matrix = level.matrix(found.matrix)
        elsewhere = level.whole(matrix.after(Affine(1.0, 0.0, across, 0.0, 1.0, down)))
        if _fit(level, elsewhere)[0] > AS_WELL * _fit(level, found.matrix)[0]:
            raise _repeated("It has a pattern that repeats itself, so that it fits in several places.")


def _repeated(why: str) -> MeasureError:
    return MeasureError(
        "The pictures cannot be laid on each other in one way only.",
        why,
        "Compare a larger part of the scene, with something in it that is there once.",
        reason="repeated",
    )


def _base(image: Image.Image) -> Image.Image:
    """
    Return luma at no more than is needed, as Pillow's mode F, edge to edge; the shorter side of a strip keeps its size.

    Whole pixels are averaged where the size is a multiple. Where it is none, a kernel with weights is needed: Pillow's
    BOX takes whole pixels there too, of a picture that is reduced already, and moves the right edge by half of one.
    """
    by = max(image.size) // FINEST
    across, down = (max(1, round(side / max(1, min(by, side // SMALLEST_BASE)))) for side in image.size)
    if image.width % across == 0 and image.height % down == 0:
        image = image.reduce((image.width // across, image.height // down))
    else:
        image = image.resize((across, down), Image.Resampling.HAMMING, reducing_gap=GAP)
    return Image.fromarray(grey(image).astype(np.float32))


def _rough(plane: Image.Image, size: tuple[float, float]) -> Floats:
    """Return a plane at a size, for a map that is refined later."""
    return np.asarray(plane.resize((max(8, round(size[0])), max(8, round(size[1]))), Image.Resampling.BICUBIC))


def _small(plane: Image.Image, size: tuple[float, float]) -> Floats:
    """
    Return a plane at about a size.

    A little smaller is as good as not at all, and safer: the grids of both pictures would beat with the scene's alike.
    What is much smaller, in one direction or both, is smoothed first, so that nothing aliases.
    """
    parts = [wanted / whole for wanted, whole in zip(size, plane.size, strict=True)]
    pixels = np.asarray(plane)
    if min(parts) >= LITTLE:
        return pixels
    across, down = (0 if part >= LITTLE else max(1, round(0.5 / part)) for part in parts)
    smooth = Image.fromarray(averaged(averaged(pixels, down, across), down, across))
    wanted = [max(8, round(side)) for side in size]
    kept = [whole if part >= LITTLE else side for whole, part, side in zip(plane.size, parts, wanted, strict=True)]
    return np.asarray(smooth.resize((kept[0], kept[1]), Image.Resampling.BICUBIC))


def _normalised(plane: Floats, radius: int, *, is_fine: bool) -> tuple[Floats, Bools]:
    """Return a plane with a local mean of zero and a local contrast of at most one, and where it has texture."""
    fine, contrast, rough = (FINE, FINE_CONTRAST, FINE_ROUGH) if is_fine else (0.0, CONTRAST, ROUGH)
    high = banded(plane, fine, 0.8 * radius)
    spread = np.sqrt(averaged(high * high, radius))
    return np.clip(high / (spread + contrast), -3.0, 3.0), spread > rough


def _turned(degrees: float, size: tuple[int, int]) -> Affine:
    """Return the turn about the middle of a plane."""
    x, y = size[0] / 2, size[1] / 2
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return Affine(cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y)


def _is_sane(matrix: Affine, start: Affine) -> bool:
    """Return whether a map is finite and near the one that it was refined from: small turn, similar scale."""
    if not all(math.isfinite(value) for value in matrix) or abs(matrix.determinant) < 1e-9:
        return False
    change = start.inverse().after(matrix)
    return max(abs(change.a - 1), abs(change.e - 1), abs(change.b), abs(change.d)) < 0.15


def _fit(level: Level, whole: Affine) -> tuple[float, Floats]:
    """Return which part of the texture fits, and a weight for each pixel by how well its surroundings do."""
    matrix = level.matrix(whole)
    other = warped(level.after, matrix, level.size)
    radius = 6
    means = averaged(level.before, radius), averaged(other, radius)
    product = averaged(level.before * other, radius) - means[0] * means[1]
    spreads = [
        np.clip(averaged(plane * plane, radius) - mean * mean, 1e-4, None)
        for plane, mean in zip((level.before, other), means, strict=True)
    ]
    likeness = product / np.sqrt(spreads[0] * spreads[1])
    shared = inside(matrix, level.size, level.within) & level.texture
    overlap = shared.mean() / max(1e-6, level.texture.mean())
    if shared.sum() < 100 or overlap < 0.1:
        return 0.0, np.zeros_like(likeness)
    fits = (likeness > 0.6) & shared
    return float(fits.sum() / shared.sum()), np.square(np.clip((likeness - 0.2) / 0.6, 0.0, 1.0)) * shared

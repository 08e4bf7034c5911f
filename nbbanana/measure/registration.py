"""
Registration: where the scene of one picture is in another.

A few scales that the two sizes suggest (and, where none fits, a ladder of scales and turns) are tried small by phase
correlation. What comes out is refined from small to large by inverse compositional Gauss-Newton steps (S. Baker and
I. Matthews, "Lucas-Kanade 20 Years On", IJCV 2004) on pictures of which the local mean is taken away and the local
contrast made one, so that tone does not matter. Pixels that do not fit weigh nothing (Tukey's biweight, and the local
correlation), so that what was edited does not pull.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nbbanana.errors import MeasureError
from nbbanana.measure.correlation import REPEATED, overlap_peaks, repetition
from nbbanana.measure.geometry import IDENTITY, Affine, Registration, nominal_scales
from nbbanana.measure.pixels import Bools, Floats, averaged, banded, gradients, grey, inside, warped

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["LEAST_FIT", "SMALLEST", "register"]

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
HOPELESS, HOPELESS_AT = 0.06, 128
"""Part of the texture that fits at one of the levels below which a map is not followed further."""
LEAST_TEXTURE = 0.004
"""Part of a picture that must have texture."""
RADIUS = {64: 4, 128: 6, 256: 8}
"""Half a window of the local mean, by level."""
CONTRAST = 3.0
"""Levels of 255 of local deviation that are noise; what has less is flat."""
TUKEY = 4.685
"""Residuals beyond so many deviations weigh nothing; 95 % efficient on normal ones."""
STRETCHES = (1.0, 0.93, 1.075, 0.86, 1.16, 0.79, 1.27)
TURNS = (0.0, -4.0, 4.0, -8.0, 8.0)
"""The ladder of scales and degrees where the sizes' own scales do not fit."""
FINE = 1.0
"""
Deviation in pixels of the Gaussian that takes away the finest detail before the last refinement, which interpolation
blurs more between pixels than on them.
"""
LITTLE = 0.8
"""Down to this part of its size a plane is not resized."""
INFLATION = 5.0
"""By how much errors of neighbouring pixels, which are not independent, widen the uncertainty."""


class _Level(NamedTuple):
    """Both pictures at one size: normalised planes, and how places of the pictures map to theirs."""

    before: Floats
    after: Floats
    texture: Bools
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


class _Found(NamedTuple):
    matrix: Affine
    fit: float
    weights: Floats


def register(before: Image, after: Image, ignore: Bools | None = None) -> Registration:
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
            f"{_sizes(before, after)}: a side has less than {SMALLEST} pixels.",
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
    return pair.fine(found)


def _sizes(before: Image, after: Image) -> str:
    return f"{before.width}×{before.height} and {after.width}×{after.height} pixels"


class _Pair:
    """Two pictures that are being registered."""

    def __init__(self, before: Image, after: Image, ignore: Bools | None) -> None:
        self.sizes = before.size, after.size
        self.planes = _base(before), _base(after)
        self.rough = [_divided(plane, max(plane.size) // (2 * LEVELS[-1])) for plane in self.planes]
        self.ignore = ignore
        self._levels: dict[tuple[int, tuple[float, float]], _Level] = {}
        self.scales = nominal_scales(*self.sizes)

    def level(self, side: int, scales: tuple[float, float]) -> _Level:
        """Return both at a longest side, the second at the scales that it is thought to have."""
        if (side, scales) not in self._levels:
            self._levels[side, scales] = self._made(side, scales)
        return self._levels[side, scales]

    def _made(self, side: int, scales: tuple[float, float]) -> _Level:
        (width, height), (other_width, other_height) = self.sizes
        pitch = min(1.0, side / max(width, height), *scales)
        resize, planes = (_small, self.planes) if side == FINEST else (_rough, self.rough)
        small = resize(planes[0], (width * pitch, height * pitch))
        other = resize(planes[1], (other_width * pitch / scales[0], other_height * pitch / scales[1]))
        radius = RADIUS.get(side, 12)
        fine = FINE if side == FINEST else 0.0
        (one, rough), (two, _) = _normalised(small, radius, fine), _normalised(other, radius, fine)
        return _Level(
            one,
            two,
            rough & self._seen(rough),
            Affine.scaling(one.shape[1] / width, one.shape[0] / height),
            Affine.scaling(two.shape[1] / other_width, two.shape[0] / other_height),
        )

    def _seen(self, like: Bools) -> Bools:
        if self.ignore is None:
            return np.ones_like(like)
        rows = np.arange(like.shape[0]) * self.ignore.shape[0] // like.shape[0]
        columns = np.arange(like.shape[1]) * self.ignore.shape[1] // like.shape[1]
        seen: Bools = ~self.ignore[np.ix_(rows, columns)]
        return seen if (like & seen).sum() > 0.1 * like.sum() else np.ones_like(like)

    def coarse(self) -> _Found:
        """Return the best map among those that the sizes suggest, or else of the ladder."""
        best = self._best(self.scales, (0.0,))
        if best.fit < SURE_FIT:
            ladder = [(across * by, down * by) for across, down in self.scales for by in STRETCHES]
            best = max(best, self._best(ladder, TURNS), key=lambda found: found.fit)
        return best

    def _best(self, scales: list[tuple[float, float]], turns: tuple[float, ...]) -> _Found:
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
        if level.texture.mean() < LEAST_TEXTURE:
            raise _plain()
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
        start, weights = matrix, None
        for side in LEVELS:
            level = self.level(side, scales)
            matrix, _ = _refined(level, matrix, weights, steps=8)
            if not _is_sane(matrix, start) or (side == HOPELESS_AT and _fit(level, matrix)[0] < HOPELESS):
                return _Found(start, 0.0, np.zeros((1, 1), np.float32))
        fit, weights = _fit(level, matrix)
        matrix, _ = _refined(level, matrix, weights, steps=4)
        fit, weights = _fit(level, matrix)
        return _Found(matrix, fit, weights)

    def fine(self, found: _Found) -> Registration:
        """Return the map at the finest size, if it is the only one."""
        across = math.hypot(found.matrix.a, found.matrix.d)
        scales = across, abs(found.matrix.determinant) / across
        level = self.level(FINEST, scales)
        self._check_unique(level, found)
        matrix, uncertainty = _refined(level, found.matrix, found.weights, steps=12)
        if not _is_sane(matrix, found.matrix) or not math.isfinite(uncertainty):
            raise _repeated("What they share has edges in one direction only, so that it fits all along them.")
        confidence = min(1.0, 0.5 + 0.5 * (found.fit - LEAST_FIT) / (SURELY - LEAST_FIT))
        return Registration(matrix, *self.sizes, found.fit, confidence, uncertainty)

    def _check_unique(self, level: _Level, found: _Found) -> None:
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


def _plain() -> MeasureError:
    return MeasureError(
        "There is nothing to compare the pictures by.",
        "One of them is plain: it has no edges or texture outside the region.",
        "Compare pictures of something.",
        reason="plain",
    )


def _repeated(why: str) -> MeasureError:
    return MeasureError(
        "The pictures cannot be laid on each other in one way only.",
        why,
        "Compare a larger part of the scene, with something in it that is there once.",
        reason="repeated",
    )


def _base(image: Image) -> Image:
    """Return luma at no more than is needed, as Pillow's mode F."""
    from PIL import Image as Pillow

    return Pillow.fromarray(grey(_divided(image, max(image.size) // FINEST)).astype(np.float32))


def _divided(image: Image, by: int) -> Image:
    """Return a picture at a part of its size, by averaging; edge to edge, also where its size is no multiple."""
    from PIL.Image import Resampling

    if by < 2:
        return image
    size = max(1, round(image.width / by)), max(1, round(image.height / by))
    return image.resize(size, Resampling.BOX, reducing_gap=1.0)


def _rough(plane: Image, size: tuple[float, float]) -> Floats:
    """Return a plane at a size, for a map that is refined later."""
    from PIL.Image import Resampling

    return np.asarray(plane.resize((max(8, round(size[0])), max(8, round(size[1]))), Resampling.BICUBIC))


def _small(plane: Image, size: tuple[float, float]) -> Floats:
    """
    Return a plane at about a size.

    A little smaller is as good as not at all, and safer: the grids of both pictures would beat with the scene's alike.
    What is much smaller is smoothed first, so that nothing aliases.
    """
    from PIL import Image as Pillow

    part = max(wanted / whole for wanted, whole in zip(size, plane.size, strict=True))
    pixels = np.asarray(plane)
    if part >= LITTLE:
        return pixels
    radius = max(1, round(0.5 / part))
    smooth = Pillow.fromarray(averaged(averaged(pixels, radius), radius))
    return np.asarray(smooth.resize((max(8, round(size[0])), max(8, round(size[1]))), Pillow.Resampling.BICUBIC))


def _normalised(plane: Floats, radius: int, fine: float) -> tuple[Floats, Bools]:
    """Return a plane with a local mean of zero and a local contrast of at most one, and where it has texture."""
    high = banded(plane, fine, 0.8 * radius)
    spread = np.sqrt(averaged(high * high, radius))
    rough: Bools = spread > CONTRAST
    normal: Floats = np.clip(high / (spread + CONTRAST), -3.0, 3.0)
    return normal, rough


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


def _refined(level: _Level, whole: Affine, weights: Floats | None, steps: int) -> tuple[Affine, float]:
    """Return a map after some Gauss-Newton steps, and how far off a corner may be, in pixels of the first picture."""
    matrix = level.matrix(whole)
    rows, columns, steepest = _steepest(level)
    if len(rows) < 50:
        return whole, math.inf
    target = level.before[rows, columns]
    trust = _at(weights, level, rows, columns)
    hessian, spread = np.eye(6), math.inf
    for _ in range(steps):
        seen = inside(matrix, level.size, level.within, level.margin)[rows, columns] * trust
        residual = warped(level.after, matrix, level.size)[rows, columns] - target
        if (seen > 0.1).sum() < 50:
            return whole, math.inf
        spread = 1.4826 * float(np.median(np.abs(residual[seen > 0.1]))) + 1e-3
        weight = seen * np.square(np.clip(1.0 - np.square(residual / (TUKEY * spread)), 0.0, None))
        hessian = (steepest * weight[:, None]).T @ steepest
        if np.linalg.cond(hessian) > 1e5:
            return whole, math.inf
        change = np.linalg.solve(hessian, steepest.T @ (weight * residual))
        matrix = matrix.after(_step(change, level.size).inverse())
        if np.abs(change).max() < 1e-3:
            break
    return level.whole(matrix), _corner_error(hessian, spread, level)


def _steepest(level: _Level) -> tuple[np.ndarray, np.ndarray, Floats]:
    """Return rows and columns of the pixels with the strongest edges, and how each changes with the six numbers."""
    down, across = gradients(level.before)
    strength = (across * across + down * down) * level.texture
    edge = level.margin
    strength[:edge], strength[-edge:], strength[:, :edge], strength[:, -edge:] = 0, 0, 0, 0
    rows, columns = np.nonzero(strength > max(1e-6, float(strength.mean())))
    stride = max(1, len(rows) // 60_000)
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


def _at(weights: Floats | None, level: _Level, rows: np.ndarray, columns: np.ndarray) -> Floats:
    if weights is None:
        return np.ones(len(rows), np.float32)
    height, width = weights.shape
    found: Floats = weights[rows * height // level.size[1], columns * width // level.size[0]]
    return found


def _corner_error(hessian: Floats, spread: float, level: _Level) -> float:
    """Return two standard errors of a corner's place, in pixels of the first picture."""
    half = max(level.size) / 2
    corner = np.array([1.0, level.size[0] / 2 / half, level.size[1] / 2 / half])
    errors = np.linalg.inv(hessian) * spread**2 * INFLATION**2
    across, down = (corner @ errors[part, part] @ corner for part in (slice(0, 3), slice(3, 6)))
    scale = max(level.to_before.a, level.to_before.e)
    return 2.0 * math.sqrt(max(0.0, across + down)) / scale


def _fit(level: _Level, whole: Affine) -> tuple[float, Floats]:
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

"""
Drift: two pictures registered, then what was recoloured and what was redrawn, tile by tile, inside and outside.

How far a tile was redrawn is said whatever happened to its tone: the second picture is explained by the first, as much
of its contrast (half to twice), moved by up to a pixel (one step of Lucas and Kanade). What is left, in parts of what
both show and of what encoding alone does to the tile, is how far it was redrawn: near 0 for the same thing, near 1 for
another.
"""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nbbanana.measure.figures import Drift, Figure, Moved, Part, Tile
from nbbanana.measure.geometry import IDENTITY, Affine, Registration
from nbbanana.measure.pixels import (
    Bools,
    Floats,
    averaged,
    components,
    gradients,
    grown,
    inside,
    picture_of,
    region_of,
    resized,
    shown_through,
    tiled,
)
from nbbanana.measure.registration import register
from nbbanana.measure.tone import delta_e, fitted_tone, lab
from nbbanana.regions import Box

__all__ = ["Aligned", "aligned", "compare", "encoded", "redrawn_parts"]

LARGEST = 2048
"""The longest side in pixels at which pictures are compared."""
TILES = 64
"""Tiles along the longer side."""
LEAST_TILE = 8
"""Pixels of a side of a tile."""
FLOOR_QUALITY = 75
"""The JPEG quality of which the noise floor is taken: what services and the web usually send, or a little less."""
REDRAWN = 0.3
"""How far a tile is redrawn from which on it counts as redrawn."""
REDRAWN_FLOOR = 0.25
"""The least floor of how far the most changed place was redrawn."""
RECOLOURED = 6.0
"""ΔE00 beyond the change of tone from which on a tile belongs to an estimated region."""
SEEN_COLOUR = 0.6
"""ΔE00 of a mean that is never said to be a change: below what people see side by side (about 1)."""
ALL_IN_COLOUR = 900
"""Longest side in pixels up to which all is compared in colour; of larger pictures luma, and samples of the colour."""
SAMPLES = 4
"""Places across a tile at which its colour is taken; each is a mean itself."""
EDGE = 3
"""Pixels along an edge that resampling needs."""
RANKED = 40
"""Tiles that are kept."""
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
PLACES, APART = 6, 8
"""Places of a kind that are kept, and tiles by which two are apart at least, across or down."""


class Aligned(NamedTuple):
    """Two pictures in one frame, that of the first at `size`: RGB, and which pixels both show."""

    before: Image.Image
    after: Image.Image
    shown: Bools


class _Tiles(NamedTuple):
    """What was measured of each tile, rows × columns."""

    redrawn: Floats
    floor: Floats
    colour: Floats
    colour_floor: Floats
    by_tone: Floats
    beyond_tone: Floats
    shown: Bools
    reach: tuple[float, float]


def compare(first: object, second: object, given: object) -> Drift:
    """
    Measure what changed between two pictures; see `nbbanana.measure.drift`.

    Raises:
        MeasureError: nothing can be said, with the reason.
    """
    before, after = picture_of(first), picture_of(second)
    region = region_of(given, before.size)
    registration = register(before, after, None if region is None else region.mask)
    is_small = max(*before.size, *after.size) <= ALL_IN_COLOUR
    pair = aligned(before, after if is_small else after.convert("L"), registration, LARGEST)
    side = min(max(LEAST_TILE, round(max(pair.before.size) / TILES)), *pair.before.size)
    tiles, tone = _measured(pair, side, _colours(before, after, registration, pair, side))
    if region is None:
        within = _estimated(tiles)
        without, boxes = ~within, components(within, tiles.reach)
    else:
        covered = region.part_of_tiles(tiles.redrawn.shape, tiles.reach)
        within, without, boxes = covered > 0.5, covered < 0.02, region.boxes
    return Drift(
        registration=registration,
        moved=Moved(
            corner=Figure(registration.corner, max(0.1, registration.uncertainty)),
            shift=registration.shift,
            scale=registration.scale,
            stretch=registration.stretch,
            rotation=registration.rotation,
            lost=max(0.0, registration.lost),
            added=max(0.0, registration.added),
        ),
        outside=_part(tiles, without),
        inside=_part(tiles, within),
        is_region_given=region is not None,
        region=boxes,
        tone=tone,
        compared_at=pair.before.size,
        tiles=_ranked(tiles, within),
        grid=np.maximum(tiles.redrawn, np.clip(tiles.beyond_tone / 20, 0, 1)) * tiles.shown,
        reach=tiles.reach,
        places=(*_places(tiles, without, within), *_places(tiles, within, within)),
    )


def aligned(before: Image.Image, after: Image.Image, registration: Registration, largest: int) -> Aligned:
    """Return both in the frame of the first, at the coarser of their resolutions and at most at a longest side."""
    matrix = registration.matrix
    scales = matrix.scales
    pitch = min(1.0, largest / max(before.size), min(scales) if min(scales) < 0.9 else 1.0)
    size = max(1, round(before.width * pitch)), max(1, round(before.height * pitch))
    # What is much finer than needed, in one direction or both, is averaged first.
    parts = [pitch / scale if pitch / scale < 0.85 else 1.0 for scale in scales]
    wanted = [max(1, round(side * part)) for side, part in zip(after.size, parts, strict=True)]
    first, second = resized(before, size), resized(after, (wanted[0], wanted[1]))
    to_second = Affine.scaling(second.width / after.width, second.height / after.height)
    from_first = Affine.scaling(before.width / size[0], before.height / size[1])
    matrix = to_second.after(matrix).after(from_first)
    if matrix == IDENTITY and second.size == size:
        return Aligned(first, second, inside(matrix, size, size, 0.0))
    shown = inside(matrix, size, second.size, 1.0)
    return Aligned(first, shown_through(second, matrix, size), shown)


def encoded(image: Image.Image) -> Image.Image:
    """Return the picture as JPEG leaves it."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=FLOOR_QUALITY)
    with Image.open(file) as opened:
        return opened.convert("RGB")


def _measured(pair: Aligned, side: int, colours: tuple[Floats, Floats]) -> tuple[_Tiles, tuple[int, ...]]:
    """
    Measure all tiles.

    Args:
        pair: the first in RGB, the second in mode L.
        side: pixels of a side of a tile.
        colours: the mean colours of the tiles of both.
    """
    shown: Bools = tiled(pair.shown, side) > 0.98
    noisy = encoded(pair.before)
    first_luma, second_luma, noisy_luma = (image.convert("L") for image in (pair.before, pair.after, noisy))
    planes = [np.asarray(image) for image in (first_luma, second_luma, _nudged(noisy_luma))]
    redrawn, floor = redrawn_parts(planes[0], planes[1], planes[2], side)
    first, second = colours
    noise = tiled(np.asarray(noisy), side) - tiled(np.asarray(pair.before), side) + first
    same = shown & (redrawn < REDRAWN)
    weights = np.where(same if same.sum() > 20 else shown, 1.0, 0.0).ravel()
    tone = fitted_tone(first.reshape(-1, 3), second.reshape(-1, 3), weights)
    here, there, noisy_here, expected = (lab(plane) for plane in (first, second, noise, tone(first)))
    tiles = _Tiles(
        redrawn=redrawn * shown,
        floor=floor * shown,
        colour=delta_e(here, there),
        colour_floor=delta_e(here, noisy_here),
        by_tone=delta_e(here, expected),
        beyond_tone=delta_e(expected, there),
        shown=shown,
        reach=(shown.shape[1] * side / pair.before.width, shown.shape[0] * side / pair.before.height),
    )
    return tiles, tone.greys()


def redrawn_parts(before: NDArray[Any], after: NDArray[Any], encoded: NDArray[Any], side: int) -> tuple[Floats, Floats]:
    """
    Return how far each tile of side×side pixels was redrawn, 0 to 1, and how far encoding alone would redraw it.

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
    redrawn, floor = (np.concatenate(part) for part in zip(*parts, strict=True))
    return redrawn, floor


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


def _colours(
    before: Image.Image, after: Image.Image, registration: Registration, pair: Aligned, side: int
) -> tuple[Floats, Floats]:
    """Return the mean colours of the tiles of the first picture, and of the same places in the second."""
    if pair.after.mode == "RGB":
        return tiled(np.asarray(pair.before), side), tiled(np.asarray(pair.after), side)
    # Of large pictures a few places in each tile are enough, each the mean of many pixels.
    columns, rows = pair.before.width // side, pair.before.height // side
    size = columns * SAMPLES, rows * SAMPLES
    reach = columns * side * before.width / pair.before.width, rows * side * before.height / pair.before.height
    first = before.resize(size, Image.Resampling.BOX, (0, 0, *reach), reducing_gap=2.0)
    matrix = registration.matrix.after(Affine.scaling(reach[0] / size[0], reach[1] / size[1]))
    wanted = [max(1, round(side / max(1.0, scale))) for side, scale in zip(after.size, matrix.scales, strict=True)]
    small = after.resize((wanted[0], wanted[1]), Image.Resampling.BOX, reducing_gap=2.0)
    to_small = Affine.scaling(small.width / after.width, small.height / after.height)
    second = shown_through(small, to_small.after(matrix), size)
    return tiled(np.asarray(first), SAMPLES), tiled(np.asarray(second), SAMPLES)


def _nudged(image: Image.Image) -> Image.Image:
    """Return a picture that was resampled twice, by half a pixel there and back; its edges as they were."""
    there = shown_through(image, Affine(1.0, 0.0, 0.5, 0.0, 1.0, 0.5), image.size)
    back = shown_through(there, Affine(1.0, 0.0, -0.5, 0.0, 1.0, -0.5), image.size)
    found = image.copy()
    if min(image.size) > 2 * EDGE:
        box = (EDGE, EDGE, image.width - EDGE, image.height - EDGE)
        found.paste(back.crop(box), box[:2])
    return found


def _estimated(tiles: _Tiles) -> Bools:
    """Return the tiles of a region that changed: redrawn ones and those of another colour, with those around."""
    changed = (averaged(tiles.redrawn, 1) > REDRAWN) | (averaged(tiles.beyond_tone * tiles.shown, 1) > RECOLOURED)
    return grown(changed) & tiles.shown if changed.any() else changed


def _part(tiles: _Tiles, chosen: Bools) -> Part | None:
    chosen = chosen & tiles.shown
    if not chosen.any():
        return None
    redrawn = tiles.redrawn * chosen
    clear = chosen & (tiles.redrawn < REDRAWN)
    strength, floor = float(averaged(redrawn, 1).max()), float(averaged(tiles.floor * chosen, 1).max())
    places = (redrawn >= REDRAWN) & (averaged(redrawn, 1) > REDRAWN / 2)
    recoloured, by_tone = None, 0.0
    if clear.any():
        colour_floor = float(tiles.colour_floor[clear].mean())
        recoloured = Figure(float(tiles.colour[clear].mean()), max(SEEN_COLOUR, 2 * colour_floor))
        by_tone = float(tiles.by_tone[clear].mean())
    return Part(
        area=float(chosen.mean()),
        recoloured=recoloured,
        by_tone=by_tone,
        redrawn=Figure(strength, max(REDRAWN_FLOOR, 1.5 * floor)),
        redrawn_area=float(places.sum() / chosen.sum()),
        boxes=components(places, tiles.reach),
    )


def _ranked(tiles: _Tiles, within: Bools) -> tuple[Tile, ...]:
    score = _score(tiles)
    order = np.argsort(-score, axis=None, kind="stable")[:RANKED]
    pairs = zip(*np.unravel_index(order, score.shape), strict=True)
    return tuple(_tile(tiles, int(row), int(column), within) for row, column in pairs if score[row, column] >= 1)


def _places(tiles: _Tiles, chosen: Bools, within: Bools) -> list[Tile]:
    """Return the tiles among the chosen ones that changed most, none near another."""
    # A tile that changed alone, along an edge, is no place.
    is_alone = (tiles.redrawn >= REDRAWN) & (averaged(tiles.redrawn, 1) <= REDRAWN / 2)
    score = _score(tiles) * (chosen & ~is_alone)
    found: list[Tile] = []
    while len(found) < PLACES:
        row, column = divmod(int(score.argmax()), score.shape[1])
        if score[row, column] < 1:
            break
        found.append(_tile(tiles, row, column, within))
        score[max(0, row - APART + 1) : row + APART, max(0, column - APART + 1) : column + APART] = 0
    return found


def _score(tiles: _Tiles) -> Floats:
    """Return how much each tile changed, in what counts as a change."""
    return tiles.redrawn / REDRAWN + tiles.beyond_tone * tiles.shown / RECOLOURED


def _tile(tiles: _Tiles, row: int, column: int, within: Bools) -> Tile:
    rows, columns = tiles.redrawn.shape[0] / tiles.reach[1], tiles.redrawn.shape[1] / tiles.reach[0]
    box = Box(column / columns, row / rows, (column + 1) / columns, (row + 1) / rows)
    values = float(tiles.redrawn[row, column]), float(tiles.beyond_tone[row, column])
    return Tile(box, *values, bool(within[row, column]))

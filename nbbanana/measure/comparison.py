"""Drift: two pictures registered, then what was recoloured and what was redrawn, tile by tile, inside and outside."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nbbanana.measure.figures import Drift, Figure, Moved, Part, Tile
from nbbanana.measure.geometry import IDENTITY, Affine, Registration
from nbbanana.measure.masks import Region, components, grown
from nbbanana.measure.pixels import Bools, Floats, averaged, inside, resized, shown_through, tiled
from nbbanana.measure.registration import register
from nbbanana.measure.structure import redrawn_parts
from nbbanana.measure.tone import delta_e, fitted_tone, lab
from nbbanana.regions import Box

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Aligned", "aligned", "compare", "encoded"]

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
PLACES, APART = 6, 8
"""Places of a kind that are kept, and tiles by which two are apart at least, across or down."""


class Aligned(NamedTuple):
    """Two pictures in one frame, that of the first at `size`: RGB, and which pixels both show."""

    before: Image
    after: Image
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


def compare(before: Image, after: Image, region: Region | None) -> Drift:
    """
    Measure what changed between two RGB pictures.

    Raises:
        MeasureError: nothing can be said, with the reason.
    """
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
        moved=_moved(registration),
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


def aligned(before: Image, after: Image, registration: Registration, largest: int) -> Aligned:
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


def encoded(image: Image) -> Image:
    """Return the picture as JPEG leaves it."""
    from PIL import Image as Pillow

    file = io.BytesIO()
    image.save(file, "JPEG", quality=FLOOR_QUALITY)
    with Pillow.open(file) as opened:
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
    structure = redrawn_parts(planes[0], planes[1], planes[2], side)
    first, second = colours
    noise = tiled(np.asarray(noisy), side) - tiled(np.asarray(pair.before), side) + first
    same = shown & (structure.redrawn < REDRAWN)
    weights = np.where(same if same.sum() > 20 else shown, 1.0, 0.0).ravel()
    tone = fitted_tone(first.reshape(-1, 3), second.reshape(-1, 3), weights)
    here, there, noisy_here, expected = (lab(plane) for plane in (first, second, noise, tone(first)))
    tiles = _Tiles(
        redrawn=structure.redrawn * shown,
        floor=structure.floor * shown,
        colour=delta_e(here, there),
        colour_floor=delta_e(here, noisy_here),
        by_tone=delta_e(here, expected),
        beyond_tone=delta_e(expected, there),
        shown=shown,
        reach=(shown.shape[1] * side / pair.before.width, shown.shape[0] * side / pair.before.height),
    )
    return tiles, tone.greys()


def _colours(
    before: Image, after: Image, registration: Registration, pair: Aligned, side: int
) -> tuple[Floats, Floats]:
    """Return the mean colours of the tiles of the first picture, and of the same places in the second."""
    from PIL.Image import Resampling

    if pair.after.mode == "RGB":
        return tiled(np.asarray(pair.before), side), tiled(np.asarray(pair.after), side)
    # Of large pictures a few places in each tile are enough, each the mean of many pixels.
    columns, rows = pair.before.width // side, pair.before.height // side
    size = columns * SAMPLES, rows * SAMPLES
    reach = columns * side * before.width / pair.before.width, rows * side * before.height / pair.before.height
    first = before.resize(size, Resampling.BOX, (0, 0, *reach), reducing_gap=2.0)
    matrix = registration.matrix.after(Affine.scaling(reach[0] / size[0], reach[1] / size[1]))
    wanted = [max(1, round(side / max(1.0, scale))) for side, scale in zip(after.size, matrix.scales, strict=True)]
    small = after.resize((wanted[0], wanted[1]), Resampling.BOX, reducing_gap=2.0)
    to_small = Affine.scaling(small.width / after.width, small.height / after.height)
    second = shown_through(small, to_small.after(matrix), size)
    return tiled(np.asarray(first), SAMPLES), tiled(np.asarray(second), SAMPLES)


def _nudged(image: Image) -> Image:
    """Return a picture that was resampled twice, by half a pixel there and back; its edges as they were."""
    there = shown_through(image, Affine(1.0, 0.0, 0.5, 0.0, 1.0, 0.5), image.size)
    back = shown_through(there, Affine(1.0, 0.0, -0.5, 0.0, 1.0, -0.5), image.size)
    found = image.copy()
    if min(image.size) > 2 * EDGE:
        box = (EDGE, EDGE, image.width - EDGE, image.height - EDGE)
        found.paste(back.crop(box), box[:2])
    return found


def _moved(registration: Registration) -> Moved:
    return Moved(
        corner=Figure(registration.corner, max(0.1, registration.uncertainty)),
        shift=registration.shift,
        scale=registration.scale,
        stretch=registration.stretch,
        rotation=registration.rotation,
        lost=max(0.0, registration.lost),
        added=max(0.0, registration.added),
    )


def _estimated(tiles: _Tiles) -> Bools:
    """Return the tiles of a region that changed: redrawn ones and those of another colour, with those around."""
    changed = (_smooth(tiles.redrawn) > REDRAWN) | (_smooth(tiles.beyond_tone * tiles.shown) > RECOLOURED)
    return grown(changed) & tiles.shown if changed.any() else changed


def _smooth(plane: Floats) -> Floats:
    return averaged(plane, 1)


def _part(tiles: _Tiles, chosen: Bools) -> Part | None:
    chosen = chosen & tiles.shown
    if not chosen.any():
        return None
    redrawn = tiles.redrawn * chosen
    clear = chosen & (tiles.redrawn < REDRAWN)
    strength, floor = float(_smooth(redrawn).max()), float(_smooth(tiles.floor * chosen).max())
    places = (redrawn >= REDRAWN) & (_smooth(redrawn) > REDRAWN / 2)
    return Part(
        area=float(chosen.mean()),
        recoloured=_colour(tiles, clear) if clear.any() else None,
        by_tone=float(tiles.by_tone[clear].mean()) if clear.any() else 0.0,
        redrawn=Figure(strength, max(REDRAWN_FLOOR, 1.5 * floor)),
        redrawn_area=float(places.sum() / chosen.sum()),
        boxes=components(places, tiles.reach),
    )


REDRAWN_FLOOR = 0.25
"""The least floor of how far the most changed place was redrawn."""


def _colour(tiles: _Tiles, clear: Bools) -> Figure:
    return Figure(float(tiles.colour[clear].mean()), max(SEEN_COLOUR, 2 * float(tiles.colour_floor[clear].mean())))


def _ranked(tiles: _Tiles, within: Bools) -> tuple[Tile, ...]:
    score = _score(tiles)
    order = np.argsort(-score, axis=None, kind="stable")[:RANKED]
    pairs = zip(*np.unravel_index(order, score.shape), strict=True)
    return tuple(_tile(tiles, int(row), int(column), within) for row, column in pairs if score[row, column] >= 1)


def _places(tiles: _Tiles, chosen: Bools, within: Bools) -> list[Tile]:
    """Return the tiles among the chosen ones that changed most, none near another."""
    # A tile that changed alone, along an edge, is no place.
    is_alone = (tiles.redrawn >= REDRAWN) & (_smooth(tiles.redrawn) <= REDRAWN / 2)
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
    score: Floats = tiles.redrawn / REDRAWN + tiles.beyond_tone * tiles.shown / RECOLOURED
    return score


def _tile(tiles: _Tiles, row: int, column: int, within: Bools) -> Tile:
    rows, columns = tiles.redrawn.shape[0] / tiles.reach[1], tiles.redrawn.shape[1] / tiles.reach[0]
    box = Box(column / columns, row / rows, (column + 1) / columns, (row + 1) / rows)
    values = float(tiles.redrawn[row, column]), float(tiles.beyond_tone[row, column])
    return Tile(box, *values, bool(within[row, column]))

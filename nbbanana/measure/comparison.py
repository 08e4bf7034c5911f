"""Drift: two pictures registered, then what was recoloured and what was redrawn, tile by tile, inside and outside."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nbbanana.measure.figures import Drift, Figure, Moved, Part, Tile
from nbbanana.measure.geometry import Affine, Registration
from nbbanana.measure.masks import Region, components, grown
from nbbanana.measure.pixels import Bools, Floats, averaged, grey, inside, tiled, warped
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
RANKED = 40
"""Tiles that are kept."""


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


def compare(before: Image, after: Image, region: Region | None) -> Drift:
    """
    Measure what changed between two RGB pictures.

    Raises:
        MeasureError: nothing can be said, with the reason.
    """
    registration = register(before, after, None if region is None else region.mask)
    pair = aligned(before, after, registration, LARGEST)
    side = max(LEAST_TILE, round(max(pair.before.size) / TILES))
    tiles, tone = _measured(pair, min(side, *pair.before.size))
    within = _estimated(tiles) if region is None else region.part_of_tiles(tiles.redrawn.shape) > 0.5
    without = ~within if region is None else region.part_of_tiles(tiles.redrawn.shape) < 0.02
    boxes = components(within) if region is None else region.boxes
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
    )


def aligned(before: Image, after: Image, registration: Registration, largest: int) -> Aligned:
    """Return both in the frame of the first, at the coarser of their resolutions and at most at a longest side."""
    from PIL.Image import Resampling, Transform

    scale = float(np.sqrt(abs(registration.matrix.determinant)))
    pitch = min(1.0, largest / max(before.size), scale if scale < 0.9 else 1.0)
    size = max(1, round(before.width * pitch)), max(1, round(before.height * pitch))
    first = before if size == before.size else before.resize(size, Resampling.LANCZOS, reducing_gap=3.0)
    part = pitch / scale
    if part < 0.85:
        wanted = max(1, round(after.width * part)), max(1, round(after.height * part))
        second = after.resize(wanted, Resampling.LANCZOS, reducing_gap=3.0)
    else:
        second = after
    to_second = Affine.scaling(second.width / after.width, second.height / after.height)
    from_first = Affine.scaling(before.width / size[0], before.height / size[1])
    matrix = to_second.after(registration.matrix).after(from_first)
    shown = inside(matrix, size, second.size, 0.0)
    if not _is_whole(matrix) or second.size != size:
        second = second.transform(size, Transform.AFFINE, tuple(matrix), Resampling.BICUBIC)
        shown &= inside(matrix, size, _size_before(to_second, after), 1.0)
    return Aligned(first, second, shown)


def _size_before(scaling: Affine, image: Image) -> tuple[int, int]:
    return round(image.width * scaling.a), round(image.height * scaling.e)


def _is_whole(matrix: Affine) -> bool:
    return matrix == Affine(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def encoded(image: Image) -> Image:
    """Return the picture as JPEG leaves it."""
    from PIL import Image as Pillow

    file = io.BytesIO()
    image.save(file, "JPEG", quality=FLOOR_QUALITY)
    with Pillow.open(file) as opened:
        return opened.convert("RGB")


def _measured(pair: Aligned, side: int) -> tuple[_Tiles, tuple[int, ...]]:
    shown: Bools = tiled(pair.shown.astype(np.float32), side) > 0.98
    noisy = encoded(pair.before)
    structure = redrawn_parts(grey(pair.before), grey(pair.after), _nudged(grey(noisy)), side)
    first, second, noise = (tiled(np.asarray(image, np.float32), side) for image in (pair.before, pair.after, noisy))
    same = shown & (structure.redrawn < REDRAWN)
    weights = np.where(same if same.sum() > 20 else shown, 1.0, 0.0).ravel()
    tone = fitted_tone(first.reshape(-1, 3), second.reshape(-1, 3), weights)
    colours = [lab(plane) for plane in (first, second, noise, tone(first))]
    tiles = _Tiles(
        redrawn=structure.redrawn * shown,
        floor=structure.floor * shown,
        colour=delta_e(colours[0], colours[1]),
        colour_floor=delta_e(colours[0], colours[2]),
        by_tone=delta_e(colours[0], colours[3]),
        beyond_tone=delta_e(colours[3], colours[1]),
        shown=shown,
    )
    return tiles, tone.greys()


def _nudged(plane: Floats) -> Floats:
    """Return a plane that was resampled twice, by half a pixel there and back."""
    size = plane.shape[1], plane.shape[0]
    there = warped(plane, Affine(1.0, 0.0, 0.5, 0.0, 1.0, 0.5), size)
    back = warped(there, Affine(1.0, 0.0, -0.5, 0.0, 1.0, -0.5), size)
    found = plane.copy()
    if min(size) > 4:
        found[2:-2, 2:-2] = back[2:-2, 2:-2]
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
        boxes=components(places),
    )


REDRAWN_FLOOR = 0.25
"""The least floor of how far the most changed place was redrawn."""


def _colour(tiles: _Tiles, clear: Bools) -> Figure:
    return Figure(float(tiles.colour[clear].mean()), max(SEEN_COLOUR, 2 * float(tiles.colour_floor[clear].mean())))


def _ranked(tiles: _Tiles, within: Bools) -> tuple[Tile, ...]:
    rows, columns = tiles.redrawn.shape
    score = tiles.redrawn / REDRAWN + tiles.beyond_tone * tiles.shown / RECOLOURED
    order = np.argsort(-score, axis=None, kind="stable")[:RANKED]
    found = []
    for row, column in zip(*np.unravel_index(order, score.shape), strict=True):
        if score[row, column] < 1:
            break
        box = Box(column / columns, row / rows, (column + 1) / columns, (row + 1) / rows)
        values = float(tiles.redrawn[row, column]), float(tiles.beyond_tone[row, column])
        found.append(Tile(box, *values, bool(within[row, column])))
    return tuple(found)

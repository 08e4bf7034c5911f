"""Regions as masks: what a caller gives, brought to pixels and to tiles; and the boxes of what was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nbbanana.errors import UsageError
from nbbanana.measure.pixels import Bools, Floats
from nbbanana.regions import Area, Box, Shape, box_shape, boxes_of

__all__ = ["Region", "components", "grown", "region_of"]

MASK_SIDE = 1024
"""Pixels of the longer side at which drawn regions are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """
    The part of a picture that was to change.

    Args:
        mask: H×W, at any size.
        boxes: around it, as parts of the picture.
    """

    mask: Bools
    boxes: tuple[Box, ...]

    def part_of_tiles(self, shape: tuple[int, ...], reach: tuple[float, float]) -> Floats:
        """Return which part of each tile of a grid belongs to it; the grid reaches over that part of the picture."""
        from PIL import Image

        plane = Image.fromarray(self.mask.astype(np.float32))
        box = (0.0, 0.0, reach[0] * plane.width, reach[1] * plane.height)
        return np.asarray(plane.resize((shape[1], shape[0]), Image.Resampling.BOX, box))


def region_of(given: object, size: tuple[int, int]) -> Region | None:
    """
    Return a region from what a caller gives.

    Args:
        given: an `Area` or what has one (`__nbbanana_region__`), a box or boxes as parts of the picture, a mask (a
            picture in mode L or 1, or an array H×W), of which what is above half is to change; or None.
        size: width and height of the picture.

    Raises:
        UsageError: none of these, or a region of nothing.

    >>> region_of((0.5, 0, 1, 1), (8, 4)).mask[0].tolist()
    [False, False, False, False, True, True, True, True]
    """
    if given is None:
        return None
    if hasattr(given, "__nbbanana_region__"):
        given = given.__nbbanana_region__()
    if isinstance(given, Region):
        return given
    if isinstance(given, Area):
        return _of_boxes(given, given.boxes, size)
    if getattr(given, "shape", None) == (4,):
        given = np.asarray(given).tolist()
    if hasattr(given, "getbands") or hasattr(given, "__array_interface__"):
        return _of_mask(given)
    if isinstance(given, list | tuple) and given:
        boxes = given if isinstance(given[0], list | tuple) else [given]
        area = Area(tuple(_checked(box_shape(box)) for box in boxes), size)
        return _of_boxes(area, boxes_of(area.shapes), size)
    raise UsageError(
        f"A {type(given).__name__} is not a region.",
        "A region is a box of four parts of the picture, boxes, an area that was drawn, or a mask.",
        "For example: region=(0.7, 0, 1, 0.3).",
    )


def _of_boxes(area: Area, boxes: tuple[Box, ...], size: tuple[int, int]) -> Region:
    if not any(box.area > 0 for box in boxes):
        raise _nothing("It has no width or no height.")
    return Region(_mask(area, size), boxes)


def _checked(box: Shape) -> Shape:
    """Return a box whose corners are in order."""
    (left, top), (right, bottom) = box.points
    if left > right or top > bottom:
        shown = f"{left:g}, {top:g}, {right:g}, {bottom:g}"
        raise _nothing(f"In the box {shown} the left or the top is beyond the right or the bottom.")
    return box


def _nothing(why: str) -> UsageError:
    return UsageError("The region covers nothing of the picture.", why, "For example: (0.7, 0, 1, 0.3).")


def _mask(area: Area, size: tuple[int, int]) -> Bools:
    part = min(1.0, MASK_SIDE / max(size))
    return np.asarray(area.mask((max(1, round(size[0] * part)), max(1, round(size[1] * part))))) > 127


def _of_mask(given: object) -> Region:
    plane = np.asarray(given)
    if plane.ndim != 2 or not plane.size:
        raise UsageError(
            f"An array of shape {plane.shape} is not a mask.",
            "A mask is H×W: one number for each pixel.",
            "Take one channel.",
        )
    mask = plane if plane.dtype == bool else plane > (127 if plane.max() > 1 else 0.5)
    if not mask.any():
        raise _nothing("No pixel of the mask is white (above half).")
    return Region(mask, components(mask))


def grown(tiles: Bools) -> Bools:
    """Return tiles and the four beside each."""
    found = tiles.copy()
    found[1:] |= tiles[:-1]
    found[:-1] |= tiles[1:]
    found[:, 1:] |= tiles[:, :-1]
    found[:, :-1] |= tiles[:, 1:]
    return found


def components(tiles: Bools, reach: tuple[float, float] = (1.0, 1.0)) -> tuple[Box, ...]:
    """
    Return the boxes around what is connected, the largest first, as parts of the picture.

    Args:
        tiles: which tiles of a grid, or pixels of a mask, are meant.
        reach: how far the grid reaches over the picture, across and down.

    >>> components(np.asarray([[True, True, False, False], [False, False, False, True]]))
    (Box(left=0.0, top=0.0, right=0.5, bottom=0.5), Box(left=0.75, top=0.5, right=1.0, bottom=1.0))
    """
    if tiles.size > MOST_CELLS:
        step = int(np.ceil(np.sqrt(tiles.size / MOST_CELLS)))
        tiles = tiles[::step, ::step]
    rows, columns = tiles.shape[0] / reach[1], tiles.shape[1] / reach[0]
    groups = sorted(_groups(tiles), key=lambda group: -len(group))
    boxes = []
    for group in groups:
        down, across = [row for row, _ in group], [column for _, column in group]
        boxes.append(Box(min(across) / columns, min(down) / rows, (max(across) + 1) / columns, (max(down) + 1) / rows))
    return tuple(boxes)


MOST_CELLS = 16_384
"""Pixels of a mask that are looked at for what is connected."""


def _groups(tiles: Bools) -> Iterator[list[tuple[int, int]]]:
    left = {(int(row), int(column)) for row, column in np.argwhere(tiles)}
    while left:
        group = [left.pop()]
        for row, column in group:  # it grows as it is walked
            near = {(row + down, column + across) for down in (-1, 0, 1) for across in (-1, 0, 1)} & left
            left -= near
            group.extend(sorted(near))
        yield group

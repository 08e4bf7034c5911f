"""Pictures and regions as pixels to calculate with: read within bounds, on white, resized, warped, averaged; boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nbbanana.errors import UsageError
from nbbanana.images import data_of, load, open_safely
from nbbanana.images.colours import on_white, to_srgb, upright
from nbbanana.images.foreign import image_of_array, is_array
from nbbanana.measure.geometry import Affine
from nbbanana.regions import Area, Box, Shape, box_shape, boxes_of

__all__ = [
    "GAP",
    "Bools",
    "Floats",
    "Region",
    "averaged",
    "banded",
    "biweight",
    "components",
    "covered",
    "fast_length",
    "gradients",
    "grey",
    "grown",
    "inside",
    "opaque",
    "picture_of",
    "region_of",
    "resized",
    "shown_through",
    "tiled",
    "warped",
    "whole_picture_of",
]

Floats: TypeAlias = NDArray[np.floating[Any]]
Bools: TypeAlias = NDArray[np.bool_]

GAP = 1.1
"""A picture is brought to so many times a size by averaging whole pixels, which is quick, and then resampled."""
STRIP = 256
"""Rows that are calculated at a time, so that a large picture does not fill the memory."""
UPRIGHT, SLACK = 0.1, 1e-6
"""Pixels of turn or shear that are none; pixels by which rounding may be off an edge."""
MASK_SIDE = 1024
"""Pixels of the longer side at which drawn regions are kept."""
MOST_CELLS = 16_384
"""Pixels of a mask that are looked at for what is connected."""
TUKEY = 4.685
"""Residuals beyond so many deviations weigh nothing; 95 % efficient on normal ones."""
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in Y' (ITU-R BT.601), which JPEG and Pillow's mode L use."""


def picture_of(source: object) -> Image.Image:
    """
    Return a picture as an upright RGB image in sRGB; what is transparent is laid on white, of an animation the first.

    Args:
        source: what `nbbanana.images.load` takes, but for a URL: it is not fetched here.

    Raises:
        ImageError: not a picture, damaged or too large.
        UsageError: a URL.
    """
    return opaque(whole_picture_of(source))


def whole_picture_of(source: object) -> Image.Image:
    """Return a picture as `picture_of` does, but in mode RGBA where something of it is transparent."""
    if isinstance(source, Image.Image):
        source.load()
        if source.mode == "RGB" and not source.info.keys() & {"icc_profile", "exif", "transparency"}:
            return source
        return to_srgb(upright(source))
    if is_array(source) and not hasattr(source, "__nbbanana_image__"):
        return to_srgb(image_of_array(source))
    loaded = load(source)
    if (data := data_of(loaded)) is None:
        raise UsageError(
            f"{loaded.name} is an address.",
            "What changed is measured here, from pixels.",
            "Download it, and give the file.",
        )
    return to_srgb(upright(open_safely(data)))


def opaque(image: Image.Image) -> Image.Image:
    """Return a picture in mode RGB or RGBA as RGB: what is transparent is laid on white."""
    return image if image.mode == "RGB" else on_white(image)


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture at another size; a reduction averages, so that nothing aliases."""
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=GAP)


def covered(mask: Bools, size: tuple[int, int], how: Image.Resampling = Image.Resampling.BILINEAR) -> Floats:
    """Return how much of each pixel of a picture of another size a mask covers, 0 to 1."""
    plane = Image.fromarray(mask.view(np.uint8) * np.uint8(255))
    return np.asarray(plane.resize(size, how), np.float32) / 255


def grey(image: Image.Image) -> Floats:
    """Return the luma of a picture in mode RGB or L, 0 to 255, as float32."""
    channels = np.asarray(image, np.float32)
    return channels if image.mode == "L" else channels @ np.asarray(LUMA, np.float32)


def warped(plane: Floats, matrix: Affine, size: tuple[int, int]) -> Floats:
    """
    Return a smooth plane as another picture shows it: the value at each pixel is the plane's at the place it maps to.

    It is interpolated linearly: Pillow's cubic kernel (a = -1) puts a tenth of a pixel at a sixth.

    Args:
        plane: H×W.
        matrix: from places in the result to places in the plane.
        size: width and height of the result.
    """
    source = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(source.transform(size, Image.Transform.AFFINE, tuple(matrix), Image.Resampling.BILINEAR))


def shown_through(image: Image.Image, matrix: Affine, size: tuple[int, int]) -> Image.Image:
    """
    Return a picture as another one shows it, with its detail; black where it shows nothing.

    Args:
        image: in mode L or RGB.
        matrix: from places in the result to places in the picture.
        size: width and height of the result.
    """
    if max(abs(matrix.b) * size[1], abs(matrix.d) * size[0]) < UPRIGHT:
        return _boxed(image, matrix, size)
    double = image.resize((2 * image.width, 2 * image.height), Image.Resampling.BICUBIC)
    return double.transform(
        size, Image.Transform.AFFINE, tuple(Affine.scaling(2, 2).after(matrix)), Image.Resampling.BILINEAR
    )


def _boxed(image: Image.Image, matrix: Affine, size: tuple[int, int]) -> Image.Image:
    """Return a picture that was scaled and moved: a box of it, at its size in the result."""
    scales = matrix.a, matrix.e
    starts = matrix.c + matrix.b * size[1] / 2, matrix.f + matrix.d * size[0] / 2
    pairs = list(zip(scales, starts, size, image.size, strict=True))
    low = [max(0, math.ceil(-start / scale - SLACK)) for scale, start, _, _ in pairs]
    high = [min(wide, math.floor((whole - start) / scale + SLACK)) for scale, start, wide, whole in pairs]
    found = Image.new(image.mode, size)
    if low[0] < high[0] and low[1] < high[1]:
        (left, right), (upper, lower) = (
            [min(whole, max(0.0, scale * at + start)) for at in (low[axis], high[axis])]
            for axis, (scale, start, _, whole) in enumerate(pairs)
        )
        wanted = high[0] - low[0], high[1] - low[1]
        part = image.resize(wanted, Image.Resampling.BICUBIC, box=(left, upper, right, lower))
        found.paste(part, (low[0], low[1]))
    return found


def inside(matrix: Affine, size: tuple[int, int], within: tuple[int, int], margin: float = 1.0) -> Bools:
    """Return which pixels of a picture of one size map to a place within another, `margin` pixels from its edge."""
    x = np.arange(size[0], dtype=np.float32) + 0.5
    found = np.empty((size[1], size[0]), bool)
    for top in range(0, size[1], STRIP):
        y = (np.arange(top, min(top + STRIP, size[1]), dtype=np.float32) + 0.5)[:, None]
        across = matrix.a * x + matrix.b * y + matrix.c
        down = matrix.d * x + matrix.e * y + matrix.f
        kept = (across >= margin) & (across <= within[0] - margin)
        found[top : top + STRIP] = kept & (down >= margin) & (down <= within[1] - margin)
    return found


def averaged(plane: Floats, radius: int, across: int | None = None) -> Floats:
    """
    Return the mean of the square of 2·radius+1 pixels around each pixel; at the edges, of what is there.

    Args:
        plane: H×W.
        radius: half a window, in pixels.
        across: the same from left to right, where that is another.

    >>> averaged(np.asarray([[0.0, 3.0, 6.0, 9.0]]), 1).tolist()
    [[1.5, 3.0, 6.0, 7.5]]
    """
    return _running(_running(plane, radius, 0), radius if across is None else across, 1)


def _running(plane: Floats, radius: int, axis: int) -> Floats:
    length = plane.shape[axis]
    radius = min(radius, length - 1)
    shape = [side + (at == axis) for at, side in enumerate(plane.shape)]
    sums = np.zeros(shape, np.float32)
    np.cumsum(plane, axis=axis, dtype=np.float32, out=_part(sums, axis, 1, None))
    mean = np.empty(plane.shape, np.float32)
    count = 2 * radius + 1
    if length >= count:
        middle = _part(mean, axis, radius, length - radius)
        np.subtract(_part(sums, axis, count, None), _part(sums, axis, 0, length + 1 - count), out=middle)
        middle /= count
    for at in {*range(min(radius, length)), *range(max(0, length - radius), length)}:
        low, high = max(0, at - radius), min(length, at + radius + 1)
        among = _part(sums, axis, high, high + 1) - _part(sums, axis, low, low + 1)
        _part(mean, axis, at, at + 1)[...] = among / (high - low)
    return mean


def _part(plane: Floats, axis: int, start: int, stop: int | None) -> Floats:
    """Return rows (axis 0) or columns (axis 1) of a plane, as a view."""
    return plane[start:stop] if axis == 0 else plane[:, start:stop]


def gradients(plane: Floats) -> tuple[Floats, Floats]:
    """Return how much a plane rises in a pixel downwards and to the right."""
    found = []
    for axis in (0, 1):
        slope = np.zeros(plane.shape, np.float32)
        if plane.shape[axis] > 2:
            middle = _part(slope, axis, 1, plane.shape[axis] - 1)
            np.subtract(_part(plane, axis, 2, None), _part(plane, axis, 0, -2), out=middle)
            middle *= 0.5
        found.append(slope)
    return found[0], found[1]


def banded(plane: Floats, fine: float, coarse: float) -> Floats:
    """
    Return a plane without detail below and without differences far above a size, both deviations of a Gaussian.

    Args:
        plane: H×W.
        fine: in pixels; 0 leaves all detail.
        coarse: in pixels.
    """
    pad = math.ceil(2 * coarse)
    shape = [fast_length(length + pad) for length in plane.shape]
    padded = np.pad(plane, [(0, to - length) for to, length in zip(shape, plane.shape, strict=True)], "symmetric")
    spectrum = np.fft.rfft2(padded.astype(np.float32))
    rows = np.square(np.fft.fftfreq(shape[0]))[:, None]
    columns = np.square(np.fft.rfftfreq(shape[1]))
    spectrum *= _gauss(rows, fine) * _gauss(columns, fine) - _gauss(rows, coarse) * _gauss(columns, coarse)
    return np.fft.irfft2(spectrum, shape)[: plane.shape[0], : plane.shape[1]].astype(np.float32)


def _gauss(squares: Floats, deviation: float) -> Floats:
    found: Floats = np.exp(-2 * (math.pi * deviation) ** 2 * squares).astype(np.float32)
    return found


def biweight(residuals: Floats, deviation: float) -> Floats:
    """
    Return Tukey's weights of residuals with this deviation: 1 where nothing is left, 0 where they do not fit at all.

    >>> biweight(np.asarray([0.0, 1.0, 5.0]), 1.0).round(2).tolist()
    [1.0, 0.91, 0.0]
    """
    weights: Floats = np.square(np.clip(1 - np.square(residuals / (TUKEY * deviation)), 0, None))
    return weights


def fast_length(length: int) -> int:
    """Return a length not below this one that the Fourier transform takes quickly: 2^n times 1, 3, 5, 9 or 15."""
    powers = [base << n for base in (1, 3, 5, 9, 15) for n in range(15)]
    return min(power for power in powers if power >= length)


def tiled(plane: NDArray[Any], side: int) -> Floats:
    """
    Return the mean of each tile of side×side pixels, H/side × W/side; what is left over at the right and below is cut.

    >>> tiled(np.arange(16.0).reshape(4, 4), 2).tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    cut = plane[: rows * side, : columns * side]
    # Rows first: they lie one after the other in the memory.
    bands = cut.reshape(rows, side, columns * side, *plane.shape[2:]).sum(axis=1, dtype=np.float32)
    sums: Floats = bands.reshape(rows, columns, side, *plane.shape[2:]).sum(axis=2)
    return sums / np.float32(side * side)


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
    part = min(1.0, MASK_SIDE / max(size))
    mask = area.mask((max(1, round(size[0] * part)), max(1, round(size[1] * part))))
    return Region(np.asarray(mask) > 127, boxes)


def _checked(box: Shape) -> Shape:
    """Return a box whose corners are in order."""
    (left, top), (right, bottom) = box.points
    if left > right or top > bottom:
        shown = f"{left:g}, {top:g}, {right:g}, {bottom:g}"
        raise _nothing(f"In the box {shown} the left or the top is beyond the right or the bottom.")
    return box


def _nothing(why: str) -> UsageError:
    return UsageError("The region covers nothing of the picture.", why, "For example: (0.7, 0, 1, 0.3).")


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
    _, group_of, sizes = np.unique(_labels(tiles)[tiles], return_inverse=True, return_counts=True)
    groups = np.split(np.argwhere(tiles)[np.argsort(group_of, kind="stable")], np.cumsum(sizes)[:-1])
    boxes = []
    for group in sorted(filter(len, groups), key=len, reverse=True):
        down, across = group.T.tolist()
        boxes.append(Box(min(across) / columns, min(down) / rows, (max(across) + 1) / columns, (max(down) + 1) / rows))
    return tuple(boxes)


def _labels(tiles: Bools) -> NDArray[np.int_]:
    """Return for each tile the greatest number of a tile that it is connected with, of tiles counted from 1; else 0."""
    labels, before = np.arange(1, tiles.size + 1).reshape(tiles.shape) * tiles, np.zeros_like(tiles, dtype=int)
    (rows, columns), places = tiles.shape, [(down, across) for down in range(3) for across in range(3)]
    while (labels != before).any():
        before, around = labels, np.pad(labels, 1)
        near = np.max([around[y : y + rows, x : x + columns] for y, x in places], axis=0) * tiles
        labels = np.append(0, near)[near]  # what the tile of that number has found by now
    return labels

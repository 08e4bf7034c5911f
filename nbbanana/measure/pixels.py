"""Pictures as pixels to calculate with: read within bounds, on white, resized, warped, averaged."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nbbanana.errors import UsageError
from nbbanana.images import data_of, load, open_safely
from nbbanana.images.arrays import image_of_array, is_array
from nbbanana.images.colours import on_white, to_srgb, upright
from nbbanana.measure.geometry import Affine

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "GAP",
    "Bools",
    "Floats",
    "averaged",
    "banded",
    "fast_length",
    "grey",
    "inside",
    "opaque",
    "picture_of",
    "resized",
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
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in Y' (ITU-R BT.601), which JPEG and Pillow's mode L use."""


def picture_of(source: object) -> Image:
    """
    Return a picture as an upright RGB image in sRGB; what is transparent is laid on white, of an animation the first.

    Args:
        source: what `nbbanana.images.load` takes, but for a URL: it is not fetched here.

    Raises:
        ImageError: not a picture, damaged or too large.
        UsageError: a URL.
    """
    return opaque(whole_picture_of(source))


def whole_picture_of(source: object) -> Image:
    """Return a picture as `picture_of` does, but in mode RGBA where something of it is transparent."""
    from PIL.Image import Image as PillowImage

    if isinstance(source, PillowImage):
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


def opaque(image: Image) -> Image:
    """Return a picture in mode RGB or RGBA as RGB: what is transparent is laid on white."""
    return image if image.mode == "RGB" else on_white(image)


def resized(image: Image, size: tuple[int, int]) -> Image:
    """Return the picture at another size; a reduction averages, so that nothing aliases."""
    from PIL.Image import Resampling

    return image if image.size == size else image.resize(size, Resampling.LANCZOS, reducing_gap=GAP)


def grey(image: Image) -> Floats:
    """Return the luma of a picture in mode RGB or L, 0 to 255, as float32."""
    if image.mode == "L":
        return np.asarray(image, np.float32)
    channels = np.asarray(image, np.float32)
    return channels @ np.asarray(LUMA, np.float32)


def warped(plane: Floats, matrix: Affine, size: tuple[int, int]) -> Floats:
    """
    Return a smooth plane as another picture shows it: the value at each pixel is the plane's at the place it maps to.

    It is interpolated linearly: Pillow's cubic kernel (a = -1) puts a tenth of a pixel at a sixth.

    Args:
        plane: H×W.
        matrix: from places in the result to places in the plane.
        size: width and height of the result.
    """
    from PIL import Image

    source = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(source.transform(size, Image.Transform.AFFINE, tuple(matrix), Image.Resampling.BILINEAR))


def shown_through(image: Image, matrix: Affine, size: tuple[int, int]) -> Image:
    """
    Return a picture as another one shows it, with its detail; black where it shows nothing.

    Args:
        image: in mode L or RGB.
        matrix: from places in the result to places in the picture.
        size: width and height of the result.
    """
    from PIL.Image import Resampling, Transform

    if max(abs(matrix.b) * size[1], abs(matrix.d) * size[0]) < UPRIGHT:
        return _boxed(image, matrix, size)
    double = image.resize((2 * image.width, 2 * image.height), Resampling.BICUBIC)
    return double.transform(size, Transform.AFFINE, tuple(Affine.scaling(2, 2).after(matrix)), Resampling.BILINEAR)


def _boxed(image: Image, matrix: Affine, size: tuple[int, int]) -> Image:
    """Return a picture that was scaled and moved: a box of it, at its size in the result."""
    from PIL import Image as Pillow

    scales = matrix.a, matrix.e
    starts = matrix.c + matrix.b * size[1] / 2, matrix.f + matrix.d * size[0] / 2
    pairs = list(zip(scales, starts, size, image.size, strict=True))
    low = [max(0, math.ceil(-start / scale - SLACK)) for scale, start, _, _ in pairs]
    high = [min(wide, math.floor((whole - start) / scale + SLACK)) for scale, start, wide, whole in pairs]
    found = Pillow.new(image.mode, size)
    if low[0] < high[0] and low[1] < high[1]:
        (left, right), (upper, lower) = (
            [min(whole, max(0.0, scale * at + start)) for at in (low[axis], high[axis])]
            for axis, (scale, start, _, whole) in enumerate(pairs)
        )
        wanted = high[0] - low[0], high[1] - low[1]
        part = image.resize(wanted, Pillow.Resampling.BICUBIC, box=(left, upper, right, lower))
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
    found: Floats = np.fft.irfft2(spectrum, shape)[: plane.shape[0], : plane.shape[1]].astype(np.float32)
    return found


def _gauss(squares: Floats, deviation: float) -> Floats:
    found: Floats = np.exp(-2 * (math.pi * deviation) ** 2 * squares).astype(np.float32)
    return found


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

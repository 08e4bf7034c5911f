"""
The frame of a picture: how large it comes out, how the input is fitted into it, and how it is written.

Sizes follow what such models do: a resolution fixes the area, a ratio its shape. `1K` is about one megapixel whatever
the ratio, and sides are multiples of 8.
"""

from __future__ import annotations

import math
import re
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps, PngImagePlugin

from nbbanana import images
from nbbanana.errors import ParameterError
from nbbanana.images.colours import on_white, to_srgb, upright

__all__ = ["FORMATS", "LARGEST_INPUT", "RESOLUTIONS", "encode", "fit", "opened", "ratio_of", "size_for"]

RESOLUTIONS = {"0.5k": 512, "1k": 1024, "2k": 2048, "4k": 4096}
"""The side in pixels that a square of each resolution has; names in lower case."""
FORMATS = {"png": "PNG", "jpeg": "JPEG", "jpg": "JPEG", "webp": "WEBP"}
LARGEST_INPUT = 64_000_000
"""Pixels of an input that is still decoded."""
WIDEST = 8.0
"""The widest and the tallest ratio that a frame has; the catalogues go from 1:8 to 8:1."""
STEP = 8
SOFTWARE = 0x0131
"""EXIF's tag for the software that wrote a file."""


def ratio_of(text: str) -> float | None:
    """
    Width over height of a ratio such as `16:9`; None for `auto`.

    Raises:
        ParameterError: neither `auto` nor two numbers whose ratio lies between 1:8 and 8:1.

    >>> ratio_of("4:5"), ratio_of("auto")
    (0.8, None)
    """
    if text.strip().lower() == "auto":
        return None
    parts = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,3})?)\s*:\s*(\d{1,3}(?:\.\d{1,3})?)\s*", text)
    width, height = (float(part) for part in parts.groups()) if parts else (0.0, 0.0)
    if not (width and height and 1 / WIDEST <= width / height <= WIDEST):
        raise ParameterError(
            f"aspect_ratio is {text[:40]!r}.",
            "It is auto or a ratio between 1:8 and 8:1, such as 16:9.",
            "Use auto to follow the first picture.",
        )
    return width / height


def size_for(aspect_ratio: str, resolution: str, source: tuple[int, int] | None) -> tuple[int, int]:
    """
    Width and height in pixels of the picture that is asked for.

    Args:
        aspect_ratio: `auto`, which follows the source within 1:8 to 8:1 (a square without one), or such as `16:9`.
        resolution: a name in `RESOLUTIONS`, in either case.
        source: width and height of the first input, None without one.

    Raises:
        ParameterError: an unknown resolution or an impossible ratio.

    >>> size_for("16:9", "1K", None), size_for("auto", "2K", (600, 400))
    ((1368, 768), (2520, 1680))
    """
    side = RESOLUTIONS.get(resolution.strip().lower())
    if side is None:
        raise ParameterError(f"resolution is {resolution[:40]!r}.", "0.5K, 1K, 2K and 4K are allowed.", "Use 1K.")
    ratio = ratio_of(aspect_ratio)
    if ratio is None:
        ratio = source[0] / source[1] if source else 1.0
    return _nearest(min(WIDEST, max(1 / WIDEST, ratio)), side * side)


def _nearest(ratio: float, area: int) -> tuple[int, int]:
    """The sides, multiples of 8, that come nearest to the ratio and, of less weight, to the area."""
    middle = round(math.sqrt(area * ratio) / STEP)
    reach = max(2, round(0.03 * middle))
    candidates = []
    for steps in range(max(1, middle - reach), middle + reach + 1):
        width, height = steps * STEP, max(1, round(steps / ratio)) * STEP
        off_ratio = abs(math.log(width / height / ratio))
        off_area = abs(math.log(width * height / area))
        candidates.append((off_ratio + 0.2 * off_area, width, height))
    _, width, height = min(candidates)
    return width, height


def opened(data: bytes) -> Image.Image:
    """
    The picture in `data`, decoded within bounds, upright, in sRGB, its transparent parts on white: mode RGB.

    Raises:
        ImageError: not a picture, damaged, or larger than `LARGEST_INPUT`.
    """
    return on_white(to_srgb(upright(images.open_safely(data, max_pixels=LARGEST_INPUT))))


def fit(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture scaled until it covers `size`, what hangs over cut off evenly."""
    return ImageOps.fit(picture, size, Image.Resampling.BICUBIC)


def encode(picture: Image.Image, output_format: str) -> bytes:
    """
    The picture as a file of `png`, `jpeg` or `webp`, with the sandbox's mark in its metadata.

    Raises:
        ParameterError: another format.
    """
    kind = FORMATS.get(output_format.strip().lower())
    if kind is None:
        raise ParameterError(f"output_format is {output_format[:40]!r}.", "png, jpeg and webp are allowed.", "Use png.")
    stream = BytesIO()
    picture.save(stream, kind, **_options(kind))
    return stream.getvalue()


def _options(kind: str) -> dict[str, Any]:
    if kind == "PNG":
        # Level 1 costs a quarter of the time of the default level 6 and a tenth more bytes.
        note = PngImagePlugin.PngInfo()
        note.add_text("Software", images.SANDBOX_MARK)
        return {"compress_level": 1, "pnginfo": note}
    exif = Image.Exif()
    exif[SOFTWARE] = images.SANDBOX_MARK
    return {"exif": exif, "quality": 92, **({"method": 2} if kind == "WEBP" else {})}

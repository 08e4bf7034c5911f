"""Small copies of pictures: each original is decoded once, sharpness and size follow what a cell's output may weigh."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from nbbanana.errors import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "contact_sheet",
    "data_uri",
    "encode",
    "faint",
    "fitted",
    "fitting",
    "load",
    "rung_for",
    "small_uri",
    "squares",
]

T = TypeVar("T")
Source = bytes | Path | None

DENSITY = 2.0
"""Pixels a CSS pixel on the screens that people look at pictures on."""

SMALL = 256
"""Pixels of the longer side up to which copies of files are kept: cells of a notebook show the same inputs again."""
KEPT = 64
"""So many of them, 200 kB each at most."""


class Rung(NamedTuple):
    """One step of `LADDER`: `scale` of the full size, JPEG or WebP `quality`, and the bytes against the start's."""

    scale: float
    quality: int
    weight: float


LADDER = (
    Rung(1.0, 82, 2.81), Rung(1.0, 74, 2.07), Rung(1.0, 66, 1.86), Rung(0.87, 66, 1.53), Rung(0.87, 58, 1.37),
    Rung(0.75, 58, 1.11), Rung(0.75, 50, 1.0), Rung(0.62, 50, 0.77), Rung(0.62, 42, 0.69), Rung(0.5, 42, 0.5),
    Rung(0.5, 32, 0.43), Rung(0.37, 32, 0.29), Rung(0.37, 24, 0.25), Rung(0.25, 24, 0.14), Rung(0.17, 20, 0.08),
    Rung(0.1, 10, 0.03),
)  # fmt: skip
"""From the best down; pixels are worth more than quality until about 60. The weights are means over photographs."""

TYPICAL = 0.035
"""Bytes a pixel at the rung whose weight is 1: the median over photographs, which reach from 0.006 to 0.15."""


def load(sources: Sequence[Source], boxes: Sequence[tuple[float, float]]) -> list[Image | None]:
    """
    Decode pictures, each once and on all cores, to twice the size at which they are shown.

    Args:
        sources: their bytes or files; None where there is nothing to show.
        boxes: width and height of what each is shown in, in CSS pixels.

    Returns:
        RGB images whose longer side has two pixels for each CSS pixel of the longer side of the box, or all pixels
        there are. None also for what cannot be read any more: one lost file must not lose the rest of a result.
    """
    return _at_once(_load, sources, [max(1, round(DENSITY * max(box))) for box in boxes])


def _load(source: Source, side: int) -> Image | None:
    if source is None:
        return None
    try:
        if isinstance(source, Path) and side <= SMALL:
            about = source.stat()
            return _small(source, side, (about.st_mtime_ns, about.st_size))
        return _decoded(source, side)
    except (ImageError, OSError):
        return None


@lru_cache(maxsize=KEPT)
def _small(source: Path, side: int, _version: tuple[int, int]) -> Image:
    return _decoded(source, side)


def _decoded(source: bytes | Path, side: int) -> Image:
    from nbbanana.images.colours import on_white
    from nbbanana.images.thumbnails import shrunk

    return on_white(shrunk(source, side=side))


def _at_once(function: Callable[..., T], *columns: Sequence[object]) -> list[T]:
    # Pillow lets go of the interpreter while it decodes, scales and encodes: threads are enough.
    from concurrent.futures import ThreadPoolExecutor

    if len(columns[0]) == 1:
        return list(map(function, *columns))
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, *columns))


def encode(image: Image, *, scale: float = 1.0, quality: int = 70, mime: str = "image/webp") -> bytes:
    """Return the image as a file, scaled down first."""
    from PIL.Image import Resampling

    from nbbanana.images.thumbnails import encoded

    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Resampling.LANCZOS, reducing_gap=2.0)
    return encoded(image, "JPEG" if mime == "image/jpeg" else "WEBP", quality)


def data_uri(data: bytes, mime: str = "image/webp") -> str:
    """Return the bytes of a picture as an address that holds them."""
    return f"data:{mime};base64,{b64encode(data).decode('ascii')}"


def small_uri(image: Image | None, quality: int) -> str:
    """Return the image as an address that holds it; empty where there is none."""
    return data_uri(encode(image, quality=quality)) if image else ""


def squares(sources: Sequence[Source], side: int, quality: int) -> list[dict[str, Any]]:
    """Make small copies for templates, at most `side` CSS pixels large: their size and `uri`, empty if unreadable."""
    images = load(sources, [(side, side)] * len(sources))
    return [{"uri": small_uri(image, quality), **_size(image, side)} for image in images]


def _size(image: Image | None, side: int) -> dict[str, int]:
    if image is None:
        return {"width": side, "height": side}
    scale = min(1.0, side / max(image.size))
    return {"width": max(1, round(image.width * scale)), "height": max(1, round(image.height * scale))}


def base64_length(data: bytes) -> int:
    """Return what the bytes weigh in base64."""
    return (len(data) + 2) // 3 * 4


def fitted(images: Sequence[Image | None], room: int) -> list[bytes | None] | None:
    """
    Return the images as WebP files of one quality, as good as fits into `room` bytes of base64.

    Returns:
        The files in their order, or None where even the smallest do not fit.
    """
    there = [image for image in images if image is not None]
    if not there:
        return [None] * len(images)

    def attempt(rung: Rung) -> list[bytes]:
        return _at_once(lambda image: encode(image, scale=rung.scale, quality=rung.quality), there)

    files = _best(attempt, lambda found: sum(map(base64_length, found)), room, there)
    if files is None:
        return None
    rest = iter(files)
    return [None if image is None else next(rest) for image in images]


def _best(attempt: Callable[[Rung], T], weigh: Callable[[T], int], room: int, images: Sequence[Image]) -> T | None:
    """
    Return the attempt at the best rung of `LADDER` that fits into `room` bytes.

    Each attempt shows how well these pictures compress, and so which rung to try next. The first is the one
    for what is typical of so many pixels: small pictures fit at the top at once.
    """
    best: T | None = None
    pixels = sum(image.width * image.height for image in images)
    low, high, place = 0, len(LADDER), rung_for(room / (4 / 3 * TYPICAL * pixels))
    while low < high:
        found = attempt(LADDER[place])
        weight = weigh(found)
        if weight <= room:
            best, high = found, place
        else:
            low = place + 1
        guess = rung_for(room / weight * LADDER[place].weight)
        if best is not None and guess >= high:
            return best
        place = min(max(guess, low), high - 1)
    return best


def rung_for(weight: float) -> int:
    """Return the highest rung of at most that weight, else the last."""
    return next((number for number, rung in enumerate(LADDER) if rung.weight <= weight), len(LADDER) - 1)


def contact_sheet(
    images: Sequence[Image | None], names: Sequence[str], lines: Sequence[range], width: int, room: int
) -> bytes | None:
    """
    Return all images on one white JPEG, for readers that show no HTML; a single one is just itself.

    Args:
        images: of a `load`.
        names: what is written under each; only characters that Pillow's own font has, so ASCII.
        lines: the places of those that stand beside each other.
        width: of one, in CSS pixels.
        room: bytes of base64 that it may take.

    Returns:
        The file, or None where there is no image, or no room for the smallest.
    """
    if not any(images):
        return None
    only = images[0] if len(images) == 1 else None
    sheet = only or _sheet(images, names, lines, width)
    return _best(
        lambda rung: encode(sheet, scale=rung.scale, quality=rung.quality, mime="image/jpeg"),
        base64_length,
        room,
        [sheet],
    )


def _sheet(images: Sequence[Image | None], names: Sequence[str], rows: Sequence[range], width: int) -> Image:
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    gap, line = 12, 24
    cells = [image and ImageOps.contain(image, (width, 4 * width)) for image in images]
    heights = [max((image.height for place in row if (image := cells[place])), default=width) for row in rows]
    full = (max(map(len, rows)) * (width + gap) + gap, sum(heights) + len(rows) * (line + gap) + gap)
    sheet = Image.new("RGB", full, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    top = gap
    for row, height in zip(rows, heights, strict=True):
        for column, place in enumerate(row):
            left, image = gap + column * (width + gap), cells[place]
            if image is None:
                draw.rectangle((left, top, left + width - 1, top + height - 1), outline="silver")
            else:
                sheet.paste(image, (left, top))
            draw.text((left, top + height + 4), fitting(names[place], width, font), fill="#333", font=font)
        top += height + line + gap
    return sheet


def fitting(text: str, width: float, font: Any) -> str:
    """Return a text on one line, cut at its end where it is wider than so many pixels."""
    if font.getlength(text) <= width:
        return text
    # Halving: a long prompt is measured a few times, not at each of its letters.
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if font.getlength(text[:middle] + "…") <= width else (low, middle - 1)
    return text[:low].rstrip() + "…"


def faint(image: Image, ratio: float) -> bytes:
    """Return a few blurred pixels of the image, cut to `ratio`: the placeholder of a picture to come."""
    from fractions import Fraction

    from PIL import ImageOps

    # The size is the ratio itself in small numbers: rounded to whole pixels, the tile would jump in the end.
    shape = Fraction(ratio).limit_denominator(40)
    times = max(1, 32 // max(shape.numerator, shape.denominator))
    small = ImageOps.fit(image, (shape.numerator * times, shape.denominator * times))
    file = io.BytesIO()
    small.save(file, "WEBP", quality=30, method=4)
    return file.getvalue()

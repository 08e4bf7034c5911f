"""
Pictures made for display, with Pillow alone: small copies, and heat maps laid over them.

Each original is decoded once; sharpness and size of the copies follow what a cell's output may weigh.

A heat map is made from the small grey file that a record keeps: what was measured once can be shown where NumPy is
not installed. The picture below is grey and dark, and the colours grow brighter with what changed, so that light and
dark alone say as much as the colours do (they are those of Matplotlib's "inferno", by N. Smith and S. van der Walt,
CC0, which was made for people who see fewer colours).
"""

from __future__ import annotations

from base64 import b64encode
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from nbbanana.display.views import Change
from nbbanana.errors import ImageError
from nbbanana.images import file_of, open_safely
from nbbanana.images.colours import on_white
from nbbanana.images.thumbnails import encoded, fitting, shrunk
from nbbanana.measure import Affine
from nbbanana.regions import Area, mask_of

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "at_once",
    "contact_sheet",
    "crop_pair",
    "data_uri",
    "encode",
    "faint",
    "fitted",
    "heated",
    "laid_over",
    "legend",
    "letters_within",
    "load",
    "rung_for",
    "small_uri",
    "squares",
    "text_within",
    "within",
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
    return at_once(_load, sources, [max(1, round(DENSITY * max(box))) for box in boxes])


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
    return on_white(shrunk(source, side=side))


def at_once(function: Callable[..., T], *columns: Sequence[object]) -> list[T]:
    """Call a function for each row of some columns, in threads: Pillow lets go of the interpreter while it works."""
    from concurrent.futures import ThreadPoolExecutor

    if len(columns[0]) == 1:
        return list(map(function, *columns))
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, *columns))


def encode(image: Image, *, scale: float = 1.0, quality: int = 70, mime: str = "image/webp") -> bytes:
    """Return the image as a file, scaled down first."""
    from PIL.Image import Resampling

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
    return [{"uri": small_uri(image, quality), **within(image.size if image else None, side)} for image in images]


def within(size: tuple[int, int] | None, side: int) -> dict[str, int]:
    """Return width and height of a picture whose longer side is at most `side`; a square where they are not known."""
    width, height = size or (side, side)
    scale = min(1.0, side / max(width, height))
    return {"width": max(1, round(width * scale)), "height": max(1, round(height * scale))}


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
        return at_once(lambda image: encode(image, scale=rung.scale, quality=rung.quality), there)

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
            draw.text((left, top + height + 4), text_within(names[place], width, font), fill="#333", font=font)
        top += height + line + gap
    return sheet


def text_within(text: str, width: float, font: Any) -> str:
    """Return a text on one line, cut at its end where it is wider than so many pixels."""
    if font.getlength(text) <= width:
        return text
    return text[: letters_within(text, width, font, "…")].rstrip() + "…"


def letters_within(text: str, width: float, font: Any, end: str = "") -> int:
    """Return how many of its letters are at most so many pixels wide, with what stands at their end."""
    return bisect_right(range(1, len(text) + 1), width, key=lambda count: font.getlength(text[:count] + end))


def faint(image: Image, ratio: float) -> bytes:
    """Return a few blurred pixels of the image, cut to `ratio`: the placeholder of a picture to come."""
    from fractions import Fraction

    from PIL import ImageOps

    # The size is the ratio itself in small numbers: rounded to whole pixels, the tile would jump in the end.
    shape = Fraction(ratio).limit_denominator(40)
    times = max(1, 32 // max(shape.numerator, shape.denominator))
    small = ImageOps.fit(image, (shape.numerator * times, shape.denominator * times))
    return file_of(small, "WEBP", quality=30, method=4)


# ── heat maps ───────────────────────────────────────────────────────────────────────────────────────────


COLOURS = (
    *((0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51)),
    *((249, 140, 10), (249, 201, 50), (252, 255, 164)),
)
"""Nine colours at equal distances, from what is the same to another picture."""
NOTHING, PLAIN = 0.06, 0.4
"""Up to the first a place is as it was; from the second on its colour hides the picture below."""
COVER = 0.7
"""How much of the picture a colour hides at most."""
DIM, LIFT = 0.5, 14
"""What the picture below keeps of its brightness, and the grey level of its black."""
MOST_TILES = 512
"""Tiles along a side of a heat map at most; a record of others may hold anything."""
GAP = 3
"""White pixels between two crops."""


def laid_over(picture: Image, heat: bytes, frame: Mapping[str, Any], area: Area | None = None) -> Image:
    """
    Return a picture with a heat map over it, at the picture's size.

    Args:
        picture: the second of the pictures that were compared, at any size, in mode RGB.
        heat: the grey file of `Drift.heat_file`.
        frame: where the two lie upon each other: `frame` of `Drift.as_json`.
        area: what was to change, on the first picture: it is outlined.

    Raises:
        ImageError: the heat map is no picture, or no small one.
    """
    from PIL import Image as Pillow

    grid = open_safely(heat)
    if max(grid.size) > MOST_TILES:
        raise ImageError(f"A heat map of {grid.width}×{grid.height} tiles is none.", "It is a small picture.")
    levels = _in_frame(_spread(grid.convert("L"), frame), picture.size, frame)
    grey = picture.convert("L").point([round(LIFT + DIM * level) for level in range(256)]).convert("RGB")
    found = Pillow.composite(_coloured(levels), grey, levels.point(_covers()))
    if area is not None:
        _outline(found, _in_frame(mask_of(area.shapes, _compared(frame)), picture.size, frame))
    return found


def heated(picture: Image | None, change: Change) -> Image | None:
    """
    Return a picture with what was recorded of it laid over it.

    None where there is no picture, no heat map, or one that cannot be laid over it, as in a record of others.
    """
    if picture is None or change.heat is None:
        return None
    try:
        return laid_over(picture, change.heat, change.figures["frame"], change.area)
    except (ImageError, KeyError, TypeError, ValueError, ArithmeticError, IndexError):
        return None


def _compared(frame: Mapping[str, Any]) -> tuple[int, int]:
    """Return the size at which things on the first picture are drawn before they are moved to the second."""
    return fitting(frame["before"], 640)


def _spread(grid: Image, frame: Mapping[str, Any]) -> Image:
    """Return one pixel a tile as the whole first picture; the last tiles are continued to the edges."""
    from PIL.Image import Resampling

    width, height = grid.size
    wide = grid.crop((0, 0, width + 1, height + 1))
    wide.paste(grid.crop((width - 1, 0, width, height)), (width, 0))
    wide.paste(wide.crop((0, height - 1, width + 1, height)), (0, height))
    across, down = frame["reach"]
    box = (0.0, 0.0, min(width + 1.0, width / across), min(height + 1.0, height / down))
    return wide.resize(_compared(frame), Resampling.BILINEAR, box)


def _in_frame(plane: Image, size: tuple[int, int], frame: Mapping[str, Any]) -> Image:
    """Return what lies on the first picture as it lies on the second; black where the first shows nothing."""
    from PIL.Image import Resampling, Transform

    (width, height), (wide, tall) = frame["before"], frame["after"]
    to_plane = Affine.scaling(plane.width / width, plane.height / height)
    from_result = Affine.scaling(wide / size[0], tall / size[1])
    matrix = to_plane.after(Affine(*frame["matrix"]).inverse()).after(from_result)
    return plane.transform(size, Transform.AFFINE, tuple(matrix), Resampling.BILINEAR)


def _coloured(levels: Image) -> Image:
    from PIL import Image as Pillow

    return Pillow.merge("RGB", [levels.point([colour[band] for colour in _ramp()]) for band in range(3)])


@cache
def _ramp() -> tuple[tuple[int, int, int], ...]:
    """Return a colour for each of 256 levels."""
    found = []
    for level in range(256):
        place = level / 255 * (len(COLOURS) - 1)
        at = min(int(place), len(COLOURS) - 2)
        low, high, part = COLOURS[at], COLOURS[at + 1], place - at
        red, green, blue = (round(a + (b - a) * part) for a, b in zip(low, high, strict=True))
        found.append((red, green, blue))
    return tuple(found)


def _covers() -> list[int]:
    """Return how far the colour of each of 256 levels hides the picture, 0 to 255: it begins and ends softly."""
    parts = (min(1.0, max(0.0, (level / 255 - NOTHING) / (PLAIN - NOTHING))) for level in range(256))
    return [round(255 * COVER * part * part * (3 - 2 * part)) for part in parts]


def _outline(picture: Image, mask: Image) -> None:
    """Draw a white line between two dark ones around what is white in a mask: it is seen on everything."""
    from PIL import ImageChops, ImageFilter

    thick = 2 * max(1, round(max(picture.size) / 400)) + 1
    solid = mask.point([0] * 128 + [255] * 128)
    inner, outer = solid.filter(ImageFilter.MinFilter(thick)), solid.filter(ImageFilter.MaxFilter(thick))
    dark = ImageChops.subtract(outer.filter(ImageFilter.MaxFilter(3)), inner.filter(ImageFilter.MinFilter(3)))
    picture.paste((0, 0, 0), mask=dark)
    picture.paste((255, 255, 255), mask=ImageChops.subtract(outer, inner))


@cache
def legend() -> bytes:
    """Return the colours from left to right as a small PNG."""
    from PIL import Image as Pillow

    levels = Pillow.new("L", (64, 1))
    levels.putdata([round(level * 255 / 63) for level in range(64)])
    grey = Pillow.new("RGB", levels.size, (LIFT + 40,) * 3)
    shown = Pillow.composite(_coloured(levels), grey, levels.point(_covers())).resize((64, 6))
    return file_of(shown, "PNG", optimize=True)


def crop_pair(before: Image, after: Image, box: Sequence[float], frame: Mapping[str, Any], side: int) -> Image:
    """
    Return a place of the first picture and the same place of the second, beside each other.

    Args:
        before: the first picture, at any size.
        after: the second.
        box: left, top, right and bottom, as parts of the first picture.
        frame: where the two lie upon each other: `frame` of `Drift.as_json`.
        side: of each of the two squares, in pixels.
    """
    from PIL import Image as Pillow
    from PIL.Image import Resampling, Transform

    found = Pillow.new("RGB", (2 * side + GAP, side), "white")
    width, height = frame["before"]
    matrix, length = Affine(*frame["matrix"]), (box[2] - box[0]) * width
    corner = box[0] * width, box[1] * height
    to_before = Affine(length / side, 0.0, corner[0], 0.0, length / side, corner[1])
    for place, picture, full, to_full in (
        (0, before, frame["before"], to_before),
        (side + GAP, after, frame["after"], matrix.after(to_before)),
    ):
        shown = Affine.scaling(picture.width / full[0], picture.height / full[1]).after(to_full)
        crop = picture.transform((side, side), Transform.AFFINE, tuple(shown), Resampling.BICUBIC)
        found.paste(crop, (place, 0))
    return found

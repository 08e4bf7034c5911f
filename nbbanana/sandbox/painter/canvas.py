"""
The canvas: its size in pixels, how an input comes onto it and a file is made of it, quoted text and the ribbon on it.

Text is set in the one typeface that Pillow carries, which has ASCII and a few signs. Accents that it lacks are dropped;
Chinese or Arabic show as the empty boxes that fonts have for missing letters: it is seen that text was asked for.
"""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageStat, PngImagePlugin

from nbbanana import images
from nbbanana.errors import ParameterError
from nbbanana.images.colours import on_white, to_srgb, upright
from nbbanana.models.framing import ratio_of
from nbbanana.sandbox.painter.prompt import Text

__all__ = ["Size", "encode", "erased", "legible", "lettered", "opened", "ribbon_box", "size_for", "stamped"]

Size = tuple[int, int]

RESOLUTIONS = {"0.5k": 512, "1k": 1024, "2k": 2048, "4k": 4096}
"""The side in pixels that a square of each resolution has; another ratio has the same area."""
WIDEST, STEP = Fraction(8), 8
"""The widest and, upright, the tallest ratio of a frame; what its sides are multiples of, in pixels."""
FORMATS = {"png": "PNG", "jpeg": "JPEG", "jpg": "JPEG", "webp": "WEBP"}
SOFTWARE = 0x0131
"""The EXIF tag for the software that wrote a file."""
LARGEST_INPUT = 64_000_000
"""Pixels of an input that is still decoded."""
MOST_LINES = 4
LONGEST = 240
"""Letters of a text that are set; what comes after is cut with an ellipsis."""
LIGHT, DARK = (250, 250, 247), (18, 18, 20)
SPELT = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "æ": "ae", "œ": "oe"} | dict.fromkeys("–—‐‑−", "-"))
RIBBON_RATIO, RIBBON_COVER = 3.35, 188
"""The ribbon's width over its height; its opacity, 0..255, over which white letters keep a contrast above 4.5:1."""


def size_for(aspect_ratio: str, resolution: str, source: Size | None) -> Size:
    """
    Return width and height in pixels of an output; `source` is the size of the input, None without one.

    Raises:
        ParameterError: an unknown resolution or an impossible ratio.

    >>> size_for("16:9", "1K", None), size_for("auto", "2K", (600, 400))
    ((1368, 768), (2512, 1672))
    """
    side = RESOLUTIONS.get(resolution.strip().lower())
    if side is None:
        raise ParameterError(f"resolution is {resolution[:40]!r}.", "0.5K, 1K, 2K and 4K are allowed.", "Use 1K.")
    ratio = ratio_of(aspect_ratio)
    if ratio == "auto":
        ratio = min(WIDEST, max(1 / WIDEST, Fraction(*source))) if source else Fraction(1)
    if not isinstance(ratio, Fraction) or not 1 / WIDEST <= ratio <= WIDEST:
        raise ParameterError(
            f"aspect_ratio is {aspect_ratio[:40]!r}.",
            "It is auto or a ratio between 1:8 and 8:1, such as 16:9.",
            "Use auto to follow the first picture.",
        )
    # The shorter side is rounded first: the rounding of the longer one then changes the ratio least.
    shape = float(max(ratio, 1 / ratio))
    shorter = _step(side / math.sqrt(shape))
    longer = _step(shorter * shape)
    return (longer, shorter) if ratio > 1 else (shorter, longer)


def _step(pixels: float) -> int:
    """Return the multiple of 8 that is nearest."""
    return round(pixels / STEP) * STEP


def opened(data: bytes) -> Image.Image:
    """Decode an image file: upright, in sRGB, transparent parts on white, mode RGB; an ImageError if it is none."""
    return on_white(to_srgb(upright(images.open_safely(data, max_pixels=LARGEST_INPUT))))


def encode(picture: Image.Image, output_format: str) -> bytes:
    """Write a picture with the sandbox's mark in its metadata; a ParameterError for a format that does not exist."""
    kind = FORMATS.get(output_format.strip().lower())
    if kind is None:
        raise ParameterError(f"output_format is {output_format[:40]!r}.", "png, jpeg and webp are allowed.", "Use png.")
    note, exif = PngImagePlugin.PngInfo(), Image.Exif()
    note.add_text("Software", images.PLAY_MARK)
    exif[SOFTWARE] = images.PLAY_MARK
    # PNG's level 1 costs a quarter of the time of the default level 6 and a tenth more bytes.
    options: dict[str, Any] = {"compress_level": 1, "pnginfo": note} if kind == "PNG" else {"exif": exif, "quality": 92}
    return images.file_of(picture, kind, **options)


def erased(picture: Image.Image, box: Sequence[int]) -> Image.Image:
    """Return the picture with a box of pixels filled with the colours to its left and right, drawn across."""
    left, top, right, bottom = box
    size, reach = (right - left, bottom - top), max(2, min(picture.size) // 40)
    edges = (max(0, left - reach), min(right, picture.width - reach))
    strips = [picture.resize((1, size[1]), Image.Resampling.BOX, (x, top, x + reach, bottom)) for x in edges]
    across = Image.linear_gradient("L").rotate(90).resize(size)
    filled = picture.copy()
    filled.paste(Image.composite(strips[1].resize(size), strips[0].resize(size), across), (left, top))
    return filled


def _font(size: float) -> ImageFont.FreeTypeFont:
    """Return Pillow's own typeface at a size in pixels."""
    face = ImageFont.load_default(size=max(6, round(size)))
    assert isinstance(face, ImageFont.FreeTypeFont)  # a size asks for FreeType
    return face


def legible(text: str) -> str:
    r"""
    Return the text as the typeface can set it: without accents, control and direction characters.

    >>> legible("Café\u202e \x00№5")
    'Cafe No5'
    """
    spelt = unicodedata.normalize("NFKD", text.translate(SPELT))
    kept = (letter for letter in spelt if letter.isprintable() and not unicodedata.combining(letter))
    clean = " ".join("".join(kept).split())
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1].rstrip() + "…"


def lettered(picture: Image.Image, texts: Iterable[Text]) -> Image.Image:
    """Set the texts on a picture; those of one place stand below one another."""
    places: dict[tuple[float, float], list[Text]] = {}
    for text in texts:
        if legible(text.words):
            places.setdefault(text.at, []).append(text)
    for same in places.values():
        _set(picture, [legible(text.words) for text in same], same[0])
    return picture


def _set(picture: Image.Image, words: list[str], text: Text) -> None:
    """Set the words at the text's place: on a plate, on erased ground, or with a soft shade behind the letters."""
    face, block = _fitted(words, text, picture.size)
    spacing, align = face.size * 0.28, {"l": "left", "m": "center", "r": "right"}[text.anchor[0]]
    bounds = ImageDraw.Draw(picture).multiline_textbbox((0, 0), block, face, spacing=spacing, align=align)
    width, height = math.ceil(bounds[2] - bounds[0]), math.ceil(bounds[3] - bounds[1])
    left = text.at[0] * picture.width - width * "lmr".index(text.anchor[0]) / 2
    top = text.at[1] * picture.height - height * "amd".index(text.anchor[1]) / 2
    margin = round(face.size * 0.5)
    x = round(min(max(left, 0), picture.width - width)) - margin
    y = round(min(max(top, 0), picture.height - height)) - margin
    letters = Image.new("L", (width + 2 * margin, height + 2 * margin))
    at, weight = (margin - bounds[0], margin - bounds[1]), round(face.size / 48)
    ImageDraw.Draw(letters).multiline_text(at, block, 255, face, None, spacing, align, stroke_width=weight)
    box = (max(0, x), max(0, y), min(picture.width, x + letters.width), min(picture.height, y + letters.height))
    if text.plate:
        picture.paste(text.plate, box)
    elif text.replaces:
        picture.paste(erased(picture, box))
    light = ImageStat.Stat(picture.crop(box).convert("L")).mean[0]
    ink = text.ink or (LIGHT if light < 150 else DARK)
    if not text.plate:
        shade = letters.filter(ImageFilter.GaussianBlur(margin / 4)).point(lambda value: 1.5 * value)
        picture.paste(DARK if sum(ink) > 300 else LIGHT, (x, y), shade)
    picture.paste(ink, (x, y), letters)


def _fitted(words: list[str], text: Text, size: Size) -> tuple[ImageFont.FreeTypeFont, str]:
    """Return the largest face in which the words stand in few lines, no wider than the text allows, and those lines."""
    width, height = text.width * size[0], text.height * math.sqrt(size[0] * size[1])
    while True:
        face = _font(height)
        across = max(1, int(width / face.getlength("n")))
        lines = [line for part in words for line in textwrap.wrap(part, across)]
        fits = len(lines) <= MOST_LINES and all(face.getlength(line) <= width for line in lines)
        if height <= 8 or (fits and len(lines) * height * 1.3 <= 0.6 * size[1]):
            return face, "\n".join(lines[: 2 * MOST_LINES])
        height *= 0.88


def ribbon_box(size: Size) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the ribbon in pixels on a picture of `size`; it touches both edges."""
    tall = max(12.0, 0.04 * math.sqrt(size[0] * size[1]))
    tall = max(6.0, min(tall, 0.5 * size[0] / RIBBON_RATIO))
    return 0, size[1] - round(tall), round(RIBBON_RATIO * tall), size[1]


def stamped(picture: Image.Image) -> Image.Image:
    """Put the ribbon on a picture."""
    _, top, right, bottom = ribbon_box(picture.size)
    height = bottom - top
    draw = ImageDraw.Draw(picture, "RGBA")
    # Only the inner corner is free; the others lie outside the picture.
    draw.rounded_rectangle((-height, top, right - 1, bottom + height), 0.2 * height, (20, 20, 22, RIBBON_COVER))
    middle, weight = (right / 2, top + 0.49 * height), round(height / 50)
    draw.text(middle, "sandbox", "white", _font(0.62 * height), "mm", stroke_width=weight)
    return picture

"""
Lettering: quoted text, set in the one typeface that Pillow carries, Aileron, so that it looks alike on any machine.

That typeface holds ASCII and a few signs. Letters with accents that it lacks are set without them (Café: Cafe), and
what is left, such as Chinese or Arabic, as the empty box that fonts show for a missing letter: it is to be seen that
text was asked for, and that this painter cannot write it.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby

from PIL import Image, ImageColor, ImageDraw, ImageFilter, ImageFont, ImageStat

from nbbanana.sandbox.easel.colour import RGB, bytes_of, luma
from nbbanana.sandbox.easel.wish import Place, Text

__all__ = ["font", "legible", "lettered", "wrapped"]

Font = ImageFont.FreeTypeFont
Box = tuple[int, int, int, int]

MOST_LINES = 4
LONGEST = 240
"""Letters of a text that are set; what comes after is cut with an ellipsis."""
WHITE: RGB = (0.98, 0.98, 0.97)
BLACK: RGB = (0.07, 0.07, 0.08)
SPELT = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe"}
    | {"ı": "i", "þ": "th", "Þ": "Th", "ð": "d"}
    | dict.fromkeys("–—‐‑−", "-")
    | {"•": "·", "«": "“", "»": "”", "„": "“"}
)
"""What stands for letters and signs that the typeface lacks and that do not decompose."""
NEAR = 0.32
"""Lightness that letters and their ground must lie apart, or a shade is laid between them."""


@lru_cache(maxsize=32)
def font(size: int) -> Font:
    """
    Aileron at a size in pixels.

    Raises:
        ImportError: this Pillow was built without FreeType; the wheels all have it.
    """
    face = ImageFont.load_default(size=max(6, size))
    assert isinstance(face, ImageFont.FreeTypeFont)  # a size asks for FreeType
    return face


def legible(text: str) -> str:
    r"""
    The text as the typeface can set it: accents it lacks dropped, control and direction characters too.

    >>> legible("Café\u202e \x00№5")
    'Cafe No5'
    """
    spelt = unicodedata.normalize("NFKD", text.translate(SPELT))
    kept = (letter for letter in spelt if unicodedata.category(letter)[0] not in {"M", "C"})
    clean = " ".join("".join(kept).split())
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1].rstrip() + "…"


def wrapped(text: str, face: Font, width: float) -> list[str]:
    """Lines of at most `width` pixels, broken at spaces; a longer word stands alone."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and face.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def lettered(picture: Image.Image, texts: Iterable[Text]) -> Image.Image:
    """The picture with the texts set on it; those of one place stand below one another."""
    for place, group in groupby(texts, key=lambda text: text.place):
        same = list(group)
        words = [clean for clean in (legible(text.words) for text in same) if clean]
        if words:
            picture = _set(picture, words, place, same[0].ink, same[0].plate)
    return picture


def _set(picture: Image.Image, words: list[str], place: Place, ink: RGB | None, plate: RGB | None) -> Image.Image:
    face, lines = _fitted(words, place, picture.size)
    block = "\n".join(lines)
    align = {"l": "left", "m": "center", "r": "right"}[place.anchor[0]]
    spacing = round(face.size * 0.28)
    draw = ImageDraw.Draw(picture)
    corner = _corner(draw.multiline_textbbox((0, 0), block, face, spacing=spacing, align=align), place, picture.size)
    box = tuple(round(edge) for edge in draw.multiline_textbbox(corner, block, face, spacing=spacing, align=align))
    ground = _bounded((box[0], box[1], box[2], box[3]), picture.size, margin=round(face.size * 0.5))
    colour = ink or _contrasting(picture, ground)
    if plate is not None:
        picture = _plated(picture, ground, plate)
    elif abs(luma(colour) - _lightness(picture, ground)) < NEAR or _busy(picture, ground):
        picture = _shaded(picture, ground, colour)
    ImageDraw.Draw(picture).multiline_text(
        corner,
        block,
        bytes_of(colour),
        face,
        spacing=spacing,
        align=align,
        stroke_width=_weight(face),
        stroke_fill=bytes_of(colour),
    )
    return picture


def _weight(face: Font) -> int:
    """A stroke that turns the regular weight into about a semibold one."""
    return round(face.size / 48)


def _fitted(words: list[str], place: Place, size: tuple[int, int]) -> tuple[Font, list[str]]:
    """The largest size at which the words stand in few lines, no wider than their place allows."""
    width = place.width * size[0]
    height = place.height * math.sqrt(size[0] * size[1])
    while True:
        face = font(round(height))
        lines = [line for text in words for line in wrapped(text, face, width)]
        widest = max(face.getlength(line) for line in lines)
        fits = widest <= width and len(lines) * height * 1.3 <= 0.6 * size[1] and len(lines) <= MOST_LINES
        if fits or height <= 8:
            return face, _cut(lines, face, width)
        height *= 0.88


def _cut(lines: list[str], face: Font, width: float) -> list[str]:
    """At most so many lines as there is room for, each cut to the width."""
    kept = lines[: 2 * MOST_LINES]
    return [_shortened(line, face, width) for line in kept]


def _shortened(line: str, face: Font, width: float) -> str:
    while len(line) > 1 and face.getlength(line) > width:
        line = line[: len(line) * 3 // 4]
    return line


def _corner(box: tuple[float, float, float, float], place: Place, size: tuple[int, int]) -> tuple[float, float]:
    """Where to draw, so that the letters' own box is aligned to the place, inside the frame."""
    left, top, right, bottom = box
    across = {"l": left, "m": (left + right) / 2, "r": right}[place.anchor[0]]
    down = {"a": top, "m": (top + bottom) / 2, "d": bottom}[place.anchor[1]]
    x = min(max(place.at[0] * size[0] - across, -left), size[0] - right)
    y = min(max(place.at[1] * size[1] - down, -top), size[1] - bottom)
    return x, y


def _bounded(box: Box, size: tuple[int, int], margin: int) -> Box:
    left, top, right, bottom = box
    return max(0, left - margin), max(0, top - margin), min(size[0], right + margin), min(size[1], bottom + margin)


def _lightness(picture: Image.Image, box: Box) -> float:
    return ImageStat.Stat(picture.crop(box).reduce(_coarse(box)).convert("L")).mean[0] / 255


def _busy(picture: Image.Image, box: Box) -> bool:
    """Whether what lies there is too lively to read on."""
    return ImageStat.Stat(picture.crop(box).reduce(_coarse(box)).convert("L")).stddev[0] > 34


def _coarse(box: Box) -> int:
    return max(1, min(box[2] - box[0], box[3] - box[1]) // 32)


def _contrasting(picture: Image.Image, box: Box) -> RGB:
    return WHITE if _lightness(picture, box) < 0.6 else BLACK


def _plated(picture: Image.Image, box: Box, plate: RGB) -> Image.Image:
    """A plate with slightly rounded corners beneath the letters."""
    mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), mask.height // 12, 255)
    picture.paste(bytes_of(plate), box, mask.filter(ImageFilter.GaussianBlur(0.6)))
    return picture


def _shaded(picture: Image.Image, box: Box, ink: RGB) -> Image.Image:
    """A soft shade behind the letters, dark for light ones."""
    tall = box[3] - box[1]
    wide = _bounded(box, picture.size, tall)
    scale = max(1, tall // 24)
    small = ((wide[2] - wide[0]) // scale + 1, (wide[3] - wide[1]) // scale + 1)
    mask = Image.new("L", small)
    inner = [(edge - start) / scale for edge, start in zip(box, (wide[0], wide[1]) * 2, strict=True)]
    ImageDraw.Draw(mask).rounded_rectangle(inner, tall / scale / 2, 150)
    soft = mask.filter(ImageFilter.GaussianBlur(tall / scale / 4)).resize((wide[2] - wide[0], wide[3] - wide[1]))
    shade = ImageColor.getrgb("#0c0d10" if luma(ink) > 0.3 else "#f6f5f2")
    picture.paste(shade, (wide[0], wide[1]), soft)
    return picture
